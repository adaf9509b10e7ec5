import { sinceEpoch, type Told } from './job.js';

/** Of a series' window. */
export interface WindowResult {
  readonly series: number;
  /** ms since the epoch, exclusive. */
  readonly end: number;
  readonly count: number;
  readonly mean: number;
  /** W1: of the population. */
  readonly deviation: number;
}

/** A sample far out of its series' mean (W3), or what mean and variance of a series have become at the end. */
export type KeyedResult = FarOut | Final;

export interface FarOut {
  readonly series: number;
  readonly time: number;
  readonly z: number;
}

export interface Final {
  readonly series: number;
  readonly mean: number;
  readonly variance: number;
}

/** Sums over the results of a job, as its subscriber takes them, and the time it has taken. */
export class Totals {
  readonly #began = performance.now();
  #first: number | undefined;
  #results = 0;
  #counts = 0;
  #means = 0;
  #deviations = 0;
  #variances = 0;
  #z = 0;

  takeWindow(window: WindowResult): void {
    this.#first ??= performance.now();
    this.#results += 1;
    this.#counts += window.count;
    this.#means += window.mean;
    this.#deviations += window.deviation;
  }

  takeKeyed(result: KeyedResult): void {
    if ('z' in result) {
      this.#first ??= performance.now();
      this.#results += 1;
      this.#z += Math.abs(result.z);
    } else {
      this.#means += result.mean;
      this.#variances += result.variance;
    }
  }

  /** When the last result was taken. */
  told(workload: 'W1' | 'W2' | 'W3'): Told {
    const seconds = (performance.now() - this.#began) / 1000;
    const checks = {
      W1: { results: this.#results, counts: this.#counts, means: this.#means, deviations: this.#deviations },
      W2: { results: this.#results, counts: this.#counts, means: this.#means },
      W3: { results: this.#results, z: this.#z, means: this.#means, variances: this.#variances },
    };
    return { seconds, ...(this.#first === undefined ? {} : { first_result_at: sinceEpoch(this.#first) }), check: checks[workload] };
  }
}
