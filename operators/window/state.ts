/** Of some pane: how many rows it has, then their mean and squared distances; and what the chosen aggregates need. A pane without rows has zero moments, and is empty whatever else the columns hold. */
export type AggregateSchema = {
  readonly moments: PaneColumn;
  readonly sum: PaneColumn;
  readonly extremes: PaneColumn;
  readonly ends: PaneColumn;
  readonly counter: PaneColumn;
};
export type PaneColumn = { readonly type: 'f64'; readonly per: number; readonly planes: number };

/**
 * State of windows of time, a series. Columns that no chosen aggregate needs are not there.
 *
 * A series has a ring of panes, one for each `slide` of time that can still change or is still part of a
 * window to come, and, where windows overlap, one pane more: the running total. Pane k of a slot is at
 * `placeIn(slot, k, panes)`: rows of neighbouring series at about the same time lie side by side.
 */
export type WindowSchema = AggregateSchema & {
  /** 1 while a window of the series is still to close. */
  readonly open: 'u8';
  /** Of an open series: end of the next window to close, and of the newest pane with rows; ms. */
  readonly next: 'f64';
  readonly newest: 'f64';
};

/** State of sessions, a series: a pane for each session that may still change. */
export type SessionSchema = AggregateSchema & {
  /** How many sessions are open, and in which pane the last row was. */
  readonly open: 'u8';
  readonly current: 'u8';
  /** Of an open series: when the first of its sessions is to be looked at again; ms. */
  readonly next: 'f64';
  /** Of a pane: time of the first row and of the last, and from when on rows are not in this session; ms. */
  readonly span: PaneColumn;
};

/** State of windows of rows, a series: a ring of panes of `every` rows and, where windows overlap, the running total. */
export type CountSchema = AggregateSchema & {
  /** Rows still to come until the next window is full; 0: the series is new. */
  readonly missing: 'u32';
  /** Which pane of the ring is being filled. */
  readonly filling: 'u32';
  /** Of a pane: time of the first row and of the last; ms. */
  readonly span: PaneColumn;
};

/** The columns as arrays. */
export interface AggregateState {
  readonly moments: Float64Array;
  readonly sum: Float64Array;
  readonly extremes: Float64Array;
  readonly ends: Float64Array;
  readonly counter: Float64Array;
}
export interface WindowState extends AggregateState {
  readonly open: Uint8Array;
  readonly next: Float64Array;
  readonly newest: Float64Array;
}

/** Where the panes of a slot are. */
export interface Places {
  /** Number among the panes of a slot. */
  numberIn(slot: number, pane: number): number;
  /** The pane of a slot that holds a sample of this time. */
  at(slot: number, time: number, state: AggregateState): number;
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
  clear(state: AggregateState, slot: number, pane: number): void;
  /** Adds rows to their panes: row i to `panes[i]`, to none where that is negative. */
  add(state: AggregateState, rows: Rows, panes: Int32Array): void;
  /** Makes `pane` stand for itself and a `later` one that is not empty. Called before the rows are counted together. */
  append(state: AggregateState, slot: number, pane: number, later: number): void;
  /** Writes the aggregates of panes with rows: those of `closing.panes[j]` to `columns[aggregate][first + j]`. */
  read(state: AggregateState, closing: Closing, columns: Outputs, first: number): void;
}

/** The output's columns; only what is asked for is there. */
export type Outputs = Readonly<Record<string, Float64Array | undefined>>;

/** Windows that close, at most one a series: `length` panes that hold the whole window, with the slot of each. */
export interface Closing {
  length: number;
  readonly slots: Uint32Array;
  readonly panes: Int32Array;
}
