import type { Panes } from './panes.js';
import type { Closing, Outputs, Part, WindowState } from './state.js';

/** Samples of one series that wait for the watermark; past it they are refused. 16 bytes each. */
export const MAX_WAITING = 1_024;
const FIRST_CAPACITY = 8;

interface Waiting {
  length: number;
  /** In order; of equal times in order of arrival. */
  time: Float64Array;
  value: Float64Array;
}

/**
 * Growth of a counter between its first and its last sample, and per second between them. A value smaller
 * than the one before is a reset, after which the counter has grown from 0, as in Prometheus' `increase`;
 * nothing is extrapolated. With samples at one time only there is no growth to tell: NaN.
 *
 * A reset is seen only in order of time, so samples wait, sorted, until no earlier one can come.
 * `counter`: time and value of the first sample, time and value of the last, growth between them.
 */
export class Counter implements Part {
  readonly #panes: Panes;
  readonly #waiting: (Waiting | undefined)[] = [];

  constructor(panes: Panes) {
    this.#panes = panes;
  }

  clear({ counter }: WindowState, _slot: number, pane: number): void {
    counter[5 * pane] = Infinity;
  }

  /** Samples come one by one, by `insert`. */
  add(): void {}

  /** Makes room for a sample; false when too many wait. No sample before `settled` comes any more. */
  makeRoom(state: WindowState, slot: number, settled: number): boolean {
    const waiting = this.#waiting[slot];
    if (waiting === undefined || waiting.length < waiting.time.length) return true;
    let done = 0;
    while (done < waiting.length && waiting.time[done]! < settled) {
      follow(state.counter, this.#panes.at(slot, waiting.time[done]!), waiting.time[done]!, waiting.value[done]!);
      done += 1;
    }
    drop(waiting, done);
    if (waiting.length <= waiting.time.length / 2) return true;
    if (waiting.time.length === MAX_WAITING) return done > 0;
    waiting.time = resized(waiting.time, 2 * waiting.time.length);
    waiting.value = resized(waiting.value, 2 * waiting.value.length);
    return true;
  }

  insert(slot: number, time: number, value: number): void {
    const waiting = (this.#waiting[slot] ??= { length: 0, time: new Float64Array(FIRST_CAPACITY), value: new Float64Array(FIRST_CAPACITY) });
    let at = waiting.length++;
    for (; at > 0 && waiting.time[at - 1]! > time; at--) {
      waiting.time[at] = waiting.time[at - 1]!;
      waiting.value[at] = waiting.value[at - 1]!;
    }
    waiting.time[at] = time;
    waiting.value[at] = value;
  }

  /** All samples of a pane that ends at `end` are there. */
  settle(state: WindowState, slot: number, pane: number, end: number): void {
    const waiting = this.#waiting[slot];
    if (waiting === undefined) return;
    let done = 0;
    for (; done < waiting.length && waiting.time[done]! < end; done++) follow(state.counter, pane, waiting.time[done]!, waiting.value[done]!);
    drop(waiting, done);
  }

  append({ counter }: WindowState, _slot: number, pane: number, later: number): void {
    const to = 5 * pane;
    const from = 5 * later;
    if (counter[to] === Infinity) counter.copyWithin(to, from, from + 5);
    else {
      counter[to + 4]! += grown(counter[to + 3]!, counter[from + 1]!) + counter[from + 4]!;
      counter.copyWithin(to + 2, from + 2, from + 4);
    }
  }

  read({ counter }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { increase, rate } = columns;
    for (let j = 0; j < length; j++) {
      const at = 5 * panes[j]!;
      const elapsed = counter[at + 2]! - counter[at]!;
      const growth = elapsed > 0 ? counter[at + 4]! : NaN;
      if (increase !== undefined) increase[first + j] = growth;
      if (rate !== undefined) rate[first + j] = (1_000 * growth) / elapsed;
    }
  }

  save(slot: number): Uint8Array | undefined {
    const waiting = this.#waiting[slot];
    if (waiting === undefined || waiting.length === 0) return undefined;
    const saved = new Float64Array(2 * waiting.length);
    saved.set(waiting.time.subarray(0, waiting.length));
    saved.set(waiting.value.subarray(0, waiting.length), waiting.length);
    return new Uint8Array(saved.buffer);
  }

  restore(slot: number, saved: Uint8Array): void {
    const numbers = new Float64Array(new Uint8Array(saved).buffer);
    const length = numbers.length / 2;
    let capacity = FIRST_CAPACITY;
    while (capacity < length) capacity *= 2;
    this.#waiting[slot] = { length, time: resized(numbers.subarray(0, length), capacity), value: resized(numbers.subarray(length), capacity) };
  }

  release(slot: number): void {
    this.#waiting[slot] = undefined;
  }
}

function grown(before: number, after: number): number {
  return after >= before ? after - before : after;
}

function follow(counter: Float64Array, pane: number, time: number, value: number): void {
  const at = 5 * pane;
  if (counter[at] === Infinity) {
    counter[at] = time;
    counter[at + 1] = value;
    counter[at + 4] = 0;
  } else counter[at + 4]! += grown(counter[at + 3]!, value);
  counter[at + 2] = time;
  counter[at + 3] = value;
}

function drop(waiting: Waiting, rows: number): void {
  if (rows === 0) return;
  waiting.time.copyWithin(0, rows, waiting.length);
  waiting.value.copyWithin(0, rows, waiting.length);
  waiting.length -= rows;
}

function resized(numbers: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(numbers);
  return larger;
}
