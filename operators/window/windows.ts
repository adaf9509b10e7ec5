import type { Batch } from '../../engine/batch.js';
import { BATCH_ROWS, BLOCK_SLOTS } from '../../engine/limits.js';
import type { Columns, Operator, Output } from '../../engine/operator.js';
import { partsOf, type Parts } from './aggregates.js';
import type { Counter } from './counter.js';
import { addMoment } from './moments.js';
import type { Panes } from './panes.js';
import type { Closing, WindowSchema, WindowState } from './state.js';

/** Instead of a pane, for rows that no window takes. */
const NONE = -1;

/**
 * Tumbling and sliding windows. A row is added to one pane, whatever the number of windows that it is in.
 *
 * A window closes when the watermark reaches its end + lateness. Its newest pane is complete then: a
 * later row of that pane is late, so a row is in all of its windows or in none.
 *
 * To combine the n panes of a window one by one would cost n a result; to subtract what leaves the window
 * from a running total loses digits, and extremes can't be subtracted. Instead panes are taken in blocks
 * of n, aligned to the epoch (van Herk, Pattern Recognition Letters 13, 1992, p. 517; Gil and Werman, IEEE
 * PAMI 15, 1993, p. 504): a window is the end of one block and the beginning of the next. The beginning is
 * a running total; the ends are made, in place, when a block is complete, by adding to each pane the one
 * after it. That is three additions a result on average, whatever n; the one slide in n that completes
 * a block costs n. Unlike with two stacks, where blocks lie does not depend on when a series began: equal
 * rows give equal bits.
 */
export class Windows implements Operator<WindowSchema> {
  readonly #panes: Panes;
  /** The aggregate that becomes the value. */
  readonly #first: string;
  readonly #parts: Parts;
  /** Pane of each row of the batch at hand. */
  #rowPanes = new Int32Array(BATCH_ROWS);
  /** Pane of the row that entered one last: its end, and its place in the ring. */
  #enteredEnd = -Infinity;
  #enteredPlace = 0;
  /** Slots of the block at hand with a window that closes, and of those with rows the windows and their aggregates. */
  readonly #due = new Uint32Array(BLOCK_SLOTS);
  readonly #closing: Closing;

  constructor(panes: Panes, aggregates: readonly string[]) {
    this.#panes = panes;
    this.#first = aggregates[0]!;
    this.#parts = partsOf(aggregates, panes);
    this.#closing = { length: 0, slots: new Uint32Array(BLOCK_SLOTS), panes: new Int32Array(BLOCK_SLOTS), ends: new Float64Array(BLOCK_SLOTS) };
  }

  push(batch: Batch, state: Columns<WindowSchema>, out: Output): void {
    if (this.#rowPanes.length < batch.length) this.#rowPanes = new Int32Array(batch.length);
    const { moments, others, counter } = this.#parts;
    if (counter === undefined) this.#count(batch, state, out);
    else {
      this.#locateInOrder(batch, state, out, counter);
      moments.add(state, batch, this.#rowPanes);
    }
    for (const part of others) part.add(state, batch, this.#rowPanes);
  }

  /** In rounds: each closes at most one window of each series of the block. */
  advance(watermark: number, from: number, to: number, state: Columns<WindowSchema>, out: Output): void {
    for (;;) {
      const due = this.#findDue(watermark, from, to, state);
      if (due === 0) return;
      if (this.#panes.perWindow === 1) this.#closeTumbling(due, state);
      else this.#closeSliding(due, state);
      this.#emit(state, out);
      if (this.#panes.perWindow > 1) this.#completeBlocks(due, state);
      this.#goOn(due, watermark, state, out);
    }
  }

  save(slot: number): Uint8Array | undefined {
    const waiting = this.#parts.counter?.save(slot);
    const sketches = this.#parts.quantiles?.save(slot);
    if (waiting === undefined && sketches === undefined) return undefined;
    const waitingBytes = waiting?.length ?? 0;
    const saved = new Uint8Array(4 + waitingBytes + (sketches?.length ?? 0));
    new DataView(saved.buffer).setUint32(0, waitingBytes, true);
    if (waiting !== undefined) saved.set(waiting, 4);
    if (sketches !== undefined) saved.set(sketches, 4 + waitingBytes);
    return saved;
  }

  restore(slot: number, saved: Uint8Array): void {
    const waitingEnd = 4 + new DataView(saved.buffer, saved.byteOffset).getUint32(0, true);
    this.#parts.counter?.restore(slot, saved.subarray(4, waitingEnd));
    this.#parts.quantiles?.restore(slot, saved.subarray(waitingEnd));
  }

  release(slot: number): void {
    this.#parts.counter?.release(slot);
    this.#parts.quantiles?.release(slot);
  }

  /**
   * Counts each row in its pane. Most rows are of the same pane of time as the row before, which is found without a
   * division, and that pane has rows of their series already: then there is nothing else to do. Locals of one machine
   * type each (`| 0`) save a conversion a row.
   */
  #count(batch: Batch, state: WindowState, out: Output): void {
    const { length, time, slot, value } = batch;
    const { moments } = state;
    const { slide } = this.#panes;
    const perSlot = this.#panes.perSlot | 0;
    const others = this.#parts.others.length | 0;
    const rowPanes = this.#rowPanes;
    let start = Infinity;
    let end = -Infinity;
    let place = 0;
    let takes = false;
    for (let i = 0; i < length; i++) {
      const t = time[i]!;
      const v = value[i]!;
      if (!(t >= start && t < end)) {
        const number = Math.floor(t / slide);
        start = number * slide;
        end = start + slide;
        place = this.#panes.place(number) | 0;
        takes = this.#panes.takes(end, out.watermark);
      }
      let pane = (Math.imul(slot[i]!, perSlot) + place) | 0;
      // Stale markers and other NaN are not samples.
      if (Number.isNaN(v)) pane = NONE;
      else if (takes && moments[3 * pane]! > 0) addMoment(moments, pane, v);
      else {
        pane = this.#enter(batch, i, state, out) | 0;
        if (pane !== NONE) addMoment(moments, pane, v);
      }
      if (others > 0) rowPanes[i] = pane;
    }
  }

  /** Finds the pane of each row, and hands samples to the counter, which needs them in order of time. */
  #locateInOrder(batch: Batch, state: WindowState, out: Output, counter: Counter): void {
    const { length, time, slot, value } = batch;
    const rowPanes = this.#rowPanes;
    const settled = out.watermark - this.#panes.lateness;
    for (let i = 0; i < length; i++) {
      rowPanes[i] = NONE;
      if (Number.isNaN(value[i]!)) continue;
      if (time[i]! < settled) out.late(batch, i, 'late');
      else if (!counter.makeRoom(state, slot[i]!, settled)) out.late(batch, i, 'ahead');
      else {
        rowPanes[i] = this.#enter(batch, i, state, out);
        if (rowPanes[i]! >= 0) counter.insert(slot[i]!, time[i]!, value[i]!);
      }
    }
  }

  /** The pane of a row, made empty if this is its first row, and its series' timer set; `NONE` when the row is late or too far ahead. */
  #enter(batch: Batch, i: number, state: WindowState, out: Output): number {
    const { size, slide, lateness, ring, perSlot } = this.#panes;
    const slot = batch.slot[i]!;
    const time = batch.time[i]!;
    if (!(time < this.#enteredEnd && time >= this.#enteredEnd - slide)) {
      const number = Math.floor(time / slide);
      this.#enteredEnd = (number + 1) * slide;
      this.#enteredPlace = this.#panes.place(number);
    }
    const end = this.#enteredEnd;
    if (end + lateness <= out.watermark) {
      out.late(batch, i, 'late');
      return NONE;
    }
    const { open, next, newest } = state;
    const isOpen = open[slot] === 1;
    const first = isOpen && next[slot]! < end ? next[slot]! : end;
    const last = isOpen && newest[slot]! > end ? newest[slot]! : end;
    if (last - (first - size) > ring * slide) {
      out.late(batch, i, 'ahead');
      return NONE;
    }
    if (!isOpen || first < next[slot]!) {
      open[slot] = 1;
      next[slot] = first;
      out.wake(slot, first + lateness);
    }
    newest[slot] = last;
    const pane = slot * perSlot + this.#enteredPlace;
    if (state.moments[3 * pane] === 0) this.#clear(state, slot, pane);
    return pane;
  }

  /** The slots of a block with a window that is due. */
  #findDue(watermark: number, from: number, to: number, { open, next }: WindowState): number {
    const { lateness } = this.#panes;
    let due = 0;
    for (let slot = from; slot < to; slot++) {
      if (open[slot] !== 0 && next[slot]! + lateness <= watermark) this.#due[due++] = slot;
    }
    return due;
  }

  /** Each window is one pane. */
  #closeTumbling(due: number, state: WindowState): void {
    const { moments, next } = state;
    const { slide, perSlot } = this.#panes;
    const counter = this.#parts.counter;
    this.#closing.length = 0;
    let knownEnd = NaN;
    let place = 0;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      const end = next[slot]!;
      if (end !== knownEnd) {
        knownEnd = end;
        place = this.#panes.place(end / slide - 1);
      }
      const pane = slot * perSlot + place;
      if (moments[3 * pane] === 0) continue;
      counter?.settle(state, slot, pane, end);
      this.#take(slot, pane, end);
    }
  }

  /** Each window is the end of one block, which lies in its oldest pane, and the beginning of the next, the running total. */
  #closeSliding(due: number, state: WindowState): void {
    const { moments, next } = state;
    const { slide, perWindow, ring, perSlot } = this.#panes;
    const counter = this.#parts.counter;
    this.#closing.length = 0;
    let knownEnd = NaN;
    let newestPlace = 0;
    let wholePlace = 0;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      const end = next[slot]!;
      if (end !== knownEnd) {
        knownEnd = end;
        const number = end / slide - 1;
        const oldest = number - perWindow + 1;
        newestPlace = this.#panes.place(number);
        wholePlace = this.#panes.beginsBlock(oldest) ? ring : this.#panes.place(oldest);
      }
      const newest = slot * perSlot + newestPlace;
      const total = slot * perSlot + ring;
      const whole = slot * perSlot + wholePlace;
      if (moments[3 * newest]! > 0) counter?.settle(state, slot, newest, end);
      this.#append(state, slot, total, newest);
      if (whole !== total) this.#append(state, slot, whole, total);
      if (moments[3 * whole]! > 0) this.#take(slot, whole, end);
    }
  }

  #take(slot: number, pane: number, end: number): void {
    const closing = this.#closing;
    const j = closing.length++;
    closing.slots[j] = slot;
    closing.panes[j] = pane;
    closing.ends[j] = end;
  }

  #emit(state: WindowState, out: Output): void {
    const { length, slots, ends } = this.#closing;
    const first = out.reserve(length);
    for (const part of this.#parts.all) part.read(state, this.#closing, out.columns, first);
    const value = out.columns[this.#first]!;
    for (let j = 0; j < length; j++) out.row(ends[j]!, slots[j]!, value[first + j]!);
  }

  /** Where a block is complete: makes each of its panes stand for the block from there to its end, and begins a new running total. */
  #completeBlocks(due: number, state: WindowState): void {
    const { slide, perWindow, ring, perSlot } = this.#panes;
    let knownEnd = NaN;
    let isComplete = false;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      const end = state.next[slot]!;
      const oldest = end / slide - perWindow;
      if (end !== knownEnd) {
        knownEnd = end;
        isComplete = this.#panes.beginsBlock(oldest);
      }
      if (!isComplete) continue;
      this.#drop(state, slot, slot * perSlot + ring);
      for (let n = oldest + perWindow - 2; n > oldest; n--) this.#append(state, slot, slot * perSlot + this.#panes.place(n), slot * perSlot + this.#panes.place(n + 1));
    }
  }

  /** After a window: its oldest pane leaves; the series goes on to the next window, or is closed where no row is left. */
  #goOn(due: number, watermark: number, state: WindowState, out: Output): void {
    const { open, next, newest } = state;
    const { size, slide, lateness, perSlot } = this.#panes;
    let knownEnd = NaN;
    let oldest = 0;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      const end = next[slot]!;
      if (end !== knownEnd) {
        knownEnd = end;
        oldest = this.#panes.place((end - size) / slide);
      }
      this.#drop(state, slot, slot * perSlot + oldest);
      if (newest[slot]! <= end - size + slide) open[slot] = 0;
      else {
        next[slot] = end + slide;
        if (end + slide + lateness > watermark) out.wake(slot, end + slide + lateness);
      }
    }
  }

  /** Makes `pane` stand for itself and a `later` one. */
  #append(state: WindowState, slot: number, pane: number, later: number): void {
    const { moments } = state;
    if (moments[3 * later] === 0) return;
    if (moments[3 * pane] === 0) this.#clear(state, slot, pane);
    for (const part of this.#parts.all) part.append(state, slot, pane, later);
    moments[3 * pane]! += moments[3 * later]!;
  }

  #clear(state: WindowState, slot: number, pane: number): void {
    for (const part of this.#parts.all) part.clear(state, slot, pane);
  }

  #drop({ moments }: WindowState, slot: number, pane: number): void {
    if (moments[3 * pane] === 0) return;
    moments[3 * pane] = 0;
    this.#parts.quantiles?.drop(slot, pane);
  }
}
