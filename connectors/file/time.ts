import { parseDecimal } from '../payload/decimal.js';

/** How the time column is written: see `timeFormatHelp`. */
export type TimeFormat = (bytes: Buffer, from: number, to: number) => number;

export const timeFormatHelp =
  '`auto`: ISO 8601, `YYYY-MM-DD HH:MM:SS` (UTC where no zone is given), or a number of seconds, ms, us or ns since the epoch by its size ' +
  '(from 1e11 on ms, from 1e14 us, from 1e17 ns); `iso`, `s`, `ms`, `us`, `ns`: only that; or a pattern of YYYY MM DD HH mm ss SSS such as `DD/MM/YYYY HH:mm`, UTC';

/** The largest time that ISO 8601 text and `Date` can name, ms. */
const LARGEST = 8.64e15;

/**
 * A reader of times, ms since the epoch, rounded down to whole ms; the reader gives NaN where the bytes
 * are no time of this format. Undefined where the format itself makes no sense.
 */
export function timeFormat(format: string): TimeFormat | undefined {
  switch (format) {
    case 'auto':
      return (bytes, from, to) => (to - from >= 10 && bytes[from + 4] === 45 ? isoTime(bytes, from, to) : epochTime(bytes, from, to, 0));
    case 'iso':
      return isoTime;
    case 's':
      return (bytes, from, to) => epochTime(bytes, from, to, 1e6);
    case 'ms':
      return (bytes, from, to) => epochTime(bytes, from, to, 1e3);
    case 'us':
      return (bytes, from, to) => epochTime(bytes, from, to, 1);
    case 'ns':
      return (bytes, from, to) => epochTime(bytes, from, to, 1e-3);
    default:
      return patternTime(format);
  }
}

/** `scale`: microseconds of one unit; 0: told by the size. By whole microseconds, so that 1700000000.123 s is not 122 ms. */
function epochTime(bytes: Buffer, from: number, to: number, scale: number): number {
  const value = parseDecimal(bytes, from, to);
  const size = Math.abs(value);
  const unit = scale !== 0 ? scale : size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3;
  const time = Math.floor(Math.round(value * unit) / 1e3);
  return time <= LARGEST && time >= -LARGEST ? time : NaN;
}

/** `YYYY-MM-DD`, with `T` or a space `HH:MM`, `:SS`, a fraction, and `Z` or `+HH:MM`, `+HHMM`, `+HH`. */
function isoTime(bytes: Uint8Array, from: number, to: number): number {
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
    if (at < to && bytes[at] === 46) {
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

const TOKEN = /YYYY|MM|DD|HH|mm|ss|SSS/g;

function patternTime(pattern: string): TimeFormat | undefined {
  const parts: { readonly token: string; readonly at: number; readonly length: number }[] = [];
  for (const match of pattern.matchAll(TOKEN)) parts.push({ token: match[0], at: match.index, length: match[0].length });
  const names = parts.map((part) => part.token);
  if (!names.includes('YYYY') || new Set(names).size !== names.length) return undefined;
  const literals: { readonly at: number; readonly code: number }[] = [];
  for (let at = 0; at < pattern.length; at++) {
    if (!parts.some((part) => at >= part.at && at < part.at + part.length)) literals.push({ at, code: pattern.charCodeAt(at) });
  }
  return (bytes, from, to) => {
    if (to - from !== pattern.length) return NaN;
    for (const { at, code } of literals) if (bytes[from + at] !== code) return NaN;
    const read = (token: string, otherwise: number): number => {
      const part = parts.find((candidate) => candidate.token === token);
      return part === undefined ? otherwise : digits(bytes, from + part.at, part.length);
    };
    const hour = read('HH', 0);
    const minute = read('mm', 0);
    const second = read('ss', 0);
    if (!(hour < 24 && minute < 60 && second < 60)) return NaN;
    const day = daysOf(read('YYYY', 0), read('MM', 1), read('DD', 1));
    return day * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1_000 + read('SSS', 0);
  };
}

/** `count` decimal digits, or NaN. */
function digits(bytes: Uint8Array, at: number, count: number): number {
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
function daysOf(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1)) return NaN;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (day > MONTH_DAYS[month - 1]! + (month === 2 && leap ? 1 : 0)) return NaN;
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
