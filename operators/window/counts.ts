import type { Batch } from '../../engine/batch.js';
import { placeIn, type Columns, type Operator, type Output } from '../../engine/operator.js';
import { addMoment } from './moments.js';
import { PaneStore } from './pane-store.js';
import { joinSaved, splitSaved } from './saved.js';
import type { CountSchema, PaneColumn, Rows } from './state.js';
import { MAX_WAITING, Waiting } from './waiting.js';

export interface CountSettings {
  /** Rows of a window. */
  readonly rows: number;
  /** A window ends with every so many rows; divides `rows`. */
  readonly every: number;
  readonly lateness: number;
  readonly aggregates: readonly string[];
}

export type CountState = Columns<CountSchema>;

/** Time of the first row of a pane and of the last. Panes: as many as a window has, and a running total where windows overlap. */
export function spanOfCounts({ rows, every }: Pick<CountSettings, 'rows' | 'every'>): PaneColumn {
  return { type: 'f64', per: 2, planes: rows === every ? 1 : rows / every + 1 };
}

/**
 * Windows of so many rows of a series, in order of time. Which rows make a window is only known in that order, so
 * rows wait until no earlier one can come, and are then added to the pane that is being filled.
 *
 * Where windows overlap, panes of `every` rows are combined as those of time are (see `Windows`): in blocks of as
 * many as a window has, the running total of the block being filled, and the ends of the block before, made in place.
 */
export class Counts implements Operator<CountSchema> {
  readonly #rows: number;
  readonly #every: number;
  readonly #lateness: number;
  readonly #perWindow: number;
  readonly #store: PaneStore;
  readonly #waiting = new Waiting();
  /** Rows of one series on their way to the parts. */
  readonly #passed: { length: number } & Rows;
  readonly #passedPanes: Int32Array;

  constructor({ rows, every, lateness, aggregates }: CountSettings) {
    this.#rows = rows;
    this.#every = every;
    this.#lateness = lateness;
    this.#perWindow = rows / every;
    this.#store = new PaneStore(aggregates, spanOfCounts({ rows, every }));
    const most = Math.min(every, MAX_WAITING);
    this.#passed = { length: 0, time: new Float64Array(most), slot: new Uint32Array(most), value: new Float64Array(most) };
    this.#passedPanes = new Int32Array(most);
  }

  push(batch: Batch, state: CountState, out: Output): void {
    const { length, time, slot, value } = batch;
    const { missing } = state;
    const waiting = this.#waiting;
    const settled = out.watermark - this.#lateness;
    for (let i = 0; i < length; i++) {
      const t = time[i]!;
      const v = value[i]!;
      const s = slot[i]!;
      // Stale markers and other NaN are not samples.
      if (Number.isNaN(v)) continue;
      if (t < settled) out.late(batch, i, 'late');
      else if (waiting.isFull(s) && !this.#makeRoom(s, settled, state, out)) out.late(batch, i, 'ahead');
      else {
        if (missing[s] === 0) missing[s] = this.#rows;
        const index = waiting.insert(s, t, v);
        const needed = missing[s]!;
        if (index < needed && waiting.length(s) >= needed) out.wake(s, waiting.time(s, needed - 1) + this.#lateness);
      }
    }
  }

  advance(watermark: number, from: number, to: number, state: CountState, out: Output): void {
    const { missing } = state;
    const waiting = this.#waiting;
    for (let slot = from; slot < to; slot++) {
      const needed = missing[slot]!;
      if (needed === 0 || waiting.length(slot) < needed || waiting.time(slot, needed - 1) + this.#lateness > watermark) continue;
      let count = needed;
      while (count < waiting.length(slot) && waiting.time(slot, count) + this.#lateness <= watermark) count += 1;
      this.#pass(slot, count, state, out);
      if (waiting.length(slot) >= missing[slot]!) out.wake(slot, waiting.time(slot, missing[slot]! - 1) + this.#lateness);
    }
  }

  save(slot: number): Uint8Array | undefined {
    return joinSaved(this.#waiting.save(slot), this.#store.parts.quantiles?.save(slot));
  }

  restore(slot: number, saved: Uint8Array): void {
    const [waiting, sketches] = splitSaved(saved);
    this.#waiting.restore(slot, waiting);
    this.#store.parts.quantiles?.restore(slot, sketches);
  }

  release(slot: number): void {
    this.#waiting.release(slot);
    this.#store.parts.quantiles?.release(slot);
  }

  /** Makes room for a row of a series that has none: rows before `settled` wait no more. They fill no window, or it had been given at that watermark. */
  #makeRoom(slot: number, settled: number, state: CountState, out: Output): boolean {
    const waiting = this.#waiting;
    const first = waiting.first(slot);
    const length = waiting.length(slot);
    let done = 0;
    while (done < length && waiting.cells[first + 2 * done]! < settled) done += 1;
    this.#pass(slot, done, state, out);
    return !waiting.isCrowded(slot) || waiting.grow(slot) || done > 0;
  }

  /** Adds the first `count` rows that wait to their panes, and gives the windows that they fill. */
  #pass(slot: number, count: number, state: CountState, out: Output): void {
    const { missing } = state;
    for (let done = 0; done < count;) {
      const toFill = ((missing[slot]! - 1) % this.#every) + 1;
      const rows = Math.min(toFill, count - done);
      this.#add(slot, done, rows, state);
      missing[slot]! -= rows;
      done += rows;
      if (rows === toFill) this.#completePane(slot, state, out);
    }
    this.#waiting.drop(slot, count);
  }

  /** Adds waiting rows to the pane that is being filled. */
  #add(slot: number, from: number, rows: number, state: CountState): void {
    const { moments, span, filling } = state;
    const { cells } = this.#waiting;
    const first = this.#waiting.first(slot) + 2 * from;
    const end = first + 2 * rows;
    const pane = placeIn(slot, filling[slot]!, this.#store.perSlot);
    if (moments[3 * pane] === 0) {
      this.#store.clear(slot, pane, state);
      span[2 * pane] = cells[first]!;
    }
    span[2 * pane + 1] = cells[end - 2]!;
    for (let at = first; at < end; at += 2) addMoment(moments, pane, cells[at + 1]!);
    const { others } = this.#store.parts;
    if (others.length === 0) return;
    const passed = this.#passed;
    passed.length = rows;
    passed.slot.fill(slot, 0, rows);
    this.#passedPanes.fill(pane, 0, rows);
    for (let i = 0, at = first; at < end; i++, at += 2) {
      passed.time[i] = cells[at]!;
      passed.value[i] = cells[at + 1]!;
    }
    for (const part of others) part.add(state, passed, this.#passedPanes);
  }

  /** The pane that is being filled is full. Where a window is full too, gives it; its oldest pane leaves. */
  #completePane(slot: number, state: CountState, out: Output): void {
    const { missing, filling } = state;
    const total = this.#perWindow;
    const place = filling[slot]!;
    const whole = this.#gather(slot, state);
    if (missing[slot] === 0) {
      this.#emit(slot, whole, state, out);
      missing[slot] = this.#every;
    }
    const next = place + 1 < total ? place + 1 : 0;
    filling[slot] = next;
    this.#drop(slot, next, state);
    if (next > 0 || total === 1) return;
    this.#drop(slot, total, state);
    for (let n = total - 2; n > 0; n--) this.#append(slot, n, n + 1, state);
  }

  /** The place where all of the window that ends with the pane being filled is, if it is full. */
  #gather(slot: number, state: CountState): number {
    const total = this.#perWindow;
    const place = state.filling[slot]!;
    if (total === 1) return place;
    this.#append(slot, total, place, state);
    if (place === total - 1) return total;
    this.#append(slot, place + 1, total, state);
    return place + 1;
  }

  #emit(slot: number, place: number, state: CountState, out: Output): void {
    const pane = placeIn(slot, place, this.#store.perSlot);
    this.#store.emit(slot, pane, state.span[2 * pane + 1]!, state, out);
  }

  #append(slot: number, place: number, later: number, state: CountState): void {
    if (state.moments[3 * placeIn(slot, later, this.#store.perSlot)]! > 0) this.#store.append(slot, place, later, state);
  }

  #drop(slot: number, place: number, state: CountState): void {
    this.#store.drop(slot, placeIn(slot, place, this.#store.perSlot), state);
  }
}
