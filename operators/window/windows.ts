import type { Batch } from '../../engine/batch.js';
import { ADVANCE_SLOTS, BATCH_ROWS, BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type Columns, type Operator, type Output } from '../../engine/operator.js';
import { partsOf, type Parts } from './aggregates.js';
import type { Counter } from './counter.js';
import { addMoment, addRun, appendMoments, empty } from './moments.js';
import type { Panes } from './panes.js';
import { joinSaved, splitSaved } from './saved.js';
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
  /** Series at hand with a window that closes. */
  readonly #due = new Uint32Array(ADVANCE_SLOTS);
  /** Others have one that ends later, and closes too. */
  #dueLater = false;
  /** Those of them whose window has rows. */
  readonly #closing: Closing = { length: 0, slots: new Uint32Array(ADVANCE_SLOTS), panes: new Int32Array(ADVANCE_SLOTS) };

  /** Only where something is kept outside of columns: nobody asks a million series otherwise. */
  readonly save?: (slot: number) => Uint8Array | undefined;

  constructor(panes: Panes, aggregates: readonly string[]) {
    this.#panes = panes;
    this.#first = aggregates[0]!;
    this.#parts = partsOf(aggregates, panes);
    const { counter, quantiles } = this.#parts;
    if (counter !== undefined || quantiles !== undefined) this.save = (slot) => joinSaved(counter?.save(slot), quantiles?.save(slot));
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

  /** In rounds: each closes the windows of one end, the earliest first. */
  advance(watermark: number, from: number, to: number, state: Columns<WindowSchema>, out: Output): void {
    const settled = watermark - this.#panes.lateness;
    let goesOn = true;
    while (goesOn) {
      const due = this.#findDue(settled, from, to, state);
      if (due === 0) return;
      const end = state.next[this.#due[0]!]!;
      goesOn = this.#dueLater || end + this.#panes.slide <= settled;
      if (this.#panes.perWindow === 1) this.#closeTumbling(due, end, state);
      else this.#closeSliding(due, end, state);
      this.#emit(end, state, out);
      if (this.#panes.completesBlock(end)) this.#completeBlock(due, end, state);
      this.#goOn(due, end, watermark, state, out);
    }
  }

  restore(slot: number, saved: Uint8Array): void {
    const [waiting, sketches] = splitSaved(saved);
    this.#parts.counter?.restore(slot, waiting);
    this.#parts.quantiles?.restore(slot, sketches);
  }

  release(slot: number): void {
    this.#parts.counter?.release(slot);
    this.#parts.quantiles?.release(slot);
  }

  /** Counts each row in its pane: runs of rows at once, what needs more one by one. */
  #count(batch: Batch, state: WindowState, out: Output): void {
    const { length, time, slot, value } = batch;
    const { slide, perSlot } = this.#panes;
    const rowPanes = this.#rowPanes;
    const alone = this.#parts.others.length === 0;
    let start = Infinity;
    let end = -Infinity;
    let place = 0;
    let takes = false;
    for (let i = 0; i < length; ) {
      const t = time[i]!;
      if (!(t >= start && t < end)) {
        const number = Math.floor(t / slide);
        start = number * slide;
        end = start + slide;
        place = this.#panes.place(number) * BLOCK_SLOTS;
        takes = this.#panes.takes(end, out.watermark);
      }
      const ran = takes ? addRun(state, batch, rowPanes, i, length, start, end, place, perSlot, alone) : i;
      if (ran > i) {
        i = ran;
        continue;
      }
      const pane = placeIn(slot[i]!, 0, perSlot) + place;
      // Stale markers and other NaN are not samples.
      if (!Number.isNaN(value[i]!) && this.#enter(batch, i, pane, end, takes, state, out)) {
        addMoment(state.moments, pane, value[i]!);
        rowPanes[i] = pane;
      } else rowPanes[i] = NONE;
      i += 1;
    }
  }

  /** Finds the pane of each row, and hands samples to the counter, which needs them in order of time. */
  #locateInOrder(batch: Batch, state: WindowState, out: Output, counter: Counter): void {
    const { length, time, slot, value } = batch;
    const rowPanes = this.#rowPanes;
    const { slide, lateness, perSlot } = this.#panes;
    const settled = out.watermark - lateness;
    for (let i = 0; i < length; i++) {
      rowPanes[i] = NONE;
      if (Number.isNaN(value[i]!)) continue;
      if (time[i]! < settled) out.late(batch, i, 'late');
      else if (!counter.makeRoom(state, slot[i]!, settled)) out.late(batch, i, 'ahead');
      else {
        const number = Math.floor(time[i]! / slide);
        const pane = placeIn(slot[i]!, this.#panes.place(number), perSlot);
        if (!this.#enter(batch, i, pane, (number + 1) * slide, false, state, out)) continue;
        rowPanes[i] = pane;
        counter.insert(slot[i]!, time[i]!, value[i]!);
      }
    }
  }

  /** Makes the pane of a row ready for it: empty if this is its first row, and its series' timer set. False when the row is late or too far ahead. `takes`: it is neither. */
  #enter(batch: Batch, i: number, pane: number, end: number, takes: boolean, state: WindowState, out: Output): boolean {
    const { size, slide, lateness, ring } = this.#panes;
    const slot = batch.slot[i]!;
    if (!takes && end + lateness <= out.watermark) {
      out.late(batch, i, 'late');
      return false;
    }
    const { open, next, newest, moments } = state;
    const isOpen = open[slot] === 1;
    const first = isOpen && next[slot]! < end ? next[slot]! : end;
    const last = isOpen && newest[slot]! > end ? newest[slot]! : end;
    if (!takes && last - (first - size) > ring * slide) {
      out.late(batch, i, 'ahead');
      return false;
    }
    if (!isOpen || first < next[slot]!) {
      open[slot] = 1;
      next[slot] = first;
      out.wake(slot, first + lateness);
    }
    newest[slot] = last;
    if (moments[3 * pane] === 0) this.#clear(state, slot, pane);
    return true;
  }

  /** The slots with a window that ends at or before `settled`, as far as theirs ends first. */
  #findDue(settled: number, from: number, to: number, { open, next }: WindowState): number {
    const slots = this.#due;
    let earliest = settled;
    let due = 0;
    let all = 0;
    for (let slot = from; slot < to; slot++) {
      if (open[slot] === 0) continue;
      const end = next[slot]!;
      if (end > settled) continue;
      all += 1;
      if (end > earliest) continue;
      if (end < earliest) {
        earliest = end;
        due = 0;
      }
      slots[due++] = slot;
    }
    this.#dueLater = all > due;
    return due;
  }

  /** Each window is one pane. */
  #closeTumbling(due: number, end: number, state: WindowState): void {
    const { slide, perSlot } = this.#panes;
    const counter = this.#parts.counter;
    const place = this.#panes.place(end / slide - 1);
    this.#closing.length = 0;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      const pane = placeIn(slot, place, perSlot);
      counter?.settle(state, slot, pane, end);
      this.#take(slot, pane, state);
    }
  }

  /** Each window is the end of one block, which lies in its oldest pane, and the beginning of the next, the running total. */
  #closeSliding(due: number, end: number, state: WindowState): void {
    const { slide, perWindow, ring, perSlot } = this.#panes;
    const counter = this.#parts.counter;
    const number = end / slide - 1;
    const oldest = number - perWindow + 1;
    const newestPlace = this.#panes.place(number);
    const wholePlace = this.#panes.beginsBlock(oldest) ? ring : this.#panes.place(oldest);
    if (counter !== undefined) for (let j = 0; j < due; j++) counter.settle(state, this.#due[j]!, placeIn(this.#due[j]!, newestPlace, perSlot), end);
    this.#append(due, ring, newestPlace, state);
    if (wholePlace !== ring) this.#append(due, wholePlace, ring, state);
    this.#closing.length = 0;
    for (let j = 0; j < due; j++) this.#take(this.#due[j]!, placeIn(this.#due[j]!, wholePlace, perSlot), state);
  }

  #take(slot: number, pane: number, { moments }: WindowState): void {
    if (moments[3 * pane] === 0) return;
    const closing = this.#closing;
    closing.slots[closing.length] = slot;
    closing.panes[closing.length] = pane;
    closing.length += 1;
  }

  #emit(end: number, state: WindowState, out: Output): void {
    const { length, slots } = this.#closing;
    const first = out.reserve(length);
    for (const part of this.#parts.all) part.read(state, this.#closing, out.columns, first);
    out.append(end, slots, length, out.columns[this.#first]!);
  }

  /** A block is complete: makes each of its panes stand for the block from there to its end, and begins a new running total. */
  #completeBlock(due: number, end: number, state: WindowState): void {
    const { slide, perWindow, ring } = this.#panes;
    this.#drop(due, ring, state);
    const newest = end / slide - 1;
    for (let n = newest - 1; n > newest - perWindow + 1; n--) this.#append(due, this.#panes.place(n), this.#panes.place(n + 1), state);
  }

  /** After a window: its oldest pane leaves; the series goes on to the next window, or is closed where no row is left. */
  #goOn(due: number, end: number, watermark: number, state: WindowState, out: Output): void {
    const { open, next, newest } = state;
    const { size, slide, lateness } = this.#panes;
    this.#drop(due, this.#panes.place((end - size) / slide), state);
    const oldestEnd = end - size + slide;
    const nextEnd = end + slide;
    const wakes = nextEnd + lateness > watermark;
    for (let j = 0; j < due; j++) {
      const slot = this.#due[j]!;
      if (newest[slot]! <= oldestEnd) open[slot] = 0;
      else {
        next[slot] = nextEnd;
        if (wakes) out.wake(slot, nextEnd + lateness);
      }
    }
  }

  /** Makes the panes of the due series at `place` stand for themselves and those at `later`. */
  #append(due: number, place: number, later: number, state: WindowState): void {
    const { moments } = state;
    const { perSlot } = this.#panes;
    for (const part of this.#parts.others) {
      for (let j = 0; j < due; j++) {
        const slot = this.#due[j]!;
        const from = placeIn(slot, later, perSlot);
        if (moments[3 * from] === 0) continue;
        const into = placeIn(slot, place, perSlot);
        if (moments[3 * into] === 0) part.clear(state, slot, into);
        part.append(state, slot, into, from);
      }
    }
    // The counts last, as they tell which panes have rows.
    appendMoments(moments, this.#due, due, perSlot, place, later);
  }

  #clear(state: WindowState, slot: number, pane: number): void {
    for (const part of this.#parts.all) part.clear(state, slot, pane);
  }

  #drop(due: number, place: number, { moments }: WindowState): void {
    const { perSlot } = this.#panes;
    const { quantiles } = this.#parts;
    for (let j = 0; j < due; j++) {
      const pane = placeIn(this.#due[j]!, place, perSlot);
      if (quantiles !== undefined && moments[3 * pane]! > 0) quantiles.drop(this.#due[j]!, pane);
      empty(moments, pane);
    }
  }
}
