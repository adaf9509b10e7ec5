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

/**
 * Adds rows from `from` on, as long as they are in [start, end), no NaN, and their pane has rows or can be opened by
 * setting its end as its series' newest. `place`: of their panes, times the slots of a block; they are neither late nor
 * ahead. `alone`: the moments are all that is kept of a pane, so its first row can open it. Returns where it stopped;
 * `panes` tells the pane of each.
 *
 * What is rare is left to the caller, and nothing is called: so the compiler keeps the arrays at hand.
 */
export function addRun({ moments, open, next, newest }: WindowState, { time, slot, value }: Rows, panes: Int32Array, from: number, length: number, start: number, end: number, place: number, perSlot: number, alone: boolean): number {
  for (let i = from; i < length; i++) {
    const t = time[i]!;
    const v = value[i]!;
    const s = slot[i]! | 0;
    const lane = s & (BLOCK_SLOTS - 1);
    const pane = (Math.imul(s - lane, perSlot) + lane + place) | 0;
    const at = (3 * pane) | 0;
    if (!(t >= start && t < end) || Number.isNaN(v)) return i;
    const had = moments[at]!;
    if (had > 0) {
      // As `addMoment`, which would read again what is at hand: a sixteenth of W1.
      const n = had + 1;
      const delta = v - moments[at + 1]!;
      const mean = moments[at + 1]! + delta / n;
      moments[at] = n;
      moments[at + 1] = mean;
      moments[at + 2]! += delta * (v - mean);
    } else {
      if (!alone || open[s] === 0 || next[s]! > end || newest[s]! > end) return i;
      newest[s] = end;
      moments[at] = 1;
      moments[at + 1] = v;
      moments[at + 2] = 0;
    }
    panes[i] = pane;
  }
  return length;
}

/** Leaves a pane without rows. All of it is zero, so that a checkpoint leaves out panes that no series uses. */
export function empty(moments: Float64Array, pane: number): void {
  moments[3 * pane] = 0;
  moments[3 * pane + 1] = 0;
  moments[3 * pane + 2] = 0;
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
  /** A pane without rows has none left: see `empty`. */
  clear(): void {}
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
