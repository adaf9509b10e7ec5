import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn } from '../../engine/operator.js';
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

/** Makes the panes of `slots[0 .. count)` at `place` stand for themselves and those at `later`; of `perSlot` panes each. */
export function appendMoments(moments: Float64Array, slots: Uint32Array, count: number, perSlot: number, place: number, later: number): void {
  const distance = 3 * BLOCK_SLOTS * (later - place);
  for (let j = 0; j < count; j++) {
    const to = 3 * placeIn(slots[j]!, place, perSlot);
    const from = to + distance;
    const more = moments[from]!;
    if (more === 0) continue;
    const mean = moments[from + 1]!;
    const spread = moments[from + 2]!;
    const had = moments[to]!;
    if (had === 0) {
      moments[to + 1] = mean;
      moments[to + 2] = spread;
    } else {
      const delta = mean - moments[to + 1]!;
      const share = more / (had + more);
      moments[to + 1]! += delta * share;
      moments[to + 2]! += spread + delta * delta * share * had;
    }
    moments[to] = had + more;
  }
}

/**
 * Count, mean and sum of squared distances from the mean, which keep their digits where sums of squares
 * lose them: rows are added as Welford does (Technometrics 4, 1962, p. 419), panes as Chan, Golub and
 * LeVeque do (Updating formulae and a pairwise algorithm for computing sample variances, 1979).
 * They lie side by side in `moments`, so that a row touches one place; every window has them, as its count
 * tells which panes have rows.
 */
export class Moments implements Omit<Part, 'append'> {
  clear({ moments }: WindowState, _slot: number, pane: number): void {
    moments[3 * pane + 1] = 0;
    moments[3 * pane + 2] = 0;
  }
  add({ moments }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) addMoment(moments, panes[i]!, value[i]!);
  }
  read({ moments }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { count, mean, variance, stddev } = columns;
    if (count !== undefined) for (let j = 0; j < length; j++) count[first + j] = moments[3 * panes[j]!]!;
    if (mean !== undefined) for (let j = 0; j < length; j++) mean[first + j] = moments[3 * panes[j]! + 1]!;
    if (variance !== undefined) for (let j = 0; j < length; j++) variance[first + j] = moments[3 * panes[j]! + 2]! / moments[3 * panes[j]!]!;
    if (stddev !== undefined) for (let j = 0; j < length; j++) stddev[first + j] = Math.sqrt(moments[3 * panes[j]! + 2]! / moments[3 * panes[j]!]!);
  }
}
