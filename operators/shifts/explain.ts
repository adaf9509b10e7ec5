import { formatDuration } from '../../engine/scalars.js';
import { rounded, times } from '../anomaly/wording.js';
import { LEVEL, SPREAD, TREND, type Shift } from './watch.js';

const MINUTE = 60_000;
/** Slopes are told by the unit in which a few dozen samples fall. */
const UNITS = [
  { ms: MINUTE, name: 'a minute' },
  { ms: 60 * MINUTE, name: 'an hour' },
  { ms: 1_440 * MINUTE, name: 'a day' },
] as const;
const SAMPLES_A_UNIT = 10;

/** `cpu_usage{host="a"}: level from 50.1 to 70.3 about 20 samples (20m) ago, 9.8 times its spread (2.06)` */
export function explainShift(series: string, shift: Shift): string {
  return `${series}: ${what(shift)} about ${shift.since} samples (${formatDuration(Math.round(shift.since * shift.interval))}) ago${howMuch(shift)}`;
}

/** @param origin what it was before the shift that opened */
export function explainBack(series: string, shift: Shift, origin: number, after: string): string {
  return `${series} is back after ${after}: ${what(shift)}, where it was ${number(origin, shift)} before`;
}

/** @param to where it is now */
export function explainStays(series: string, samples: number, level: number, spread: number, after: string): string {
  return `${series} has stayed at a level of ${rounded(level, 6 * spread)} with a spread of ${rounded(spread, spread)} for ${samples} samples, ${after} after the shift was found, which is its new normal`;
}

function what(shift: Shift): string {
  const { kind, from, to, interval } = shift;
  switch (kind) {
    case LEVEL:
      return `level from ${number(from, shift)} to ${number(to, shift)}`;
    case SPREAD:
      return `spread from ${rounded(from, Math.min(from, to))} to ${rounded(to, Math.min(from, to))}`;
    case TREND: {
      const unit = UNITS.find(({ ms }) => interval * SAMPLES_A_UNIT < ms) ?? UNITS[2];
      const per = interval > 0 ? unit.ms / interval : 1;
      const width = Math.max(Math.abs(from), Math.abs(to)) * per;
      return `trend from ${rounded(from * per, width)} to ${rounded(to * per, width)} ${interval > 0 ? unit.name : 'a sample'}`;
    }
    default:
      return kind satisfies never;
  }
}

function howMuch({ kind, size, spread }: Shift): string {
  return kind === LEVEL ? `, ${times(size)} its spread (${rounded(spread, spread)})` : '';
}

function number(value: number, { spread }: Shift): string {
  return rounded(value, 6 * spread);
}
