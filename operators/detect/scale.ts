import type { Scale } from '../anomaly/score.js';

/** Deviations: what a tenth, a hundredth and a thousandth of the rows exceed, about those of normal noise, the rarest of noise with bursts; and from when on a row is rare in any series. */
export const SCALE: Scale = { begin: [1, 2, 5], top: 4 };
const TOP_SHARE = 0.001;

/** The one scale for all series, continued below where it begins. */
export function anywhere(deviations: number): number {
  const ratio = SCALE.top / deviations;
  return Math.max(0, 1 - TOP_SHARE * ratio * ratio);
}

/** How many nines that score has: 3 at the top. 0 below one in ten. */
export function ninesOf(deviations: number): number {
  return Math.max(0, 2 * Math.log10(deviations / SCALE.top) - Math.log10(TOP_SHARE));
}
