import type { History } from './history.js';
import { studentQuantile } from './student.js';

/** A straight line through the bucket means of one series. Time is in ms, relative to `now`. */
export interface Trend {
  /** Buckets that the line is drawn through. */
  count: number;
  /** The line at `now`, and its slope per ms. */
  level: number;
  slope: number;
  /** Mean time of the buckets, and the sum of squares of their distances from it. */
  centre: number;
  spread: number;
  /** Standard deviation of a bucket about the line, and its degrees of freedom. */
  deviation: number;
  degrees: number;
  /** Time from the first bucket to the last. */
  covered: number;
  /** Mean of the newest bucket. */
  latest: number;
}

export const emptyTrend = (): Trend => ({ count: 0, level: 0, slope: 0, centre: 0, spread: 0, deviation: 0, degrees: 0, covered: 0, latest: 0 });

/**
 * Ordinary least squares over the buckets whose mean time is `since` or later; false when they are
 * fewer than `least`, which is at least 3. Two passes over the means, so that nothing cancels.
 *
 * Neighbouring buckets are alike, so n of them tell less than n independent values would. As Santer et
 * al. (Statistical significance of trends, J. Geophys. Res. 105, 2000) do, the residuals' lag-1
 * correlation r makes of n an effective n (1 - r) / (1 + r), from which the deviation and its degrees of
 * freedom follow.
 */
export function fitTrend(history: History, slot: number, buckets: number, now: number, since: number, least: number, trend: Trend): boolean {
  const { means, times } = history;
  const base = slot * buckets;
  const held = history.count[slot]!;
  let at = (history.next[slot]! + buckets - held) % buckets;
  let count = held;
  while (count > 0 && times[base + at]! < since) {
    at = (at + 1) % buckets;
    count -= 1;
  }
  if (count < least) return false;

  let sumTime = 0;
  let sumValue = 0;
  for (let k = 0, i = at; k < count; k++, i = (i + 1) % buckets) {
    sumTime += times[base + i]! - now;
    sumValue += means[base + i]!;
  }
  const centre = sumTime / count;
  const mean = sumValue / count;
  let spread = 0;
  let product = 0;
  for (let k = 0, i = at; k < count; k++, i = (i + 1) % buckets) {
    const x = times[base + i]! - now - centre;
    spread += x * x;
    product += x * (means[base + i]! - mean);
  }
  const slope = product / spread;
  let squares = 0;
  let neighbours = 0;
  let before = 0;
  for (let k = 0, i = at; k < count; k++, i = (i + 1) % buckets) {
    const residual = means[base + i]! - mean - slope * (times[base + i]! - now - centre);
    squares += residual * residual;
    neighbours += residual * before;
    before = residual;
  }
  const correlation = squares > 0 ? Math.max(0, neighbours / squares) : 0;
  const effective = Math.max(3, (count * (1 - correlation)) / (1 + correlation));
  const last = base + ((history.next[slot]! + buckets - 1) % buckets);
  trend.count = count;
  trend.slope = slope;
  trend.level = mean - slope * centre;
  trend.centre = centre;
  trend.spread = spread;
  trend.deviation = Math.sqrt(squares / (effective - 2));
  trend.degrees = Math.floor(effective - 2);
  trend.covered = times[last]! - times[base + at]!;
  trend.latest = means[last]!;
  return true;
}

export function valueAt(trend: Trend, after: number): number {
  return trend.level + trend.slope * after;
}

/**
 * Half the width of the prediction interval for a new bucket `after` ms from now:
 * t · s · √(1 + 1/n + (x - x̄)² / Σ(x - x̄)²) (Draper & Smith, Applied Regression Analysis, section 1.4).
 */
export function halfWidthAt(trend: Trend, after: number, quantile: number): number {
  const distance = after - trend.centre;
  return quantile * trend.deviation * Math.sqrt(1 + 1 / trend.count + (distance * distance) / trend.spread);
}

/** Quantiles of Student's t for one share, each computed when it is first asked for. */
export function quantilesFor(share: number): (degrees: number) => number {
  const known: number[] = [];
  return (degrees) => (known[degrees] ??= studentQuantile(share, degrees));
}
