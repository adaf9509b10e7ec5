import { parseDecimal } from '../payload/decimal.js';
import { daysOf, digits, readIsoTime } from '../payload/iso-time.js';

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
      return (bytes, from, to) => (to - from >= 10 && bytes[from + 4] === 45 ? readIsoTime(bytes, from, to) : epochTime(bytes, from, to, 0));
    case 'iso':
      return readIsoTime;
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
