/**
 * A score of how far out a row is, such that on rows that are normal a score above 1 - p comes on a share p of them,
 * whatever the distribution of that number.
 *
 * Up to 0.999 it goes by the series' own quantiles of the number, tracked by the multiplicative steps of Yazidi and Hammer
 * (Multiplicative update methods for incremental quantile estimation, IEEE Trans. Cybern. 49, 2019): 24 bytes. Beyond
 * that it goes by the number itself, one scale for all series: what is that rare has not happened often enough to count.
 */
export interface Ranks {
  /** Three a series: what a tenth, a hundredth and a thousandth of the rows exceed; 0: not known yet. */
  readonly ranks: Float64Array;
}

export const RANKS = 3;

export interface Scale {
  /** Where tracking begins: about what the three are of normal noise. */
  readonly begin: readonly [number, number, number];
  /** From here on a row is rare in any series, which stands for a share TOP_SHARE; it falls with the square (Chebyshev). */
  readonly top: number;
}

const RARE = [0.1, 0.01, 0.001] as const;
/** Steps are this share of the quantile, times how rare it is (down) or not (up): factors that add up to none. */
const STEP = 0.05;
const UP = RARE.map((rare) => 1 + STEP * (1 - rare));
const DOWN = RARE.map((rare) => 1 - STEP * rare);
/** A series that is always as expected has quantiles of its own, not none: this share of where the first begins. */
const LEAST = 0.1;
const TOP_SHARE = 0.001;
/** Up to 0.9992: what the series has too seldom to tell is left to the other scale. */
const BEYOND = 0.8;

/** 0 to 1. @param size how far out the row is, 0 or more; Infinity too @param group where the rarest is told */
export function scoreOf(of: Ranks, slot: number, size: number, scale: Scale, group = slot): number {
  return Math.max(bulkOf(of, slot, size, scale, group), topOf(size, scale));
}

/** Up to 0.9992: by what this series does, alone. Of a series, as a rule, all three; where series are alike, what a thousandth exceeds may be told by all of them, at a slot of their group. */
export function bulkOf({ ranks }: Ranks, slot: number, size: number, { begin }: Scale, group = slot): number {
  /** The quantile below, and the share of the rows that exceeds it. */
  let below = 0;
  let share = 1;
  for (let which = 0; which < RANKS; which++) {
    const known = ranks[RANKS * (which === 2 ? group : slot) + which]!;
    const quantile = Math.max(known === 0 ? begin[which]! : known, below);
    const rare = RARE[which]!;
    if (size <= quantile) return 1 - share + (share - rare) * (quantile > below ? (size - below) / (quantile - below) : 0);
    below = quantile;
    share = rare;
  }
  return 1 - share * Math.max(BEYOND, below / size);
}

/** The one scale for all series. */
export function topOf(size: number, { top }: Scale): number {
  if (size < top) return 0;
  const ratio = top / size;
  return 1 - TOP_SHARE * ratio * ratio;
}

/** Learns how far out a row was, after its score. */
export function rank({ ranks }: Ranks, slot: number, size: number, { begin }: Scale): void {
  for (let which = 0; which < RANKS; which++) {
    const at = RANKS * slot + which;
    const known = ranks[at]!;
    const quantile = known === 0 ? begin[which]! : known;
    ranks[at] = Math.max(LEAST * begin[0], quantile * (size > quantile ? UP[which]! : DOWN[which]!));
  }
}
