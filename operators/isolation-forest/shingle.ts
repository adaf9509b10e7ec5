/**
 * What a forest sees of a series by itself: a delay embedding (Takens, Detecting strange attractors in turbulence, 1981), turned so that
 * each number by itself tells what is unusual, as a forest cuts by one number at a time: the value, the step from the one before, mean
 * and standard deviation of the last `shingle` values; and so many `lags`, the values before. Lags dilute: with eight of them a spike
 * that stands out by value, step and deviation is one of twelve numbers away.
 */
export interface Shingles {
  readonly shingle: number;
  readonly lags: number;
}

const DERIVED = 4;

/** Numbers of a vector. */
export const featuresOf = ({ lags }: Shingles): number => DERIVED + lags;
/** Values that a vector is made from. */
export const spanOf = ({ shingle, lags }: Shingles): number => Math.max(shingle, lags + 1, 2);

/** Fills `vector` from `at` on with what is seen at the last of `values`, the newest, before `end`. */
export function embed(values: Float64Array, end: number, { shingle, lags }: Shingles, vector: Float64Array, at: number): void {
  const value = values[end - 1]!;
  let sum = 0;
  for (let i = end - shingle; i < end; i++) sum += values[i]!;
  const mean = sum / shingle;
  let squares = 0;
  for (let i = end - shingle; i < end; i++) squares += (values[i]! - mean) ** 2;
  vector[at] = value;
  vector[at + 1] = value - values[end - 2]!;
  vector[at + 2] = mean;
  vector[at + 3] = Math.sqrt(squares / shingle);
  for (let lag = 1; lag <= lags; lag++) vector[at + DERIVED - 1 + lag] = values[end - 1 - lag]!;
}

/** All vectors of a stretch of values. */
export function embedAll(values: Float64Array, of: Shingles): Float64Array {
  const [features, span] = [featuresOf(of), spanOf(of)];
  const vectors = new Float64Array(Math.max(0, values.length - span + 1) * features);
  for (let end = span, at = 0; end <= values.length; end++, at += features) embed(values, end, of, vectors, at);
  return vectors;
}

/** For people. */
export function featureNames({ shingle, lags }: Shingles): string[] {
  return ['value', 'step', `mean of ${shingle}`, `deviation of ${shingle}`, ...Array.from({ length: lags }, (_, i) => (i === 0 ? 'the value before' : `${i + 1} values before`))];
}
