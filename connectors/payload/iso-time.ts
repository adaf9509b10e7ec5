import { isoTime } from './json-sample.js';

const [PLUS, MINUS, POINT, COLON, Z] = [43, 45, 46, 58, 90];
const LONG_T = 84;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Date and clock without a fraction: `2024-01-15T10:30:00`. */
const WHOLE = 19;
/** Digits of a fraction that are looked at here. */
const FRACTION = 9;

/**
 * Reads times from their bytes: the usual form of RFC 3339, `2024-01-15T10:30:00.123Z`, digit by digit; whatever else
 * `isoTime` takes, by that. Times of a payload are mostly of one day, whose beginning is remembered.
 */
export class IsoTimes {
  /** Year, month and day as one number, and when that day begins. */
  #date = -1;
  #dayStart = 0;

  /** Milliseconds since the epoch of the time written in `bytes[from .. to)`, or NaN. */
  read(bytes: Buffer, from: number, to: number): number {
    const time = this.#usual(bytes, from, to);
    return Number.isNaN(time) ? isoTime(bytes.toString('latin1', from, to)) : time;
  }

  /** NaN for every other form, and for what is no time. */
  #usual(bytes: Buffer, from: number, to: number): number {
    if (to - from <= WHOLE) return NaN;
    if (bytes[from + 4] !== MINUS || bytes[from + 7] !== MINUS || bytes[from + 10] !== LONG_T || bytes[from + 13] !== COLON || bytes[from + 16] !== COLON) return NaN;
    const date = (twoDigits(bytes, from) * 100 + twoDigits(bytes, from + 2)) * 10_000 + twoDigits(bytes, from + 5) * 100 + twoDigits(bytes, from + 8);
    if (date !== this.#date && !this.#turnTo(date)) return NaN;
    const [hour, minute, second] = [twoDigits(bytes, from + 11), twoDigits(bytes, from + 14), twoDigits(bytes, from + 17)];
    // Written so that what is no number fails too.
    if (!(hour < 24 && minute < 60 && second < 60)) return NaN;
    let at = from + WHOLE;
    let millisecond = 0;
    if (bytes[at] === POINT) {
      const first = (at += 1);
      for (let unit = 100; at < to; at++, unit = unit < 10 ? 0 : unit / 10) {
        const digit = bytes[at]! - 48;
        if (digit < 0 || digit > 9) break;
        millisecond += unit * digit;
      }
      if (at === first || at - first > FRACTION) return NaN;
    }
    const time = this.#dayStart + ((hour * 60 + minute) * 60 + second) * 1_000 + millisecond;
    if (bytes[at] === Z) return at + 1 === to ? time : NaN;
    const sign = bytes[at] === PLUS ? 1 : bytes[at] === MINUS ? -1 : 0;
    if (sign === 0 || at + 6 !== to || bytes[at + 3] !== COLON) return NaN;
    const [hours, minutes] = [twoDigits(bytes, at + 1), twoDigits(bytes, at + 4)];
    return hours < 24 && minutes < 60 ? time - sign * (hours * 60 + minutes) * MINUTE_MS : NaN;
  }

  /** False where there is no such day, or its year is below 1000, which `Date.UTC` may take for another. */
  #turnTo(date: number): boolean {
    const [year, month, day] = [Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100];
    if (!(year >= 1_000 && month >= 1 && month <= 12 && day >= 1)) return false;
    const start = Date.UTC(year, month - 1, day);
    // 30 February would be 1 March.
    if (start + DAY_MS > Date.UTC(year, month, 1)) return false;
    this.#date = date;
    this.#dayStart = start;
    return true;
  }
}

/** NaN where two digits are not there. */
function twoDigits(bytes: Buffer, at: number): number {
  const [tens, ones] = [bytes[at]! - 48, bytes[at + 1]! - 48];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}
