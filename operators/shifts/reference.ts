/**
 * What a series is like in its present regime: a line, the spread about it, and how much of a deviation is left in the
 * next. O(1) a value.
 *
 * The line is that of least squares over about the last `memory` values, as an expanding and then fading memory filter of
 * first degree updates it (Morrison, Introduction to Sequential Smoothing and Prediction, 1969), on deviations that
 * are clipped (Huber, Robust statistics, 1981). What is left of the deviation before, as in a first-order
 * autoregression, is taken off (prewhitening), so that noise that is correlated is judged as noise that is not.
 */
export interface Reference {
  readonly level: Float64Array;
  /** A value. */
  readonly slope: Float64Array;
  readonly variance: Float64Array;
  /** Covariance of a deviation and the one before; that one. */
  readonly covariance: Float64Array;
  readonly before: Float64Array;
  /** Values that the level, and slope and spread, are about. */
  readonly seen: Uint32Array;
  readonly lineSeen: Uint32Array;
}

const CLIP = 3;
/** Values before which a variance is not sure enough to clip by. */
const UNCLIPPED = 8;
/** Beyond this a series is as good as a random walk, which has no level to shift. */
const MOST_LEFT = 0.99;

export function clip(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}

/** What the line says comes next; NaN before the first value. */
export function expectedNext({ level, slope, seen }: Reference, at: number): number {
  return seen[at] === 0 ? NaN : level[at]! + slope[at]!;
}

/** The part of a deviation that is left in the one after it. */
export function leftOf({ covariance, variance }: Reference, at: number): number {
  return variance[at]! > 0 ? Math.max(0, Math.min(MOST_LEFT, covariance[at]! / variance[at]!)) : 0;
}

/** @param share of a whole value that this one counts, 0 to 1 */
export function learn(reference: Reference, at: number, value: number, memory: number, share: number): void {
  const { level, slope, variance, covariance, before, seen, lineSeen } = reference;
  const n = seen[at]! + 1;
  if (n === 1) {
    level[at] = value;
    seen[at] = 1;
    lineSeen[at] = 1;
    return;
  }
  seen[at] = Math.min(n, 0xfffffffe);
  const lineN = Math.min(lineSeen[at]! + 1, 0xfffffffe);
  lineSeen[at] = lineN;
  const expected = level[at]! + slope[at]!;
  const deviation = value - expected;
  const learned = n > UNCLIPPED && variance[at]! > 0 ? clip(deviation, CLIP * Math.sqrt(variance[at]!)) : deviation;
  const about = Math.min(n, memory);
  const lineAbout = Math.min(lineN, memory);
  level[at] = expected + share * ((2 * (2 * about - 1)) / (about * (about + 1))) * learned;
  slope[at] = slope[at]! + share * (6 / (lineAbout * (lineAbout + 1))) * learned;
  if (lineN > 2) {
    // The first two values lie on the line.
    const weight = share * Math.max(1 / (lineN - 2), 2 / (memory + 1));
    variance[at] = (1 - weight) * variance[at]! + weight * learned * learned;
    covariance[at] = (1 - weight) * covariance[at]! + weight * learned * before[at]!;
  }
  before[at] = learned;
}

/** Begins again at another level; the spread stays. `about`: values that the level is known by. */
export function rebase({ level, seen, before }: Reference, at: number, to: number, about: number): void {
  level[at] = to;
  seen[at] = about;
  before[at] = 0;
}
