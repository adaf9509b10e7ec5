import { WATERMARK_STEP_MS } from './limits.js';
import type { Time } from './clock.js';

/**
 * Merges the watermarks of several inputs, each of which some shards bring: the minimum of all, never going back. It
 * knows nothing of idle sources: the intake moves their watermarks, so that what they promise holds on every way.
 */
export class WatermarkMerge {
  /** Where the shards of each input begin, and at last the number of all. */
  readonly #first: Uint32Array;
  readonly #times: Float64Array;
  #merged: Time = -Infinity;

  /** `shards`: how many bring each input. */
  constructor(shards: readonly number[]) {
    this.#first = new Uint32Array(shards.length + 1);
    for (const [input, count] of shards.entries()) this.#first[input + 1] = this.#first[input]! + count;
    this.#times = new Float64Array(this.#first.at(-1)!).fill(-Infinity);
  }

  /** News of one input, by one of its shards. */
  set(input: number, shard: number, time: Time): void {
    const at = this.#first[input]! + shard;
    if (time > this.#times[at]!) this.#times[at] = time;
    const least = this.#least(0, this.#times.length);
    if (least > this.#merged) this.#merged = least;
  }

  #least(from: number, to: number): Time {
    let least = Infinity;
    for (let at = from; at < to; at++) if (this.#times[at]! < least) least = this.#times[at]!;
    return least;
  }

  /** Every later row has a time at or after it. */
  get time(): Time {
    return this.#merged;
  }

  /** A shard has promised more than another of the same input. */
  isAhead(input: number, shard: number): boolean {
    return this.of(input, shard) > this.#least(this.#first[input]!, this.#first[input + 1]!);
  }

  /** What one shard of an input has promised. */
  of(input: number, shard: number): Time {
    return this.#times[this.#first[input]! + shard]!;
  }

  /** Takes up the watermark of a checkpoint: it never goes back. */
  restore(time: Time): void {
    if (time > this.#merged) this.#merged = time;
  }
}

export interface SavedWatermark {
  readonly largest: number | null;
  readonly time: number | null;
  /** Not in checkpoints of 0.1.0. */
  readonly reached?: number | null;
}

/**
 * The watermark of one source: the largest time seen less the disorder, on a grid. A row that moves it
 * comes after it: so it depends on the rows and their order alone, not on how they were batched.
 */
export class SourceWatermark {
  #largest: Time = -Infinity;
  #time: Time = -Infinity;
  /** Before it was at its end. */
  #last: Time = -Infinity;

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
    if (time === Infinity) this.#last = Math.max(this.#last, this.#time);
    this.#time = time;
    return true;
  }

  /** The furthest that was told of time, but for its end. */
  get reached(): Time {
    return this.#time === Infinity ? this.#last : this.#time;
  }

  save(): SavedWatermark {
    return { largest: finite(this.#largest), time: finite(this.#time), reached: finite(this.reached) };
  }

  restore(saved: SavedWatermark): void {
    this.#largest = saved.largest ?? -Infinity;
    this.#time = saved.time ?? -Infinity;
    this.#last = saved.reached ?? -Infinity;
  }
}

/** JSON has no infinities. */
const finite = (time: Time): number | null => (Number.isFinite(time) ? time : null);
