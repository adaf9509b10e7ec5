/**
 * State of windows, a series. Columns that no chosen aggregate needs are not there.
 *
 * A series has a ring of panes, one for each `slide` of time that can still change or is still part of a
 * window to come, and, where windows overlap, one pane more: the running total. Pane k of a slot is at
 * `placeIn(slot, k, panes)`: rows of neighbouring series at about the same time lie side by side.
 */
export type WindowSchema = {
  /** 1 while a window of the series is still to close. */
  readonly open: 'u8';
  /** Of an open series: end of the next window to close, and of the newest pane with rows; ms. */
  readonly next: 'f64';
  readonly newest: 'f64';
  /** Of a pane: how many rows it has, then their mean and squared distances. A pane without rows is empty, whatever else the columns hold. */
  readonly moments: { readonly type: 'f64'; readonly per: number; readonly planes: number };
  readonly sum: { readonly type: 'f64'; readonly per: number; readonly planes: number };
  readonly extremes: { readonly type: 'f64'; readonly per: number; readonly planes: number };
  readonly ends: { readonly type: 'f64'; readonly per: number; readonly planes: number };
  readonly counter: { readonly type: 'f64'; readonly per: number; readonly planes: number };
};

/** The columns as arrays. */
export interface WindowState {
  readonly open: Uint8Array;
  readonly next: Float64Array;
  readonly newest: Float64Array;
  readonly moments: Float64Array;
  readonly sum: Float64Array;
  readonly extremes: Float64Array;
  readonly ends: Float64Array;
  readonly counter: Float64Array;
}

/** Rows as columns. */
export interface Rows {
  readonly length: number;
  readonly time: Float64Array;
  readonly slot: Uint32Array;
  readonly value: Float64Array;
}

/** What some of the aggregates keep of each pane, and how it is combined. Panes are indices into the columns. */
export interface Part {
  /** Makes a pane empty, before its first row. */
  clear(state: WindowState, slot: number, pane: number): void;
  /** Adds rows to their panes: row i to `panes[i]`, to none where that is negative. */
  add(state: WindowState, rows: Rows, panes: Int32Array): void;
  /** Makes `pane` stand for itself and a `later` one that is not empty. Called before the rows are counted together. */
  append(state: WindowState, slot: number, pane: number, later: number): void;
  /** Writes the aggregates of panes with rows: those of `closing.panes[j]` to `columns[aggregate][first + j]`. */
  read(state: WindowState, closing: Closing, columns: Outputs, first: number): void;
}

/** The output's columns; only what is asked for is there. */
export type Outputs = Readonly<Record<string, Float64Array | undefined>>;

/** Windows that close, at most one a series: `length` panes that hold the whole window, with the slot of each. */
export interface Closing {
  length: number;
  readonly slots: Uint32Array;
  readonly panes: Int32Array;
}
