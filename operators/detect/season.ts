import { clip, UNSURE, weightOf } from './robust-scale.js';
import { column, type Rows } from './rows.js';

/**
 * What is usual at this time of the hour, of the day, and of the week: rings of phases, each phase a robust
 * exponentially weighted mean (as the seasonal sub-series of STL are, each smoothed by itself; Cleveland et al.,
 * J. Off. Stat. 6, 1990). Phases go by the clock, so a sample that is missing or comes at uneven times moves
 * nothing. Those of the day and the week are three hours wide, and between their centres is interpolated: one hour
 * of daylight saving is a third of a phase, forgotten within the memory; or they go by the clock of a time zone. Those of the hour are five minutes wide and
 * are not interpolated, as what comes by the hour is mostly a job that begins at a minute.
 *
 * Whether a series has such a season is not asked beforehand: every ring predicts each value before it
 * learns it, and the one whose errors are smallest is believed.
 */
export interface Seasons {
  /** Level of each phase: those of the hour, of the day, of the week. */
  readonly phase: Float64Array;
  /** Values that a phase has seen. */
  readonly visits: Uint32Array;
  /** By ring: robust variance of what it did not predict; over so many values. */
  readonly error: Float64Array;
  readonly predicted: Uint32Array;
  /** By ring: sum of the levels of all phases that have been seen; and how many that are. */
  readonly total: Float64Array;
  readonly phases: Uint8Array;
}

const HOUR = 3_600_000;
export const HOURLY = 0;
export const DAILY = 1;
export const WEEKLY = 2;
export type Ring = typeof HOURLY | typeof DAILY | typeof WEEKLY;
export const rings = [HOURLY, DAILY, WEEKLY] as const;
export const RINGS = rings.length;
/** A ring whose period is looked for. */
export const FOUND = 3;
/** No ring predicts better than the level. */
export const NONE = 4;
/** By which time a value is expected. */
export type Season = Ring | typeof FOUND | typeof NONE;
export const seasons = ['hour', 'day', 'week', 'found'] as const;
export type SeasonName = (typeof seasons)[number];
const PERIOD = [HOUR, 24 * HOUR, 7 * 24 * HOUR] as const;
const PHASES = [12, 8, 56] as const;
const FIRST = [0, 12, 20] as const;
export const ALL_PHASES = 76;
const SMOOTH = [false, true, true] as const;
/** Time after which what a phase was has faded. Each is met once a period: the shorter that is, the more periods count. */
const FADES_MS = [(24 * PERIOD[HOURLY]) / PHASES[HOURLY], (10 * PERIOD[DAILY]) / PHASES[DAILY], (3 * PERIOD[WEEKLY]) / PHASES[WEEKLY]] as const;

/** What a ring says of each row before it learns it. */
export interface Prediction {
  /** NaN: this phase has not been seen yet. */
  readonly expected: Float64Array;
  /** Standard deviation of what the ring does not predict; Infinity: it has not predicted enough to tell. */
  readonly error: Float64Array;
  /** Mean of all times; NaN while there are some that have not been seen. */
  readonly middle: Float64Array;
}

export function prediction(rows: number): Prediction {
  return { expected: column(rows).fill(NaN), error: column(rows).fill(Infinity), middle: column(rows).fill(NaN) };
}

/** Predicts each row, then learns it. @param times of the rows, on the clock that the season goes by @param elapsed since the row of its series before, ms @param memory values that the error is about */
export function predict({ phase, visits, error, predicted, total, phases }: Seasons, ring: Ring, rows: Rows, times: Float64Array, elapsed: Float64Array, memory: number, told: Prediction): void {
  const { length, slot, value } = rows;
  const period = PERIOD[ring];
  const count = PHASES[ring];
  const width = period / count;
  const fades = FADES_MS[ring];
  const smooth = SMOOTH[ring];
  for (let i = 0; i < length; i++) {
    // In whole ms, and so exact: what begins with a phase must not fall into the one before.
    const place = (times[i]! - Math.floor(times[i]! / period) * period) / width;
    const here = Math.min(Math.floor(place), count - 1);
    const first = slot[i]! * ALL_PHASES + FIRST[ring];
    const at = RINGS * slot[i]! + ring;
    const level = phase[first + here]!;
    const visit = visits[first + here]! + 1;
    told.middle[i] = phases[at] === count ? total[at]! / count : NaN;
    if (visit <= 0xffffffff) visits[first + here] = visit;
    if (visit === 1) {
      told.expected[i] = NaN;
      told.error[i] = Infinity;
      phase[first + here] = value[i]!;
      phases[at] = phases[at]! + 1;
      total[at] = total[at]! + value[i]! - level;
      continue;
    }
    const aside = place - here - 0.5;
    const next = first + (aside > 0 ? (here + 1 === count ? 0 : here + 1) : here === 0 ? count - 1 : here - 1);
    const expected = !smooth || visits[next] === 0 ? level : level + Math.abs(aside) * (phase[next]! - level);
    const seen = predicted[at]!;
    const variance = error[at]!;
    told.expected[i] = expected;
    told.error[i] = seen > UNSURE ? Math.sqrt(variance) : Infinity;
    const unpredicted = clip(value[i]! - expected, variance, seen);
    phase[first + here] = level + Math.max(1 / visit, Math.min(1, elapsed[i]! / fades)) * unpredicted;
    total[at] = total[at]! + phase[first + here]! - level;
    const weight = weightOf(seen + 1, memory);
    error[at] = (1 - weight) * (variance + weight * unpredicted * unpredicted);
    if (seen < 0xffffffff) predicted[at] = seen + 1;
  }
}

/** The week has to be better by a sixth, as it has more to learn from noise; the hour, and one that was found, by a third, as any series that wanders is nearest to what it was an hour ago. */
const WEEK_HANDICAP = 1.2;
const HOUR_HANDICAP = 1.5;

/** Which ring is believed, by the standard deviations of what each, and the level, does not predict. The hour, and one that was found, only once it is known whole. */
export function believed(hour: number, day: number, week: number, found: number, level: number): Season {
  const byHour = hour * HOUR_HANDICAP;
  const byWeek = week * WEEK_HANDICAP;
  const byDay = Math.min(day, level);
  const byFound = found * HOUR_HANDICAP;
  const byClock = Math.min(byDay, byWeek);
  if (byFound < Math.min(byClock, byHour)) return FOUND;
  if (byHour < byClock) return HOURLY;
  if (byWeek < byDay) return WEEKLY;
  return day <= level ? DAILY : NONE;
}

/** What is told to people, and moves their band, has to predict better than the level by a quarter. */
export const CLEARLY = 1.25;
