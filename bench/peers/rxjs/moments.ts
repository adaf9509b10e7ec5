import type { Sample } from '../../samples.js';
import type { FarOut, Final } from '../totals.js';

/** Exponentially weighted mean and variance of each series. */
export class Moments {
  /** The last sample, if it was far out. */
  far: FarOut | undefined;
  /** Mean, variance and how many were seen. */
  readonly #states: Float64Array;

  constructor(series: number) {
    this.#states = new Float64Array(3 * series);
  }

  add({ series, time, value }: Sample): this {
    const states = this.#states;
    const at = 3 * series;
    const d = value - states[at]!;
    const variance = states[at + 1]!;
    const seen = states[at + 2]!;
    this.far = seen >= 10 && variance > 0 && d * d > 9 * variance ? { series, time, z: d / Math.sqrt(variance) } : undefined;
    states[at]! += 0.05 * d;
    states[at + 1] = 0.95 * (variance + 0.05 * d * d);
    states[at + 2] = seen + 1;
    return this;
  }

  finals(): Final[] {
    return Array.from({ length: this.#states.length / 3 }, (_, series) => ({ series, mean: this.#states[3 * series]!, variance: this.#states[3 * series + 1]! }));
  }
}
