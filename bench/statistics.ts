import type { Random } from '../engine/random.js';

/** Of sorted or unsorted numbers; of two in the middle, their mean. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/**
 * The p-quantile (p in [0, 1]) by linear interpolation between order statistics (type 7 of Hyndman and Fan,
 * "Sample quantiles in statistical packages", 1996). Of nothing it is NaN.
 */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  if (below === undefined) return NaN;
  const above = sorted[Math.ceil(at)]!;
  // The same one twice may be infinite, and infinity less infinity is no number.
  return above === below ? below : below + (at - Math.floor(at)) * (above - below);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Confidence interval of a statistic by the percentile bootstrap (Efron, 1979): what it is of samples drawn again, with replacement. */
export function bootstrap<T>(
  values: readonly T[],
  statistic: (values: readonly T[]) => number,
  { random, confidence = 0.95, resamples = 2_000 }: { random: Random; confidence?: number; resamples?: number },
): Interval {
  if (values.length === 0) return { low: NaN, high: NaN };
  const found = Array.from({ length: resamples }, () => statistic(values.map(() => values[Math.floor(random() * values.length)]!)));
  return { low: quantile(found, (1 - confidence) / 2), high: quantile(found, (1 + confidence) / 2) };
}
