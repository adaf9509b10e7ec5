/** Milliseconds since the epoch of a time in ISO 8601, UTC where it has no zone; NaN where it is none. */
export function isoTime(text: string): number {
  const bytes = Buffer.from(text);
  return readIsoTime(bytes, 0, bytes.length);
}

/** The same of `bytes[from .. to)`: `YYYY-MM-DD`, with `T` or a space `HH:MM`, `:SS`, a fraction, and `Z` or `+HH:MM`, `+HHMM`, `+HH`. */
export function readIsoTime(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 10 || bytes[from + 4] !== 45 || bytes[from + 7] !== 45) return NaN;
  const day = daysOf(digits(bytes, from, 4), digits(bytes, from + 5, 2), digits(bytes, from + 8, 2));
  let at = from + 10;
  if (at === to) return day * 86_400_000;
  const separator = bytes[at]!;
  if ((separator !== 84 && separator !== 32 && separator !== 116) || to - at < 6 || bytes[at + 3] !== 58) return NaN;
  const hour = digits(bytes, at + 1, 2);
  const minute = digits(bytes, at + 4, 2);
  at += 6;
  let second = 0;
  let ms = 0;
  if (at < to && bytes[at] === 58) {
    if (to - at < 3) return NaN;
    second = digits(bytes, at + 1, 2);
    at += 3;
    if (at < to && (bytes[at] === 46 || bytes[at] === 44)) {
      let weight = 100;
      const first = ++at;
      for (; at < to && bytes[at]! >= 48 && bytes[at]! <= 57; at++) {
        ms += Math.floor(weight) * (bytes[at]! - 48);
        weight /= 10;
      }
      if (at === first) return NaN;
    }
  }
  const zone = zoneMinutes(bytes, at, to);
  // Written so that NaN fails.
  if (!(hour < 24 && minute < 60 && second < 60)) return NaN;
  return day * 86_400_000 + ((hour * 60 + minute - zone) * 60 + second) * 1_000 + ms;
}

function zoneMinutes(bytes: Uint8Array, at: number, to: number): number {
  if (at === to) return 0;
  const sign = bytes[at]!;
  if (sign === 90 || sign === 122) return at + 1 === to ? 0 : NaN;
  if (sign !== 43 && sign !== 45) return NaN;
  const length = to - at;
  if (length !== 3 && length !== 5 && !(length === 6 && bytes[at + 3] === 58)) return NaN;
  const hours = digits(bytes, at + 1, 2);
  const minutes = length === 3 ? 0 : digits(bytes, to - 2, 2);
  if (!(hours < 24 && minutes < 60)) return NaN;
  return (sign === 45 ? -1 : 1) * (hours * 60 + minutes);
}

/** `count` decimal digits, or NaN. */
export function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const c = bytes[i]!;
    if (!(c >= 48 && c <= 57)) return NaN;
    value = value * 10 + (c - 48);
  }
  return value;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days from 1970-01-01 to a day of the Gregorian calendar, NaN where there is no such day. Years are counted from March, so that the leap day is the last. */
export function daysOf(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1)) return NaN;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (day > MONTH_DAYS[month - 1]! + (month === 2 && leap ? 1 : 0)) return NaN;
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
