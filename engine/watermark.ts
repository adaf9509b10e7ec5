import { WATERMARK_STEP_MS } from './limits.js';
import type { Time } from './clock.js';

/**
 * Merges the watermarks of several inputs: the minimum over those that are not idle, never going back.
 * An input without a watermark yet holds the others; an idle one is left out until it speaks again. Where
 * all are idle, the clock moves each, and the minimum over all counts: so windows close though nothing comes.
 */
export class WatermarkMerge {
  readonly #times: Float64Array;
  readonly #idle: Uint8Array;
  #merged: Time = -Infinity;

  constructor(readonly inputs: number) {
    this.#times = new Float64Array(inputs).fill(-Infinity);
    this.#idle = new Uint8Array(inputs);
  }

  /** News of one input; returns whether the merged watermark or idleness may have changed. */
  set(input: number, time: Time, idle: boolean): void {
    if (time > this.#times[input]!) this.#times[input] = time;
    this.#idle[input] = idle ? 1 : 0;
    const all = this.idle;
    let least = Infinity;
    for (let i = 0; i < this.inputs; i++) if ((all || this.#idle[i] === 0) && this.#times[i]! < least) least = this.#times[i]!;
    if (least > this.#merged) this.#merged = least;
  }

  /** Every later row has a time at or after it. */
  get time(): Time {
    return this.#merged;
  }

  /** An input has promised more than another of the `count` from `first` on. */
  isAhead(input: number, first: number, count: number): boolean {
    for (let i = first; i < first + count; i++) if (this.#idle[i] === 0 && this.#times[i]! < this.#times[input]!) return true;
    return false;
  }

  /** What one input has promised. */
  of(input: number): Time {
    return this.#times[input]!;
  }

  /** All inputs are idle, so nothing is held back. */
  get idle(): boolean {
    for (let i = 0; i < this.inputs; i++) if (this.#idle[i] === 0) return false;
    return true;
  }

  /** Takes up the watermark of a checkpoint: it never goes back. */
  restore(time: Time): void {
    if (time > this.#merged) this.#merged = time;
  }
}

/**
 * The watermark of one source: the largest time seen less the disorder, on a grid. A row that moves it
 * comes after it: so it depends on the rows and their order alone, not on how they were batched.
 */
export class SourceWatermark {
  #largest: Time = -Infinity;
  #time: Time = -Infinity;

  constructor(readonly disorder: number) {}

  get time(): Time {
    return this.#time;
  }

  /** What the watermark would be before a row of this time. */
  before(time: Time): Time {
    const w = Math.floor((Math.max(time, this.#largest) - this.disorder) / WATERMARK_STEP_MS) * WATERMARK_STEP_MS;
    return w > this.#time ? w : this.#time;
  }

  /** A row of this time passes; true when the watermark moved. */
  see(time: Time): boolean {
    const before = this.before(time);
    if (time > this.#largest) this.#largest = time;
    if (before === this.#time) return false;
    this.#time = before;
    return true;
  }

  /** Moved on by the clock, or by what is merged with it. */
  advance(time: Time): boolean {
    if (time <= this.#time) return false;
    this.#time = time;
    return true;
  }

  save(): { largest: number | null; time: number | null } {
    return { largest: finite(this.#largest), time: finite(this.#time) };
  }

  restore(saved: { largest: number | null; time: number | null }): void {
    this.#largest = saved.largest ?? -Infinity;
    this.#time = saved.time ?? -Infinity;
  }
}

/** JSON has no infinities. */
const finite = (time: Time): number | null => (Number.isFinite(time) ? time : null);
