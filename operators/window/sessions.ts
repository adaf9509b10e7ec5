import type { Batch } from '../../engine/batch.js';
import { BATCH_ROWS, BLOCK_SHIFT, BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type Columns, type Operator, type Output } from '../../engine/operator.js';
import type { Counter } from './counter.js';
import { addMoment } from './moments.js';
import { PaneStore } from './pane-store.js';
import { joinSaved, splitSaved } from './saved.js';
import type { PaneColumn, SessionSchema } from './state.js';

/** Sessions of a series that may be open at once; a row that would begin one more is refused. */
export const MOST_OPEN = 64;

/** Instead of a pane. */
const NONE = -1;

export interface SessionSettings {
  /** Silence that ends a session, ms. */
  readonly gap: number;
  /** Longest session, ms; at least twice the gap. */
  readonly max: number;
  readonly lateness: number;
  readonly aggregates: readonly string[];
}

/**
 * Time of the first row of a piece and of the last, and from when on rows are not in it. Pieces that may be there at
 * once: those that begin in the same half of `max` lie `gap` apart, the oldest but the first ends after
 * watermark - lateness, the newest begins before watermark + lead.
 */
export function spanOfSessions({ gap, max, lateness }: Omit<SessionSettings, 'aggregates'>, lead: number): PaneColumn {
  const range = gap + lateness + lead;
  return { type: 'f64', per: 3, planes: Math.min(Math.ceil(range / gap) + Math.ceil((2 * range) / max) + 2, MOST_OPEN) };
}

export type SessionState = Columns<SessionSchema>;

/**
 * Rows of a series less than `gap` apart. Where a session that lasts too long is cut must not depend on the order in
 * which rows come, and aggregates can't be taken apart again. So rows are gathered in pieces that don't reach across
 * a multiple of half of `max`. Whether a piece belongs to the session of the one before is known when that one's start is
 * settled: no earlier row can come; and it is joined to it when no further row can come into it either, so that a sum
 * does not depend on how far the watermark moved at once. A row between two pieces less than `gap` from both extends the
 * earlier, so they are joined too. Pieces don't overlap: each ends, at the latest, where the next begins.
 */
export class Sessions implements Operator<SessionSchema> {
  readonly #gap: number;
  readonly #lateness: number;
  readonly #max: number;
  /** Length of the stretches of time that a piece lies in. */
  readonly #cell: number;
  readonly #store: PaneStore;
  readonly #counter: Counter | undefined;
  /** Pane of each row of the batch at hand. */
  #rowPanes = new Int32Array(BATCH_ROWS);
  /** Found by `#search`: the last piece that begins at or before a time, the first that begins after it, and the first place that is free. */
  #left = NONE;
  #right = NONE;
  #free = NONE;

  constructor({ gap, max, lateness, aggregates }: SessionSettings, lead: number) {
    this.#gap = gap;
    this.#max = max;
    this.#cell = max / 2;
    this.#lateness = lateness;
    this.#store = new PaneStore(aggregates, spanOfSessions({ gap, max, lateness }, lead), (slot, time, state) => {
      this.#search(slot, time, state as SessionState);
      return this.#left;
    });
    this.#counter = this.#store.parts.counter;
  }

  push(batch: Batch, state: SessionState, out: Output): void {
    if (this.#rowPanes.length < batch.length) this.#rowPanes = new Int32Array(batch.length);
    if (this.#counter === undefined) this.#count(batch, state, out);
    else this.#countInOrder(batch, state, out, this.#counter);
    for (const part of this.#store.parts.others) part.add(state, batch, this.#rowPanes);
  }

  advance(watermark: number, from: number, to: number, state: SessionState, out: Output): void {
    const { open, next } = state;
    for (let slot = from; slot < to; slot++) {
      if (open[slot] === 0 || next[slot]! > watermark) continue;
      while (open[slot]! > 0 && next[slot]! <= watermark) this.#close(slot, watermark, state, out);
      if (open[slot]! > 0) out.wake(slot, next[slot]!);
    }
  }

  save(slot: number): Uint8Array | undefined {
    return joinSaved(this.#counter?.save(slot), this.#store.parts.quantiles?.save(slot));
  }

  restore(slot: number, saved: Uint8Array): void {
    const [waiting, sketches] = splitSaved(saved);
    this.#counter?.restore(slot, waiting);
    this.#store.parts.quantiles?.restore(slot, sketches);
  }

  release(slot: number): void {
    this.#counter?.release(slot);
    this.#store.parts.quantiles?.release(slot);
  }

  /** Most rows are in the session of their series' last row: then there is nothing to look for. */
  #count(batch: Batch, state: SessionState, out: Output): void {
    const { length, time, slot, value } = batch;
    const { moments, span, current } = state;
    const gap = this.#gap;
    const perSlot = this.#store.perSlot | 0;
    const others = this.#store.parts.others.length | 0;
    const rowPanes = this.#rowPanes;
    for (let i = 0; i < length; i++) {
      const t = time[i]!;
      const v = value[i]!;
      // `placeIn`
      const s = slot[i]! | 0;
      const lane = s & (BLOCK_SLOTS - 1);
      let pane = (Math.imul(s - lane, perSlot) + (current[s]! << BLOCK_SHIFT) + lane) | 0;
      const at = 3 * pane;
      // Stale markers and other NaN are not samples.
      if (Number.isNaN(v)) pane = NONE;
      else if (t >= span[at]! && t < span[at + 1]! + gap && t < span[at + 2]!) {
        if (t > span[at + 1]!) span[at + 1] = t;
      } else pane = this.#enter(batch, i, state, out);
      if (pane !== NONE) addMoment(moments, pane, v);
      if (others > 0) rowPanes[i] = pane;
    }
  }

  /** Hands samples to the counter, too, which needs them in order of time. */
  #countInOrder(batch: Batch, state: SessionState, out: Output, counter: Counter): void {
    const { length, time, slot, value } = batch;
    const settled = out.watermark - this.#lateness;
    for (let i = 0; i < length; i++) {
      this.#rowPanes[i] = NONE;
      if (Number.isNaN(value[i]!)) continue;
      if (time[i]! < settled) out.late(batch, i, 'late');
      else if (!counter.makeRoom(state, slot[i]!, settled)) out.late(batch, i, 'ahead');
      else {
        const pane = this.#enter(batch, i, state, out);
        if (pane === NONE) continue;
        this.#rowPanes[i] = pane;
        addMoment(state.moments, pane, value[i]!);
        counter.insert(slot[i]!, time[i]!, value[i]!);
      }
    }
  }

  /** The piece that row i is in now: one that was there, or a new one. `NONE` where it is late or there are too many. */
  #enter(batch: Batch, i: number, state: SessionState, out: Output): number {
    const slot = batch.slot[i]!;
    const time = batch.time[i]!;
    this.#search(slot, time, state);
    if (this.#extend(slot, time, state)) return this.#left;
    const left = this.#left;
    const right = this.#right;
    const { span, open } = state;
    if (time < out.watermark - this.#lateness) {
      // What began before it and is open ends after it, when the pieces are joined.
      if (left === NONE) out.late(batch, i, 'late');
      else span[3 * left + 1] = Math.max(span[3 * left + 1]!, time);
      return left;
    }
    const rightStart = right === NONE ? Infinity : span[3 * right]!;
    const cellEnd = (Math.floor(time / this.#cell) + 1) * this.#cell;
    const reachesRight = rightStart - time < this.#gap && rightStart < cellEnd;
    const pane = reachesRight ? right : this.#free;
    if (pane === NONE) {
      out.late(batch, i, 'ahead');
      return NONE;
    }
    if (!reachesRight) {
      this.#store.clear(slot, pane, state);
      open[slot]! += 1;
      span[3 * pane + 1] = time;
      span[3 * pane + 2] = Math.min(cellEnd, rightStart);
    }
    span[3 * pane] = time;
    this.#setCurrent(slot, pane, state);
    if (left !== NONE) span[3 * left + 2] = Math.min(span[3 * left + 2]!, time);
    else {
      state.next[slot] = time + this.#gap + this.#lateness;
      out.wake(slot, state.next[slot]!);
    }
    return pane;
  }

  /** Takes a time into the piece that begins before it, where it is near enough. */
  #extend(slot: number, time: number, state: SessionState): boolean {
    const { span } = state;
    const at = 3 * this.#left;
    if (this.#left === NONE || time >= span[at + 1]! + this.#gap || time >= span[at + 2]!) return false;
    if (time > span[at + 1]!) span[at + 1] = time;
    this.#setCurrent(slot, this.#left, state);
    return true;
  }

  /** Gives the first session of a series if it is over, else says when to look again. */
  #close(slot: number, watermark: number, state: SessionState, out: Output): void {
    const { span, open, next } = state;
    const pane = this.#first(slot, state);
    const end = this.#join(slot, pane, watermark - this.#lateness, state);
    next[slot] = end + this.#lateness;
    if (next[slot]! > watermark) return;
    this.#counter?.settle(state, slot, pane, end);
    this.#store.emit(slot, pane, end, state, out);
    this.#drop(slot, pane, state);
    if (open[slot]! > 0) next[slot] = span[3 * this.#first(slot, state)]! + this.#gap + this.#lateness;
  }

  /** Where the session of the first piece, whose start is settled, ends, as far as it is known; the pieces of it that no row before `settled` can change any more are joined. */
  #join(slot: number, first: number, settled: number, state: SessionState): number {
    const { span, open } = state;
    const cut = this.#cut(span[3 * first]!);
    let [start, last] = [span[3 * first]!, span[3 * first + 1]!];
    for (;;) {
      const later = open[slot] === 1 ? NONE : this.#after(slot, start, state);
      if (later === NONE || span[3 * later]! >= Math.min(cut, last + this.#gap)) return Math.min(cut, last + this.#gap);
      [start, last] = [span[3 * later]!, span[3 * later + 1]!];
      const limit = span[3 * later + 2]!;
      if (Math.min(limit, last + this.#gap) > settled) continue;
      this.#store.append(slot, this.#store.numberIn(slot, first), this.#store.numberIn(slot, later), state);
      span[3 * first + 2] = limit;
      this.#drop(slot, later, state);
    }
  }

  /** Where a session that began then is cut: at the last multiple of half of `max` that is no more than `max` after it. */
  #cut(start: number): number {
    return Math.floor((start + this.#max) / this.#cell) * this.#cell;
  }

  /** The first piece of a series, of which there is one. */
  #first(slot: number, state: SessionState): number {
    const pane = placeIn(slot, state.current[slot]!, this.#store.perSlot);
    return state.open[slot] === 1 && state.moments[3 * pane]! > 0 ? pane : this.#after(slot, -Infinity, state);
  }

  /** The first piece that begins after a time. */
  #after(slot: number, time: number, state: SessionState): number {
    this.#search(slot, time, state);
    return this.#right;
  }

  #search(slot: number, time: number, { span, moments, open }: SessionState): void {
    const { perSlot } = this.#store;
    let left = NONE;
    let right = NONE;
    let free = NONE;
    let leftStart = -Infinity;
    let rightStart = Infinity;
    let pane = placeIn(slot, 0, perSlot);
    for (let n = 0, seen = 0; n < perSlot && (seen < open[slot]! || free === NONE); n++, pane += BLOCK_SLOTS) {
      if (moments[3 * pane] === 0) {
        if (free === NONE) free = pane;
        continue;
      }
      seen += 1;
      const start = span[3 * pane]!;
      if (start <= time) {
        if (start < leftStart) continue;
        left = pane;
        leftStart = start;
      } else if (start < rightStart) {
        right = pane;
        rightStart = start;
      }
    }
    this.#left = left;
    this.#right = right;
    this.#free = free;
  }

  #setCurrent(slot: number, pane: number, { current }: SessionState): void {
    current[slot] = this.#store.numberIn(slot, pane);
  }

  #drop(slot: number, pane: number, state: SessionState): void {
    this.#store.drop(slot, pane, state);
    // No row is in it.
    state.span[3 * pane + 2] = -Infinity;
    state.open[slot]! -= 1;
  }
}
