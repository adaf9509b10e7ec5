/** States of a series in `seen`: nothing yet; followed; ended by a stale marker, so that only its time still counts. */
export const FOLLOWED = 1;
export const ENDED = 2;

/** Columns of one value a series: its last sample, and what to make of it. */
export interface Counters {
  readonly time: Float64Array;
  readonly value: Float64Array;
  readonly seen: Uint8Array;
}

/**
 * How much a counter grew from one sample to the next. A counter only grows: a smaller value means that
 * it was reset and has counted `after` since (`rate` and `increase` of Prometheus read resets the same way).
 */
export function increase(before: number, after: number): number {
  return after >= before ? after - before : after;
}

/**
 * Takes a sample and gives the growth per ms since the one before; NaN for the first of a series.
 * The sample must be later than the one before.
 */
export function follow(counters: Counters, slot: number, time: number, value: number): number {
  const { time: times, value: values, seen } = counters;
  const rate = seen[slot] === FOLLOWED ? increase(values[slot]!, value) / (time - times[slot]!) : NaN;
  seen[slot] = FOLLOWED;
  times[slot] = time;
  values[slot] = value;
  return rate;
}
