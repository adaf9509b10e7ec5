import type { Time } from '../../engine/clock.js';

/**
 * What a generated stream is: a pure function of series and step, so that it can go on from anywhere
 * and be made on any shard. At each step every series has one sample; sample `step * series + s` is that of series `s`.
 */
export interface Shape {
  readonly series: number;
  /** Samples in all; `Infinity` where it does not end. */
  readonly count: number;
  /** How much out of order samples may be, ms. */
  readonly disorder: number;
  /** The latest time of a step. */
  timeOf(step: number): Time;
  /** Makes the samples of series `own[from .. to)` at `step` into `time` and `value` from index `at`. */
  fill(step: number, own: Uint32Array, from: number, to: number, time: Float64Array, value: Float64Array, at: number): void;
}

/** The watermark when all of a step is given: the largest time seen less the disorder. */
export function watermarkAfter(shape: Shape, step: number): Time {
  return shape.timeOf(step) - shape.disorder;
}
