import type { Unit } from './units.js';

const NARROW = '\u202f';
const MINUS = '\u2212';

/** A number for people: three significant digits, a unit, thousands and millions by letters. `12.4 MB/s`, `43 %`, `1.2k`, `2.1 h`. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–';
  switch (unit) {
    case 'percent':
      return percent(value);
    case 'share':
      return percent(value * 100);
    case 'bytes':
      return scaled(value, bytes, 1000);
    case 'bytes/s':
      return `${scaled(value, bytes, 1000)}/s`;
    case 'per second':
      return `${short(value)}/s`;
    case 'seconds':
      return formatSpan(value * 1000);
    case 'milliseconds':
      return formatSpan(value);
    case 'none':
      return short(value);
    default:
      return unit satisfies never;
  }
}

/** Tenths where they tell something: near none, and near all. */
function percent(value: number): string {
  const size = Math.abs(value);
  const digits = size < 9.95 || (size > 99 && size < 100) ? 1 : 0;
  // What is not full is not called full.
  const text = size > 99.9 && size < 100 ? `${Math.sign(value) * 99.9}` : String(Number(value.toFixed(digits)));
  return `${text.replace('-', MINUS)}${NARROW}%`;
}

const bytes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

function scaled(value: number, names: readonly string[], base: number): string {
  let size = Math.abs(value);
  let power = 0;
  // 999.95 would be shown as 1000.
  while (size >= base * 0.9995 && power < names.length - 1) {
    size /= base;
    power += 1;
  }
  return `${plain(Math.sign(value) * size)}${NARROW}${names[power]!}`;
}

/** `1.2k`, `3.4M`. */
function short(value: number): string {
  let size = Math.abs(value);
  let power = 0;
  while (size >= 999.5 && power < 4) {
    size /= 1000;
    power += 1;
  }
  return `${plain(Math.sign(value) * size)}${['', 'k', 'M', 'G', 'T'][power]!}`;
}

/** Three significant digits without needless zeros. */
export function plain(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.001) return value.toExponential(1).replace('-', MINUS);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(value.toFixed(digits))).replace('-', MINUS);
}

const spans: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** A length of time measured by a metric: `350 ms`, `2.1 h`. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return `0${NARROW}s`;
  if (size < 1) return `${plain(ms * 1000)}${NARROW}µs`;
  const [name, length] = spans.find(([, each]) => size >= each)!;
  return `${plain(ms / length)}${NARROW}${name}`;
}

/** Ticks of an axis, whose step says how many digits tell them apart. */
export function formatTick(value: number, step: number, unit: Unit): string {
  if (value === 0) return unit === 'percent' || unit === 'share' ? `0${NARROW}%` : '0';
  const digits = decimalsOf(step);
  if ((unit === 'percent' || unit === 'none') && Math.abs(value) < 1000) {
    const text = value.toFixed(digits).replace('-', MINUS);
    return unit === 'percent' ? `${text}${NARROW}%` : text;
  }
  return formatValue(value, unit);
}

function decimalsOf(step: number): number {
  for (let digits = 0; digits < 6; digits++) if (Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) return digits;
  return 6;
}
