import type { Time } from '../../engine/clock.js';

/** The largest time of JavaScript, in ms, either side of the epoch. */
export const LAST_TIME = 8.64e15;

/** A name as it stands in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A time as it stands in SQL, to the microsecond. */
export function timestamp(time: Time): string {
  return `make_timestamp(${BigInt(Math.round(Math.max(-LAST_TIME, Math.min(LAST_TIME, time)) * 1000))})`;
}
