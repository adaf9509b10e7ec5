/**
 * The period of a series, by its autocorrelation: the classical estimate (Box and Jenkins, Time series analysis, 1970),
 * confirmed as in Vlachos, Yu and Castelli (On periodicity detection and structural periodic similarity, SDM 2005): a peak of the
 * autocorrelation, and not only a rise of the spectrum, at the lag and at twice the lag, in each half of what was seen.
 */

/** Of so many values at most; a period has to have been seen three times, and be four of them at least. */
export const MOST = 1024;
const LEAST_LAG = 4;
const TIMES = 3;
/** Autocorrelation at the period, of all values and of each half. */
const WHOLE = 0.35;
const HALF = 0.2;
/** Of several peaks the first that is nearly as high as the highest: the others are multiples of it. */
const NEARLY = 0.8;
/** Values count up to so many standard deviations: one spike makes no period. */
const CLIP = 3;

/** How far a period may be from a whole number of samples to be that: what is made by a clock is. */
const WHOLE_SAMPLES = 0.1;

/** ms, and the samples in it; 0: there is none. */
export interface Period {
  readonly ms: number;
  readonly samples: number;
}
const NO_PERIOD: Period = { ms: 0, samples: 0 };

/** @param times ms, rising */
export function periodOf(times: Float64Array, values: Float64Array): Period {
  const grid = onGrid(times, values);
  if (grid === undefined) return NO_PERIOD;
  const { step, series } = grid;
  const most = Math.floor(series.length / TIMES);
  const whole = autocorrelation(series, most + 1);
  const halves = [series.subarray(0, series.length >> 1), series.subarray(series.length >> 1)].map((half) => autocorrelation(half, Math.min(most, (half.length >> 1) - 1) + 1));
  let highest = 0;
  const peaks: number[] = [];
  // What is alike from one value to the next is so at short lags, too: a peak comes after a fall.
  let fallen = false;
  for (let lag = 1; lag < most; lag++) {
    const at = whole[lag]!;
    if (at < WHOLE / 2) fallen = true;
    if (!fallen || lag < LEAST_LAG || at < WHOLE || at < whole[lag - 1]! || at < whole[lag + 1]!) continue;
    if (!halves.every((half) => lag >= half.length || half[lag]! >= HALF)) continue;
    const twice = 2 * lag;
    if (twice < most && Math.max(whole[twice - 1]!, whole[twice]!, whole[twice + 1]!) < WHOLE) continue;
    peaks.push(lag);
    highest = Math.max(highest, at);
  }
  const first = peaks.find((lag) => whole[lag]! >= NEARLY * highest);
  if (first === undefined) return NO_PERIOD;
  const exact = refined(whole, highestNear(whole, first));
  const samples = Math.abs(exact - Math.round(exact)) < WHOLE_SAMPLES ? Math.round(exact) : exact;
  return { ms: samples * step, samples };
}

/** Noise has peaks of its own on a broad one. */
function highestNear(correlation: Float64Array, lag: number, around = lag / 6): number {
  const reach = Math.max(1, Math.round(around));
  let best = lag;
  for (let at = Math.max(1, lag - reach); at <= Math.min(correlation.length - 2, lag + reach); at++) if (correlation[at]! > correlation[best]!) best = at;
  return best;
}

/** A later peak tells the period to a smaller part of a lag. */
function refined(correlation: Float64Array, lag: number): number {
  let period = top(correlation, lag);
  for (let n = 2; ; n++) {
    const near = Math.round(n * period);
    if (near + period / 6 + 2 >= correlation.length) return period;
    const best = highestNear(correlation, near, period / 6);
    if (correlation[best]! < WHOLE) return period;
    period = top(correlation, best) / n;
  }
}

/** Where a parabola through a peak and its neighbours is highest. */
function top(correlation: Float64Array, lag: number): number {
  const [before, at, after] = [correlation[lag - 1]!, correlation[lag]!, correlation[lag + 1]!];
  const bend = before - 2 * at + after;
  return bend < 0 ? lag + (before - after) / (2 * bend) : lag;
}

/** Values every median interval, interpolated, without their trend; undefined: too few, or all the same. */
function onGrid(times: Float64Array, values: Float64Array): { step: number; series: Float64Array } | undefined {
  const apart = times.slice(1).map((time, i) => time - times[i]!).sort();
  const step = apart[apart.length >> 1] ?? 0;
  if (!(step > 0)) return undefined;
  const from = times[0]!;
  // Of a series with a long hole the last part.
  const length = Math.min(2 * MOST, Math.floor((times.at(-1)! - from) / step) + 1);
  if (length < TIMES * LEAST_LAG) return undefined;
  const start = times.at(-1)! - (length - 1) * step;
  const series = new Float64Array(length);
  let row = 0;
  for (let i = 0; i < length; i++) {
    const time = start + i * step;
    while (row + 1 < times.length - 1 && times[row + 1]! <= time) row += 1;
    const [a, b] = [times[row]!, times[row + 1]!];
    series[i] = b > a ? values[row]! + Math.min(1, Math.max(0, (time - a) / (b - a))) * (values[row + 1]! - values[row]!) : values[row]!;
  }
  return standardise(series) ? { step, series } : undefined;
}

/** Without its line, over its standard deviation, clipped; false: nothing varies. */
function standardise(series: Float64Array): boolean {
  const n = series.length;
  const middle = (n - 1) / 2;
  const mean = series.reduce((sum, value) => sum + value, 0) / n;
  let slope = 0;
  for (let i = 0; i < n; i++) slope += (i - middle) * (series[i]! - mean);
  slope /= (n * (n * n - 1)) / 12;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    series[i] = series[i]! - mean - slope * (i - middle);
    variance += (series[i]! * series[i]!) / n;
  }
  if (!(variance > 1e-18 * mean * mean)) return false;
  const deviation = Math.sqrt(variance);
  for (let i = 0; i < n; i++) series[i] = Math.max(-CLIP, Math.min(CLIP, series[i]! / deviation));
  return true;
}

/** At lags 0 up to, not including, `lags`. */
function autocorrelation(series: Float64Array, lags: number): Float64Array {
  const mean = series.reduce((sum, value) => sum + value, 0) / series.length;
  const found = new Float64Array(Math.max(1, lags));
  for (let lag = 0; lag < found.length; lag++) {
    let sum = 0;
    for (let i = lag; i < series.length; i++) sum += (series[i]! - mean) * (series[i - lag]! - mean);
    // Over as many products as there are: what is seen but three times would else fall with the lag.
    found[lag] = sum / (series.length - lag);
  }
  const variance = found[0]!;
  return variance > 0 ? found.map((each) => each / variance) : found.fill(0);
}
