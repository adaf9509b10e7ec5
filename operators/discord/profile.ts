/**
 * The left matrix profile of a stream: how much the shape of the last `length` values correlates, at best, with any that came before
 * (without overlap) within the last `history` values. Exact, O(history + length) a value.
 *
 * A shape is z-normalised, so what is compared is its correlation ρ; the distance of the matrix profile is √(2 length (1 − ρ)). Yeh et al.,
 * Matrix profile I, ICDM 2016 (with STAMPI, which adds values one by one); that only earlier shapes count, so that what is
 * new is found when it comes: Lu et al., Matrix profile XXIV (DAMP), KDD 2022. Covariances of shapes at one lag are updated from
 * those one value before by the mean-centred formula of Zimmerman et al., Matrix profile XIV (SCAMP), SoCC 2019. So that rounding
 * does not add up, one of them is computed afresh with each value.
 */
export interface Profile {
  readonly count: Float64Array;
  readonly next: Uint32Array;
  /** Rings of the last `history` values. */
  readonly values: Float64Array;
  /** Of the shape that ends at a value: half of what comes in less what goes out; both less the means before and after. */
  readonly halfStep: Float64Array;
  readonly residual: Float64Array;
  /** One by the norm of its deviations from its mean; 0: it is flat, or not complete. */
  readonly inverse: Float64Array;
  /** By lag: sum of the products of deviations, of the last shape and the one so many values before. */
  readonly covariance: Float64Array;
}

/** Filled by `add`. */
export interface Nearest {
  /** Correlation of the last shape with the nearest earlier one; NaN: there is none yet. */
  correlation: number;
  /** How many values before; 0: none is better than any other. */
  lag: number;
  /** Mean of the last shape, and the norm of its deviations. */
  mean: number;
  norm: number;
  flat: boolean;
}

/** @param floor a shape is flat where its standard deviation is less */
export function add(profile: Profile, slot: number, value: number, length: number, history: number, floor: number, nearest: Nearest): void {
  const { count, next, values, halfStep, residual, inverse } = profile;
  const first = slot * history;
  const here = next[slot]!;
  const before = count[slot]!;
  const ringBack = (steps: number): number => first + (here >= steps ? here - steps : here - steps + history);
  const leaving = before >= length ? values[ringBack(length)]! : 0;
  let meanBefore = 0;
  let mean = value / length;
  for (let k = 1; k <= length && k <= before; k++) {
    meanBefore += values[ringBack(k)]! / length;
    if (k < length) mean += values[ringBack(k)]! / length;
  }
  let square = (value - mean) ** 2;
  for (let k = 1; k < length && k <= before; k++) square += (values[ringBack(k)]! - mean) ** 2;

  const at = first + here;
  values[at] = value;
  count[slot] = before + 1;
  next[slot] = here + 1 === history ? 0 : here + 1;
  nearest.correlation = NaN;
  nearest.lag = 0;
  nearest.mean = mean;
  nearest.norm = Math.sqrt(square);
  nearest.flat = !(nearest.norm > floor * Math.sqrt(length));
  if (before + 1 < length) {
    inverse[at] = 0;
    return;
  }
  // Of the first shape nothing has left.
  const half = before >= length ? (value - leaving) / 2 : 0;
  const left = before >= length ? value - mean + leaving - meanBefore : 0;
  halfStep[at] = half;
  residual[at] = left;
  inverse[at] = nearest.flat ? 0 : 1 / nearest.norm;

  /** The longest lag at which there is a whole earlier shape that is still known; at one that there was not before there is no covariance to go on from. */
  const last = Math.min(before + 1 - length, history - length - 1);
  if (last < 1) return;
  const isNew = before + 1 - length === last;
  const known = isNew ? last - 1 : last;
  best.product = -Infinity;
  best.flats = 0;
  // The ring in two stretches: before this place, and after it.
  scan(profile, first, at, 1, Math.min(known, here), half, left, length);
  scan(profile, first, at + history, here + 1, known, half, left, length);
  if (isNew) {
    refresh(profile, first, here, last, length, history, mean);
    if (last >= length) consider(profile, first + last, here >= last ? at - last : at - last + history, last);
  }
  refresh(profile, first, here, 1 + ((before + 1) % last), length, history, mean);
  if (last < length) return;
  if (nearest.flat) {
    nearest.correlation = best.flats > 0 ? 1 : 0;
    return;
  }
  const correlation = best.product * inverse[at]!;
  const least = best.flats > 0 ? 0 : -1;
  nearest.correlation = Math.max(least, Math.min(1, correlation));
  nearest.lag = correlation < least ? 0 : best.lag;
}

/** The best of the lags looked at: correlation times the norm of the last shape. */
const best = { product: 0, lag: 0, flats: 0 };

/** Brings the covariances of these lags up to date; `end`: the place from which a lag is counted back. */
function scan({ covariance, halfStep, residual, inverse }: Profile, first: number, end: number, from: number, to: number, half: number, left: number, length: number): void {
  let { product, lag: bestLag, flats } = best;
  let lag = from;
  // These overlap the last shape: they are no earlier ones.
  for (; lag <= to && lag < length; lag++) {
    const other = end - lag;
    covariance[first + lag] = covariance[first + lag]! + half * residual[other]! + halfStep[other]! * left;
  }
  for (; lag <= to; lag++) {
    const other = end - lag;
    const updated = covariance[first + lag]! + half * residual[other]! + halfStep[other]! * left;
    covariance[first + lag] = updated;
    const weight = inverse[other]!;
    const weighted = updated * weight;
    if (weight === 0) flats += 1;
    else if (weighted > product) {
      product = weighted;
      bestLag = lag;
    }
  }
  best.product = product;
  best.lag = bestLag;
  best.flats = flats;
}

function consider({ covariance, inverse }: Profile, at: number, other: number, lag: number): void {
  const weight = inverse[other]!;
  if (weight === 0) best.flats += 1;
  else if (covariance[at]! * weight > best.product) {
    best.product = covariance[at]! * weight;
    best.lag = lag;
  }
}

/** Computes the covariance at a lag afresh. */
function refresh({ values, covariance }: Profile, first: number, here: number, lag: number, length: number, history: number, mean: number): void {
  const place = (steps: number): number => first + ((here - steps + history) % history);
  let otherMean = 0;
  for (let k = lag; k < lag + length; k++) otherMean += values[place(k)]! / length;
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (values[place(k)]! - mean) * (values[place(lag + k)]! - otherMean);
  covariance[first + lag] = sum;
}
