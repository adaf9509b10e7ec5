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
  if (seen <= UNSURE || variance === 0) return deviation;
  const limit = CLIP * Math.sqrt(variance);
  return Math.max(-limit, Math.min(limit, deviation));
}

/** @param seen values before this one @param memory values after which a weight has fallen to about an eighth */
export function learn(mean: Float64Array, variance: Float64Array, at: number, value: number, seen: number, memory: number): void {
  if (seen === 0) {
    mean[at] = value;
    return;
  }
  const weight = 2 / (Math.min(seen + 1, memory) + 1);
  const step = clip(value - mean[at]!, variance[at]!, seen);
  mean[at] = mean[at]! + weight * step;
  variance[at] = (1 - weight) * (variance[at]! + weight * step * step);
}

/** The same for deviations from a mean that is kept elsewhere. */
export function learnVariance(variance: Float64Array, at: number, deviation: number, seen: number, memory: number): void {
  const weight = 2 / (Math.min(seen + 1, memory) + 1);
  variance[at] = (1 - weight) * (variance[at]! + weight * deviation * deviation);
}
