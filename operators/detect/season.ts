import { clip, learnVariance, UNSURE } from './robust-scale.js';

/**
 * What is usual at this time of the day, and of the week: two rings of phases of three hours, each phase a
 * robust exponentially weighted mean, between whose centres is interpolated (as the seasonal sub-series of
 * STL are, each smoothed by itself; Cleveland et al., J. Off. Stat. 6, 1990). Phases go by the clock, so a
 * sample that is missing or comes at uneven times moves nothing; and they are wide, so that one hour of
 * daylight saving is a third of a phase, forgotten within the memory.
 *
 * Whether a series has such a season is not asked beforehand: every ring predicts each value before it
 * learns it, and the one whose errors are smallest is believed.
 */
export interface Seasons {
  /** Level of each phase: those of the day, then those of the week. */
  readonly phase: Float64Array;
  /** Values that a phase has seen. */
  readonly visits: Uint32Array;
  /** Robust variance of what the day, and the week, did not predict; over so many values. */
  readonly error: Float64Array;
  readonly predicted: Uint32Array;
  /** Sum of the levels of all phases of the day, and of the week, that have been seen; and how many that are. */
  readonly total: Float64Array;
  readonly phases: Uint8Array;
}

const HOUR = 3_600_000;
export const DAY = 0;
export const WEEK = 1;
export type Ring = typeof DAY | typeof WEEK;
/** No ring predicts better than the level. */
export const NONE = 2;
const PERIOD = [24 * HOUR, 7 * 24 * HOUR] as const;
const PHASES = [8, 56] as const;
const FIRST = [0, 8] as const;
export const ALL_PHASES = 64;
/** Periods after which what a phase was has faded: the more the shorter they are. */
const MEMORY = [10, 3] as const;

/** Where `time` lies in the ring, in phases. */
function placeIn(ring: Ring, time: number): number {
  const turns = time / PERIOD[ring];
  return (turns - Math.floor(turns)) * PHASES[ring];
}

/** NaN: this phase has not been seen yet. */
export function expectedAt(seasons: Seasons, slot: number, ring: Ring, time: number): number {
  const first = slot * ALL_PHASES + FIRST[ring];
  const place = placeIn(ring, time);
  const here = Math.min(Math.floor(place), PHASES[ring] - 1);
  if (seasons.visits[first + here] === 0) return NaN;
  const aside = place - here - 0.5;
  const next = (here + (aside > 0 ? 1 : PHASES[ring] - 1)) % PHASES[ring];
  const level = seasons.phase[first + here]!;
  return seasons.visits[first + next] === 0 ? level : level + Math.abs(aside) * (seasons.phase[first + next]! - level);
}

/** Standard deviation of what the ring does not predict; Infinity: it has not predicted enough to tell. */
export function errorOf(seasons: Seasons, slot: number, ring: Ring): number {
  const at = 2 * slot + ring;
  return seasons.predicted[at]! > UNSURE ? Math.sqrt(seasons.error[at]!) : Infinity;
}

/** @param expected what `expectedAt` gave @param elapsed since the value before, ms @param memory values that the error is about */
export function learnPhase(seasons: Seasons, slot: number, ring: Ring, time: number, elapsed: number, value: number, expected: number, memory: number): void {
  const place = slot * ALL_PHASES + FIRST[ring] + Math.min(Math.floor(placeIn(ring, time)), PHASES[ring] - 1);
  const visits = seasons.visits[place]! + 1;
  if (visits <= 0xffffffff) seasons.visits[place] = visits;
  const before = seasons.phase[place]!;
  if (visits === 1) {
    seasons.phase[place] = value;
    seasons.phases[2 * slot + ring] = seasons.phases[2 * slot + ring]! + 1;
  } else {
    const fades = MEMORY[ring] * (PERIOD[ring] / PHASES[ring]);
    const weight = Math.max(1 / visits, Math.min(1, elapsed / fades));
    seasons.phase[place] = before + weight * clip(value - expected, seasons.error[2 * slot + ring]!, seasons.predicted[2 * slot + ring]!);
  }
  const at = 2 * slot + ring;
  seasons.total[at] = seasons.total[at]! + seasons.phase[place]! - before;
  if (Number.isNaN(expected)) return;
  const seen = seasons.predicted[at]!;
  learnVariance(seasons.error, at, clip(value - expected, seasons.error[at]!, seen), seen + 1, memory);
  if (seen < 0xffffffff) seasons.predicted[at] = seen + 1;
}

/** The week has to be better by a sixth, as it has more to learn from noise. */
const WEEK_HANDICAP = 1.2;

/**
 * Which ring is believed, by the standard deviation of what each does not predict; `error` is that of the level.
 * @param day what it expects, NaN where it has not been yet; `week` likewise
 */
export function believed(seasons: Seasons, slot: number, day: number, week: number, error: number): Ring | typeof NONE {
  const byDay = Number.isNaN(day) ? Infinity : errorOf(seasons, slot, DAY);
  const byWeek = Number.isNaN(week) ? Infinity : errorOf(seasons, slot, WEEK) * WEEK_HANDICAP;
  if (byWeek < Math.min(byDay, error)) return WEEK;
  return byDay <= error ? DAY : NONE;
}

/** What is told to people, and moves their band, has to predict better by a quarter, in every phase. */
const CLEARLY = 1.25;

export function isClear(seasons: Seasons, slot: number, ring: Ring, error: number): boolean {
  return seasons.phases[2 * slot + ring] === PHASES[ring] && errorOf(seasons, slot, ring) * CLEARLY < error;
}

/** By how much this time is above the mean of all times. */
export function liftOf(seasons: Seasons, slot: number, ring: Ring, expected: number): number {
  return expected - seasons.total[2 * slot + ring]! / seasons.phases[2 * slot + ring]!;
}
