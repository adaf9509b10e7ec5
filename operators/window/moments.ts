import type { Closing, Outputs, Part, Rows, WindowState } from './state.js';

/** Count alone. */
export class Counts implements Part {
  clear(): void {}
  add({ count }: WindowState, { length }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) count[panes[i]!]! += 1;
  }
  append(): void {}
  read({ count }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const counts = columns['count'];
    if (counts !== undefined) for (let j = 0; j < length; j++) counts[first + j] = count[panes[j]!]!;
  }
}

/**
 * Count, mean and sum of squared distances from the mean, which keep their digits where sums of squares
 * lose them: rows are added as Welford does (Technometrics 4, 1962, p. 419), panes as Chan, Golub and
 * LeVeque do (Updating formulae and a pairwise algorithm for computing sample variances, 1979).
 * `moments`: mean and squared distances of a pane, side by side.
 */
export class Moments implements Part {
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
  read({ count, moments }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { count: counts, mean, variance, stddev } = columns;
    for (let j = 0; j < length; j++) {
      const pane = panes[j]!;
      const n = count[pane]!;
      const spread = moments[2 * pane + 1]! / n;
      if (counts !== undefined) counts[first + j] = n;
      if (mean !== undefined) mean[first + j] = moments[2 * pane]!;
      if (variance !== undefined) variance[first + j] = spread;
      if (stddev !== undefined) stddev[first + j] = Math.sqrt(spread);
    }
  }
}
