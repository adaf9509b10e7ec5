const STEP = 1 / 64;
const END = 6;
const SLOPE_AT_ZERO = 2 / Math.sqrt(Math.PI);

// erf by its series of positive terms (Abramowitz & Stegun 7.1.6): nothing cancels, exact to rounding.
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return Math.min(1, SLOPE_AT_ZERO * Math.exp(-x * x) * sum);
}

const values = Float64Array.from({ length: END / STEP + 2 }, (_, i) => erfSeries(i * STEP));
const slopes = Float64Array.from(values, (_, i) => SLOPE_AT_ZERO * Math.exp(-((i * STEP) ** 2)) * STEP);

/**
 * The error function for x >= 0, within 2e-9: cubic Hermite interpolation of a table, because it is
 * evaluated for every row. Never decreases, but for rounding.
 */
export function erf(x: number): number {
  if (!(x < END)) return 1;
  const scaled = x / STEP;
  const i = Math.floor(scaled);
  const t = scaled - i;
  const left = values[i]!;
  const rise = values[i + 1]! - left;
  const from = slopes[i]!;
  const to = slopes[i + 1]!;
  return left + t * (from + t * (3 * rise - 2 * from - to + t * (from + to - 2 * rise)));
}

/** The share of normally distributed values that lie closer to the mean than `z` deviations; 0 at 0, towards 1. */
export function scoreOf(z: number): number {
  return erf(Math.abs(z) * Math.SQRT1_2);
}
