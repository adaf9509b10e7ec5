/**
 * What makes a score of how many deviations a row is away, so that on rows that are normal a score above 1 - p comes
 * on a share p of them, whatever their distribution.
 *
 * Up to 0.999 it goes by the series' own quantiles of that number, tracked by the multiplicative steps of Yazidi and Hammer
 * (Multiplicative update methods for incremental quantile estimation, IEEE Trans. Cybern. 49, 2019): 24 bytes. Beyond
 * that it goes by the number itself, one scale for all series: what is that rare has not happened often enough to count.
 */
export interface Quantiles {
  /** Three a series: what a tenth, a hundredth and a thousandth of the rows exceed. */
  readonly quantiles: Float64Array;
}

const RARE = [0.1, 0.01, 0.001] as const;
export const QUANTILES = RARE.length;
/** Where tracking begins: about what they are of normal noise, the rarest of noise with bursts. */
const BEGIN = [1, 2, 5] as const;
/** Steps are this share of the quantile, times how rare it is (down) or not (up): factors that add up to none. */
const STEP = 0.05;
const UP = RARE.map((rare) => 1 + STEP * (1 - rare));
const DOWN = RARE.map((rare) => 1 - STEP * rare);
/** A series that is always as expected has quantiles of its own, not none. */
const LEAST = 0.1;

/** Deviations from which a row is rare in any series, and the share of the rows that it stands for; it falls with their square (Chebyshev). */
const TOP = 4;
const TOP_SHARE = 0.001;

/** Up to 0.9992: what the series has too seldom to tell is left to the other scale. */
const BEYOND = 0.8;

export function bulkOf({ quantiles }: Quantiles, slot: number, deviations: number): number {
  /** The quantile below, and the share of the rows that exceeds it. */
  let below = 0;
  let share = 1;
  for (let which = 0; which < QUANTILES; which++) {
    const known = quantiles[QUANTILES * slot + which]!;
    const quantile = Math.max(known === 0 ? BEGIN[which]! : known, below);
    const rare = RARE[which]!;
    if (deviations <= quantile) return 1 - share + (share - rare) * ((deviations - below) / (quantile - below));
    below = quantile;
    share = rare;
  }
  return 1 - share * Math.max(BEYOND, below / deviations);
}

/** 0 for fewer deviations than TOP, then from 0.999 towards 1. */
export function topOf(deviations: number): number {
  return deviations < TOP ? 0 : scoreOf(deviations);
}

/** The one scale for all series. */
export function scoreOf(deviations: number): number {
  const ratio = TOP / deviations;
  return Math.max(0, 1 - TOP_SHARE * ratio * ratio);
}

/** How many nines that score has: 3 at TOP. 0 below one in ten. */
export function ninesOf(deviations: number): number {
  return Math.max(0, 2 * Math.log10(deviations / TOP) - Math.log10(TOP_SHARE));
}

export function learnQuantiles(of: Quantiles, slot: number, deviations: number): void {
  const { quantiles } = of;
  for (let which = 0; which < QUANTILES; which++) {
    const at = QUANTILES * slot + which;
    const known = quantiles[at]!;
    const quantile = known === 0 ? BEGIN[which]! : known;
    quantiles[at] = Math.max(LEAST, quantile * (deviations > quantile ? UP[which]! : DOWN[which]!));
  }
}
