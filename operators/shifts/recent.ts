/** The last `per` values of each series, with their times, in a ring. */
export interface Recent {
  /** Time and value by turns. */
  readonly recent: Float64Array;
  /** Values ever put in. */
  readonly put: Uint32Array;
}

export function put({ recent, put: count }: Recent, slot: number, per: number, time: number, value: number): void {
  const at = 2 * (slot * per + (count[slot]! % per));
  recent[at] = time;
  recent[at + 1] = value;
  // So that it wraps where the ring does.
  count[slot] = count[slot]! + 1 < 2 * per ? count[slot]! + 1 : per;
}

/** Oldest first. */
export function read({ recent, put: count }: Recent, slot: number, per: number): { times: Float64Array; values: Float64Array } {
  const n = Math.min(count[slot]!, per);
  const times = new Float64Array(n);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = 2 * (slot * per + ((count[slot]! - n + i) % per));
    times[i] = recent[at]!;
    values[i] = recent[at + 1]!;
  }
  return { times, values };
}

export function median(values: Float64Array): number {
  const sorted = values.toSorted();
  const n = sorted.length;
  return (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2;
}

/** Mean distance of the values from a value. */
export function errorOf(values: Float64Array, from: number): number {
  let error = 0;
  for (const value of values) error += Math.abs(value - from) / values.length;
  return error;
}

export interface Line {
  /** At the last value; and a value. */
  readonly end: number;
  readonly slope: number;
  /** Mean distance of the values from it. */
  readonly error: number;
}

/** The line of the median slope (Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63, 1968), by values in succession. O(n² log n). */
export function lineOf(values: Float64Array): Line {
  const n = values.length;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let k = 0;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) slopes[k++] = (values[j]! - values[i]!) / (j - i);
  const slope = n > 1 ? median(slopes) : 0;
  const level = values.map((value, i) => value - slope * i);
  const start = median(level);
  return { end: start + slope * (n - 1), slope, error: errorOf(level, start) };
}

export interface Step {
  /** The values from the step on. */
  readonly after: Float64Array;
  /** Mean distance of all values from the medians before it and after it. */
  readonly error: number;
}

/** A split is no step unless it brings the values so much nearer. */
const SPLITS = 0.85;

/** The step that fits best, at least `least` values before the last; all values are after it where there is none. O(n² log n). */
export function stepOf(values: Float64Array, least: number): Step {
  const n = values.length;
  const none: Step = { after: values, error: errorOf(values, median(values)) };
  let best = none;
  for (let at = 1; at <= n - least; at++) {
    const before = values.subarray(0, at);
    const after = values.subarray(at);
    const error = (at * errorOf(before, median(before)) + (n - at) * errorOf(after, median(after))) / n;
    if (error < best.error) best = { after, error };
  }
  return best.error < SPLITS * none.error ? best : none;
}
