/**
 * What makes a score of how many deviations a row is away, so that on rows that are normal a score above 1 - p comes
 * on a share p of them, whatever their distribution.
 *
 * Up to 0.99 it goes by the series' own quantiles of that number, tracked by the multiplicative steps of Yazidi and Hammer
 * (Multiplicative update methods for incremental quantile estimation, IEEE Trans. Cybern. 49, 2019): 16 bytes. Beyond
 * 0.995 it goes by the number itself, one scale for all series: what is that rare has not happened often enough to count.
 */
export interface Quantiles {
  /** Two a series: what a tenth, and a hundredth, of the rows exceed. */
  readonly quantiles: Float64Array;
}

const RARE = [0.1, 0.01] as const;
/** What they are of normal noise: where tracking begins. */
const BEGIN = [1, 2] as const;
/** Steps are this share of the quantile, times how rare it is (down) or not (up). */
const STEP = 0.05;
/** A series that is always as expected has quantiles of its own, not none. */
const LEAST = 0.1;

/** Deviations from which a row is rare in any series, and the share of the rows that it stands for; it falls with their square (Chebyshev). */
const TOP = 4;
const TOP_SHARE = 0.005;

function quantileOf({ quantiles }: Quantiles, slot: number, which: 0 | 1): number {
  const known = quantiles[2 * slot + which]!;
  return known === 0 ? BEGIN[which] : known;
}

/** Up to 0.995. */
export function bulkOf(of: Quantiles, slot: number, deviations: number): number {
  const tenth = quantileOf(of, slot, 0);
  const hundredth = Math.max(quantileOf(of, slot, 1), tenth);
  if (deviations <= tenth) return (1 - RARE[0]) * (deviations / tenth);
  if (deviations <= hundredth) return 1 - RARE[0] + (RARE[0] - RARE[1]) * ((deviations - tenth) / (hundredth - tenth));
  return 1 - RARE[1] + (RARE[1] - TOP_SHARE) * (1 - hundredth / deviations);
}

/** 0 for fewer deviations than TOP, then from 0.995 towards 1. */
export function topOf(deviations: number): number {
  return deviations < TOP ? 0 : scoreOf(deviations);
}

/** The one scale for all series. */
export function scoreOf(deviations: number): number {
  const ratio = TOP / deviations;
  return Math.max(0, 1 - TOP_SHARE * ratio * ratio);
}

export function learnQuantiles(of: Quantiles, slot: number, deviations: number): void {
  for (const which of [0, 1] as const) {
    const quantile = quantileOf(of, slot, which);
    const step = deviations > quantile ? 1 - RARE[which] : -RARE[which];
    of.quantiles[2 * slot + which] = Math.max(LEAST, quantile * (1 + STEP * step));
  }
}
