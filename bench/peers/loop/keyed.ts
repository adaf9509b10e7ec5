import type { Check } from '../../engine.js';
import type { Loop, Part } from './part.js';

/** Mean, variance and how many were seen. */
const STATE = 3;

/** W3. Time does not matter to it: samples are taken in the order in which they come. */
export class Keyed implements Loop {
  first: number | undefined;
  readonly #part: number;
  readonly #parts: number;
  readonly #states: Float64Array;
  #results = 0;
  #z = 0;

  constructor({ series, part, parts }: Part) {
    this.#part = part;
    this.#parts = parts;
    this.#states = new Float64Array(STATE * Math.ceil(series / parts));
  }

  step(_second: number, from: number, to: number): void {
    const states = this.#states;
    const parts = this.#parts;
    for (let i = from + this.#part, at = 0; i < to; i += parts, at += STATE) {
      const h = Math.imul(i, 2654435761) >>> 0;
      const value = (h % 1000) / 10;
      const d = value - states[at]!;
      const variance = states[at + 1]!;
      const seen = states[at + 2]!;
      if (seen >= 10 && variance > 0 && d * d > 9 * variance) this.#tell(Math.abs(d) / Math.sqrt(variance));
      states[at]! += 0.05 * d;
      states[at + 1] = 0.95 * (variance + 0.05 * d * d);
      states[at + 2] = seen + 1;
    }
  }

  end(): Check {
    let means = 0;
    let variances = 0;
    for (let at = 0; at < this.#states.length; at += STATE) {
      means += this.#states[at]!;
      variances += this.#states[at + 1]!;
    }
    return { results: this.#results, z: this.#z, means, variances };
  }

  #tell(z: number): void {
    this.first ??= performance.now();
    this.#results += 1;
    this.#z += z;
  }
}
