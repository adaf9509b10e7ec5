import { alarmsOf, delaysOf, type Alarms } from '../../quality/alarms.js';
import { eventF1, eventF1At, type EventF1 } from '../../quality/event-f1.js';
import type { Scores, Span } from '../../quality/labelled.js';
import { normalise, profiles, scoreNab, tallyAt, type ProfileName } from '../../quality/nab.js';
import { median } from '../statistics.js';
import type { CalibrationFigure } from './calibration.js';
import type { ForestFigures } from './forest.js';
import type { PerturbedFigure } from './perturbed.js';
import type { Series } from './sets.js';
import { mayTune } from './split.js';

/** A score on the files that parameters may be chosen by, at its best threshold; and on the others, at that same threshold. */
export interface Split {
  readonly dev: number;
  readonly confirm: number;
}

export interface NabFigure extends Split {
  readonly detector: string;
  readonly profiles: Readonly<Record<ProfileName, number>>;
}

export interface EventFigure extends Split, EventF1 {
  readonly detector: string;
  /** Median over hits: rows from the beginning of a segment to its first detection. */
  readonly delay: number;
}

/** What people are told with the default settings. */
export interface AlarmFigure extends Alarms {
  readonly set: string;
  readonly rows: number;
}

export interface CleanFigure {
  readonly set: string;
  readonly alarms: number;
  /** Series times months (of 30 days). */
  readonly seriesMonths: number;
}

export interface CostFigure {
  readonly detector: string;
  readonly us: number;
  readonly on: string;
  readonly bytes?: number;
}

/** All that was measured. */
export interface Quality {
  readonly measuredAt: string;
  readonly machine: string;
  readonly nab: readonly NabFigure[];
  readonly events: readonly EventFigure[];
  /** F1 of who detects every row: what the set of `events` gives for nothing. */
  readonly eventsForNothing: number;
  readonly perturbed: readonly PerturbedFigure[];
  readonly alarms: readonly AlarmFigure[];
  readonly clean: readonly CleanFigure[];
  readonly calibration: readonly CalibrationFigure[];
  readonly costs: readonly CostFigure[];
  readonly forest: ForestFigures;
  readonly absent: readonly { readonly engine: string; readonly reason: string }[];
}

/** Series and their scores, of those files only. */
function part(files: readonly Series[], scores: readonly Scores[], dev: boolean): [Series[], Scores[]] {
  const chosen = files.flatMap((file, i) => (mayTune(file.name) === dev ? [[file, scores[i]!] as const] : []));
  return [chosen.map(([file]) => file), chosen.map(([, of]) => of)];
}

export function nabFigure(detector: string, files: readonly Series[], scores: readonly Scores[]): NabFigure {
  const whole = scoreNab(files, scores);
  const dev = scoreNab(...part(files, scores, true)).standard;
  return {
    detector,
    profiles: { standard: whole.standard.score, reward_low_FP_rate: whole.reward_low_FP_rate.score, reward_low_FN_rate: whole.reward_low_FN_rate.score },
    dev: dev.score,
    confirm: normalise(tallyAt(...part(files, scores, false), dev.threshold), profiles.standard),
  };
}

export function eventFigure(detector: string, files: readonly Series[], scores: readonly Scores[]): EventFigure {
  const whole = eventF1(files, scores);
  const dev = eventF1(...part(files, scores, true));
  return { detector, ...whole, dev: dev.f1, confirm: eventF1At(...part(files, scores, false), dev.threshold).f1, delay: median(delaysOf(files, scores, whole.threshold)) };
}

/** F1 of events of who detects every row. */
export function forNothing(files: readonly Series[]): number {
  return eventF1At(files, files.map(({ rows }) => new Float64Array(rows)), 0).f1;
}

export function alarmFigure(set: string, files: readonly Pick<Series, 'rows' | 'spans'>[], alarms: readonly (readonly Span[])[]): AlarmFigure {
  return { set, rows: files.reduce((sum, { rows }) => sum + rows, 0), ...alarmsOf(files, alarms) };
}
