import type { Closing, Part, Rows, WindowState } from './state.js';

/** Places in the results, -1 for what is not asked for. */
export interface MomentPlaces {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
  readonly stddev: number;
}

/** Count alone. */
export class Counts implements Part {
  readonly #place: number;
  constructor(place: number) {
    this.#place = place;
  }
  clear(): void {}
  add({ count }: WindowState, { length }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) count[panes[i]!]! += 1;
  }
  append(): void {}
  read({ count }: WindowState, { length, stride, panes }: Closing, results: Float64Array): void {
    if (this.#place < 0) return;
    for (let j = 0; j < length; j++) results[this.#place * stride + j] = count[panes[j]!]!;
  }
}

/**
 * Count, mean and sum of squared distances from the mean, which keep their digits where sums of squares
 * lose them: rows are added as Welford does (Technometrics 4, 1962, p. 419), panes as Chan, Golub and
 * LeVeque do (Updating formulae and a pairwise algorithm for computing sample variances, 1979).
 * `moments`: mean and squared distances of a pane, side by side.
 */
export class Moments implements Part {
  readonly #places: MomentPlaces;
  constructor(places: MomentPlaces) {
    this.#places = places;
  }
  clear({ moments }: WindowState, _slot: number, pane: number): void {
    moments[2 * pane] = 0;
    moments[2 * pane + 1] = 0;
  }
  add({ count, moments }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) {
      const pane = panes[i]!;
      if (pane < 0) continue;
      const n = count[pane]! + 1;
      const v = value[i]!;
      const delta = v - moments[2 * pane]!;
      const mean = moments[2 * pane]! + delta / n;
      count[pane] = n;
      moments[2 * pane] = mean;
      moments[2 * pane + 1]! += delta * (v - mean);
    }
  }
  append({ count, moments }: WindowState, _slot: number, pane: number, later: number): void {
    const n = count[pane]! + count[later]!;
    const delta = moments[2 * later]! - moments[2 * pane]!;
    moments[2 * pane + 1]! += moments[2 * later + 1]! + delta * (count[pane]! / n) * delta * count[later]!;
    moments[2 * pane]! += delta * (count[later]! / n);
  }
  read({ count, moments }: WindowState, { length, stride, panes }: Closing, results: Float64Array): void {
    const { count: countAt, mean, variance, stddev } = this.#places;
    for (let j = 0; j < length; j++) {
      const pane = panes[j]!;
      const n = count[pane]!;
      const spread = moments[2 * pane + 1]! / n;
      if (countAt >= 0) results[countAt * stride + j] = n;
      if (mean >= 0) results[mean * stride + j] = moments[2 * pane]!;
      if (variance >= 0) results[variance * stride + j] = spread;
      if (stddev >= 0) results[stddev * stride + j] = Math.sqrt(spread);
    }
  }
}
