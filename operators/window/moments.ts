import type { Closing, Outputs, Part, Rows, WindowState } from './state.js';

/** Adds a value to the count and the moments of a pane. */
export function addMoment(moments: Float64Array, pane: number, value: number): void {
  const at = 3 * pane;
  const n = moments[at]! + 1;
  const delta = value - moments[at + 1]!;
  const mean = moments[at + 1]! + delta / n;
  moments[at] = n;
  moments[at + 1] = mean;
  moments[at + 2]! += delta * (value - mean);
}

/**
 * Count, mean and sum of squared distances from the mean, which keep their digits where sums of squares
 * lose them: rows are added as Welford does (Technometrics 4, 1962, p. 419), panes as Chan, Golub and
 * LeVeque do (Updating formulae and a pairwise algorithm for computing sample variances, 1979).
 * They lie side by side in `moments`, so that a row touches one place; every window has them, as its count
 * tells which panes have rows.
 */
export class Moments implements Part {
  clear({ moments }: WindowState, _slot: number, pane: number): void {
    moments[3 * pane + 1] = 0;
    moments[3 * pane + 2] = 0;
  }
  add({ moments }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) addMoment(moments, panes[i]!, value[i]!);
  }
  append({ moments }: WindowState, _slot: number, pane: number, later: number): void {
    const to = 3 * pane;
    const from = 3 * later;
    const n = moments[to]! + moments[from]!;
    const delta = moments[from + 1]! - moments[to + 1]!;
    moments[to + 2]! += moments[from + 2]! + delta * (moments[to]! / n) * delta * moments[from]!;
    moments[to + 1]! += delta * (moments[from]! / n);
  }
  read({ moments }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { count, mean, variance, stddev } = columns;
    for (let j = 0; j < length; j++) {
      const at = 3 * panes[j]!;
      const n = moments[at]!;
      const spread = moments[at + 2]! / n;
      if (count !== undefined) count[first + j] = n;
      if (mean !== undefined) mean[first + j] = moments[at + 1]!;
      if (variance !== undefined) variance[first + j] = spread;
      if (stddev !== undefined) stddev[first + j] = Math.sqrt(spread);
    }
  }
}
