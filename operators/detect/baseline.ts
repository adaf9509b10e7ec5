/**
 * What is usual for a series: level, scale and tail, in O(1) a value.
 *
 * Level and scale are exponentially weighted and robust. They are updated one value at a time, as West
 * (Updating mean and variance estimates, CACM 22, 1979) and Finch (Incremental calculation of weighted
 * mean and variance, 2009) do; the weight 2 / (n + 1) stops falling when n reaches `memory`. Deviations
 * count up to 1.5 scales and no further, and the variance is corrected so that it is right for normal
 * values: Huber's "Proposal 2" (Robust estimation of a location parameter, Ann. Math. Stat. 35, 1964),
 * with a step for each value in place of its iteration.
 *
 * A level that is clipped so cannot follow a metric that has moved for good while its band was wide. So
 * steps may be larger while nearly all of the last values lie far on one side, which is what the tracking
 * signal of Trigg (Monitoring a forecasting system, Oper. Res. Q. 15, 1964) tells.
 *
 * A clipped variance never learns rare bursts, and real metrics have them. So the deviation that a share
 * RARE of the values exceeds is tracked too, by the multiplicative steps of Yazidi and Hammer
 * (Multiplicative update methods for incremental quantile estimation, IEEE Trans. Cybern. 49, 2019): it
 * doubles when it is exceeded, though to no more than MARGIN times the deviation, and falls by RARE of itself otherwise.
 */
export interface Baseline {
  readonly level: Float64Array;
  readonly variance: Float64Array;
  /** Size of deviation that a share RARE of rows exceeds. */
  readonly tail: Float64Array;
  /** On which side the last values lay, -1 to 1: near an end, the level is left behind. */
  readonly bias: Float64Array;
  /** Values learned. */
  readonly seen: Uint32Array;
}

/** Huber's k, and E[min(Z², k²)] of a standard normal Z at it. */
const CLIP = 1.5;
const CLIPPED_VARIANCE = 0.7784652162;
/** Values before which a scale means nothing and nothing is clipped. */
const UNCLIPPED = 8;

/** About the last 20 values say on which side they lie. */
const BIAS_WEIGHT = 0.1;
/** A bias that is nothing to act on: noise about a level that is right hardly reaches it. */
const BALANCED = 0.75;

const RARE = 0.001;
/** Deviations that a share RARE of normal values exceeds: 2 (1 - Φ(z)) = RARE. */
const RARE_DEVIATIONS = 3.2905267315;
/** An excursion at most multiplies the tail by this. */
const TAIL_RISE = 2;
/** A burst of the same size again, or a little larger, is then inside the band. */
const MARGIN = 1.25;

function clip(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}

/** Learns one value into the baseline at index `at`. `memory` in values; what is known of the tail counts from `warmup` values on. */
export function learn(baseline: Baseline, at: number, value: number, memory: number, warmup: number): void {
  const seen = baseline.seen[at]! + 1;
  if (seen <= 0xffffffff) baseline.seen[at] = seen;
  if (seen === 1) {
    baseline.level[at] = value;
    return;
  }
  const level = baseline.level[at]!;
  const variance = baseline.variance[at]!;
  const residual = value - level;
  let step = residual;
  let square = residual * residual;
  if (seen > UNCLIPPED && variance > 0) {
    const scale = Math.sqrt(variance);
    const side = clip(residual / scale, CLIP) / CLIP;
    const bias = baseline.bias[at]! + BIAS_WEIGHT * (side - baseline.bias[at]!);
    baseline.bias[at] = bias;
    const behind = Math.max(0, (Math.abs(bias) - BALANCED) / (1 - BALANCED));
    step = clip(residual, CLIP * (scale + behind * (scaleOf(baseline, at) - scale)));
    square = Math.min(square, CLIP * CLIP * variance) / CLIPPED_VARIANCE;
  }
  const weight = 2 / (Math.min(seen, memory) + 1);
  const learned = (1 - weight) * (variance + weight * square);
  baseline.level[at] = level + weight * step;
  baseline.variance[at] = learned;
  const tail = baseline.tail[at]!;
  const size = Math.abs(residual);
  if (seen <= warmup || tail === 0) baseline.tail[at] = RARE_DEVIATIONS * Math.sqrt(learned);
  else baseline.tail[at] = size > tail ? Math.min(MARGIN * size, TAIL_RISE * tail) : tail * (1 - Math.max(RARE, 1 / seen));
}

/**
 * Tells the tail of a deviation that was kept from the baseline: it at most doubles what a deviation was
 * `known` to be, unless it stayed for a large `share` of the time that would have made it normal.
 */
export function lengthenTail(baseline: Baseline, at: number, size: number, known: number, share: number): void {
  const usual = RARE_DEVIATIONS * known;
  const bound = usual > 0 ? TAIL_RISE * usual : size / TAIL_RISE;
  if (size > usual) baseline.tail[at] = Math.min(MARGIN * size, Math.max(bound, share * size));
}

/** One deviation of what is usual: by the bulk of the values or by their tail, whichever is wider. */
export function scaleOf(baseline: Baseline, at: number): number {
  return Math.max(Math.sqrt(baseline.variance[at]!), baseline.tail[at]! / RARE_DEVIATIONS);
}

/** Replaces the baseline at `to` by the one at `from`, which is emptied. */
export function move(baseline: Baseline, from: number, to: number): void {
  baseline.level[to] = baseline.level[from]!;
  baseline.variance[to] = baseline.variance[from]!;
  baseline.tail[to] = baseline.tail[from]!;
  baseline.bias[to] = baseline.bias[from]!;
  baseline.seen[to] = baseline.seen[from]!;
  clear(baseline, from);
}

export function clear(baseline: Baseline, at: number): void {
  baseline.level[at] = 0;
  baseline.variance[at] = 0;
  baseline.tail[at] = 0;
  baseline.bias[at] = 0;
  baseline.seen[at] = 0;
}
