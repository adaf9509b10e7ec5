import { column, type Rows } from './rows.js';

/**
 * Mean and variance of a stream, exponentially weighted and robust, in O(1) a value and 16 bytes each: West's
 * updating formulas (Updating mean and variance estimates, CACM 22, 1979; weighted: Finch, 2009) on values
 * that are winsorised at CLIP standard deviations (Huber, Robust statistics, 1981). A burst moves both a
 * little; a level that stays away is followed, as the variance grows with what was cut off.
 */
const CLIP = 3;
/** Values before which a variance is not sure enough to clip by. */
export const UNSURE = 20;

export function clip(deviation: number, variance: number, seen: number): number {
  // Squares are compared, as most rows need no root.
  if (seen <= UNSURE || variance === 0 || deviation * deviation <= CLIP * CLIP * variance) return deviation;
  return Math.sign(deviation) * CLIP * Math.sqrt(variance);
}

/** Weight of a new value after `seen` others. @param memory values after which a weight has fallen to about an eighth */
export function weightOf(seen: number, memory: number): number {
  return 2 / (Math.min(seen + 1, memory) + 1);
}

/** Means and variances, of KINDS things a series: values, values for longer, steps, the short-term mean, and the mean of the last residuals. */
export interface Followed {
  readonly mean: Float64Array;
  readonly spread: Float64Array;
}
export const LEVEL = 0;
export const LONG = 1;
export const STEP = 2;
export const SHORT = 3;
export const RESIDUAL = 4;
export const KINDS = 5;

/** What was known before each row, and the variance with it. */
export interface Spread {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly after: Float64Array;
}

export function spread(rows: number): Spread {
  return { mean: column(rows), variance: column(rows), after: column(rows) };
}

/**
 * Follows one thing of every series, row by row.
 * @param kind which of the KINDS
 * @param values of it, a row each @param seen rows of the series before each row, of which the first `skip` had no value
 */
export function follow(
  { mean, spread }: Followed,
  kind: number,
  rows: Pick<Rows, 'length' | 'slot'>,
  values: Float64Array,
  seen: Float64Array,
  skip: number,
  memory: number,
  told: Spread,
): void {
  const { length, slot } = rows;
  const { mean: meanBefore, variance: varianceBefore, after } = told;
  for (let i = 0; i < length; i++) {
    const at = slot[i]! * KINDS + kind;
    const m = mean[at]!;
    const variance = spread[at]!;
    const n = seen[i]! - skip;
    meanBefore[i] = m;
    varianceBefore[i] = variance;
    after[i] = variance;
    if (n > 0) {
      const weight = weightOf(n, memory);
      const step = clip(values[i]! - m, variance, n);
      mean[at] = m + weight * step;
      spread[at] = (1 - weight) * (variance + weight * step * step);
      after[i] = spread[at];
    } else if (n === 0) mean[at] = values[i]!;
  }
}
