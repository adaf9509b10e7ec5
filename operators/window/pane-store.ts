import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type Output } from '../../engine/operator.js';
import { partsOf, type Parts } from './aggregates.js';
import { appendMoments, empty } from './moments.js';
import type { AggregateState, Closing, PaneColumn, Places } from './state.js';

/** Further columns of windows that have no fixed length: time of the first sample, ms since the epoch, and seconds from it to the last. */
export const spanColumns = ['start', 'duration'] as const;

/** `span`: of a pane the times of the first row and of the last, ms, and what else its owner keeps there. */
export interface SpanState extends AggregateState {
  readonly span: Float64Array;
}

/** What sessions and windows of rows do with the panes of one series: where they begin and end is theirs alone, so there is nothing to do for many at once. */
export class PaneStore implements Places {
  readonly parts: Parts;
  /** Panes of a series. */
  readonly perSlot: number;
  /** Numbers that `span` has of each pane. */
  readonly #width: number;
  /** The aggregate that becomes the value. */
  readonly #first: string;
  readonly #at: Places['at'];
  readonly #closing: Closing = { length: 1, slots: new Uint32Array(1), panes: new Int32Array(1) };

  /** `at`: the pane of a time, where rows come in any order. */
  constructor(aggregates: readonly string[], span: PaneColumn, at?: Places['at']) {
    this.perSlot = span.planes;
    this.#width = span.per;
    this.#first = aggregates[0]!;
    this.#at = at ?? (() => -1);
    this.parts = partsOf(aggregates, this, at === undefined ? 'time' : 'any');
  }

  numberIn(slot: number, pane: number): number {
    return (pane - placeIn(slot, 0, this.perSlot)) / BLOCK_SLOTS;
  }

  at(slot: number, time: number, state: AggregateState): number {
    return this.#at(slot, time, state);
  }

  /** Makes a pane empty, before its first row. */
  clear(slot: number, pane: number, state: AggregateState): void {
    for (const part of this.parts.all) part.clear(state, slot, pane);
  }

  /** Makes the pane at `place` stand for itself and the one at `later`, which has rows. */
  append(slot: number, place: number, later: number, state: SpanState): void {
    const { span } = state;
    const width = this.#width;
    const into = placeIn(slot, place, this.perSlot);
    const from = placeIn(slot, later, this.perSlot);
    if (state.moments[3 * into] === 0) span[width * into] = span[width * from]!;
    span[width * into + 1] = span[width * from + 1]!;
    for (const part of this.parts.others) {
      if (state.moments[3 * into] === 0) part.clear(state, slot, into);
      part.append(state, slot, into, from);
    }
    this.#closing.slots[0] = slot;
    appendMoments(state.moments, this.#closing.slots, 1, this.perSlot, place, later);
  }

  /** The rows of a pane are no longer needed. */
  drop(slot: number, pane: number, { moments }: AggregateState): void {
    if (moments[3 * pane] === 0) return;
    this.parts.quantiles?.drop(slot, pane);
    empty(moments, pane);
  }

  /** Gives the result of a window that lies in `pane`. */
  emit(slot: number, pane: number, time: number, state: SpanState, out: Output): void {
    const { span } = state;
    const at = this.#width * pane;
    const closing = this.#closing;
    closing.slots[0] = slot;
    closing.panes[0] = pane;
    const index = out.reserve(1);
    for (const part of this.parts.all) part.read(state, closing, out.columns, index);
    out.columns['start']![index] = span[at]!;
    out.columns['duration']![index] = (span[at + 1]! - span[at]!) / 1_000;
    out.row(time, slot, out.columns[this.#first]![index]!);
  }
}
