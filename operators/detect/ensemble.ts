import { distanceTo, know, type Known } from './novelty.js';
import { bulkOf, learnQuantiles, topOf, type Quantiles } from './calibration.js';
import type { Limits } from './excursion.js';
import { learn } from './robust-scale.js';
import { believed, DAY, errorOf, expectedAt, isClear, learnPhase, liftOf, NONE, WEEK, type Ring, type Seasons } from './season.js';

/**
 * How unusual a value is, from three views of the series that fail in different ways, so that what they
 * say together is worth more:
 *
 * - deviation: distance from what is expected, which is the best of level, time of day and time of week;
 * - change: the step from the value before. A row is deviant by the smaller of the two: a series that has
 *   drifted away is not a new anomaly with every row, and a large step to where it belongs is none;
 * - novelty: distance from all values that it, or its short-term mean, ever had. It counts where the deviation
 *   agrees, the more so the less has been seen, when nearly everything is new.
 *
 * What has just happened is less of a surprise: each of the two (deviant, new) has to exceed its own last peak, which
 * fades with time, as the threshold of a neuron does after it has fired.
 */
export interface Judged extends Seasons, Known, Quantiles {
  /** Values learned. */
  readonly learned: Uint32Array;
  readonly judgedAt: Float64Array;
  readonly previous: Float64Array;
  readonly short: Float64Array;
  /** Mean and variance of KINDS things each, see LEVEL to SHORT. */
  readonly mean: Float64Array;
  readonly spread: Float64Array;
  /** The fading peaks, two a series: of deviation, of novelty. */
  readonly peaks: Float64Array;
}

export const methods = ['deviation', 'change', 'novelty'] as const;
export type Method = (typeof methods)[number];

/** Which methods count, and limits as those of excursions. */
export interface Rules extends Readonly<Record<Method, boolean>>, Pick<Limits, 'memory' | 'warmup' | 'sensitivity' | 'up' | 'down' | 'leastAbsolute' | 'leastRelative'> {}

/** What it says of a value. Filled by `judge`. */
export interface Opinion {
  /** 0 to 1. */
  score: number;
  /** How many of the chosen methods find the row unusual by themselves; and which. */
  agree: number;
  readonly unusualBy: Record<Method, boolean>;
  /** The season that predicts the series clearly better than its level does, and by how much this time is above the mean of all times. */
  season: Ring | typeof NONE;
  lift: number;
}

/** What means and variances are kept of: values, values for longer, steps, and the short-term mean. */
const LEVEL = 0;
const LONG = 1;
const STEP = 2;
const SHORT = 3;
export const KINDS = 4;

/** Times the memory, for the scale that novelty is measured by. */
const LONGER = 3;
/** The short-term mean is over about so many values. */
const SHORT_VALUES = 20;
/** A value of the short-term mean that is new counts so much of a new value. */
const SHORT_SHARE = 1 / 3;
/** Values that differ by less than this share of their standard deviation are the same. */
const GRAIN = 0.1;
/** A value may be new only from this many deviations on, and after n values this much / n more. */
const NOVEL = 3;
const NOVEL_EARLY = 1000;
/** What is new ranks above what deviates, and this is where: deviations come near it and never reach it. */
const SURPRISING = 25;
/** New by so many standard deviations counts double. */
const DOUBLE = 0.06;
/** After this time a peak has faded to a third. */
const FADES_MS = 17 * 3_600_000;

/** Where nothing has ever varied, any other value is equally strange, however far out. */
function deviationsOf(distance: number, scale: number, sensitivity: number): number {
  return scale > 0 ? distance / scale : distance === 0 ? 0 : sensitivity;
}

/** Judges a value by what was usual before it, and learns it. */
export function judge(judged: Judged, slot: number, time: number, value: number, rules: Rules, opinion: Opinion): void {
  const { mean, spread, peaks } = judged;
  const kinds = slot * KINDS;
  const seen = judged.learned[slot]!;
  const elapsed = seen === 0 ? 0 : time - judged.judgedAt[slot]!;
  const step = seen === 0 ? 0 : value - judged.previous[slot]!;
  const short = seen === 0 ? value : judged.short[slot]! + (2 / (SHORT_VALUES + 1)) * (value - judged.short[slot]!);
  const day = expectedAt(judged, slot, DAY, time);
  const week = expectedAt(judged, slot, WEEK, time);

  opinion.score = 0;
  opinion.agree = 0;
  opinion.unusualBy.deviation = false;
  opinion.unusualBy.change = false;
  opinion.unusualBy.novelty = false;
  opinion.season = NONE;
  opinion.lift = 0;
  if (seen >= rules.warmup) {
    const levelError = Math.sqrt(spread[kinds + LEVEL]!);
    const season = believed(judged, slot, day, week, levelError);
    const expected = season === NONE ? mean[kinds + LEVEL]! : season === DAY ? day : week;
    const error = season === NONE ? levelError : errorOf(judged, slot, season);
    if (season !== NONE && isClear(judged, slot, season, levelError)) {
      opinion.season = season;
      opinion.lift = liftOf(judged, slot, season, expected);
    }
    const least = Math.max(rules.leastAbsolute, rules.leastRelative * Math.abs(expected)) / rules.sensitivity;
    const counts = value > expected ? rules.up : rules.down;
    const deviation = counts ? deviationsOf(Math.abs(value - expected), Math.max(error, least), rules.sensitivity) : 0;
    const change = counts ? deviationsOf(Math.abs(step - mean[kinds + STEP]!), Math.max(Math.sqrt(spread[kinds + STEP]!), least), rules.sensitivity) : 0;
    const scaleOfValues = Math.max(Math.sqrt(spread[kinds + LONG]!), least);
    const scaleOfMeans = Math.max(Math.sqrt(spread[kinds + SHORT]!), least);
    const newValue = deviationsOf(distanceTo(judged, 2 * slot, value), scaleOfValues, 1);
    const newMean = deviationsOf(distanceTo(judged, 2 * slot + 1, short), scaleOfMeans, 1);
    const novelty = deviation >= NOVEL + NOVEL_EARLY / seen ? Math.max(newValue, SHORT_SHARE * newMean) : 0;

    const deviant = Math.min(rules.deviation ? deviation : Infinity, rules.change ? change : Infinity);
    const size = deviant === Infinity ? 0 : deviant;
    const fades = Math.exp(-elapsed / FADES_MS);
    const unusual = surpass(peaks, 2 * slot, size, fades);
    const unheard = surpass(peaks, 2 * slot + 1, rules.novelty ? novelty : 0, fades);
    const surprise = unheard > 0 ? SURPRISING * (1 + unheard / DOUBLE) : unusual / (1 + unusual / SURPRISING);
    opinion.score = Math.max(bulkOf(judged, slot, size), topOf(surprise));
    learnQuantiles(judged, slot, size);
    const { unusualBy } = opinion;
    unusualBy.deviation = rules.deviation && deviation >= rules.sensitivity;
    unusualBy.change = rules.change && change >= rules.sensitivity;
    unusualBy.novelty = rules.novelty && novelty > 0;
    opinion.agree = Number(unusualBy.deviation) + Number(unusualBy.change) + Number(unusualBy.novelty);
  }

  learnPhase(judged, slot, DAY, time, elapsed, value, day, rules.memory);
  learnPhase(judged, slot, WEEK, time, elapsed, value, week, rules.memory);
  learn(mean, spread, kinds + LEVEL, value, seen, rules.memory);
  learn(mean, spread, kinds + LONG, value, seen, LONGER * rules.memory);
  if (seen > 0) learn(mean, spread, kinds + STEP, step, seen - 1, rules.memory);
  learn(mean, spread, kinds + SHORT, short, seen, LONGER * rules.memory);
  know(judged, 2 * slot, value, GRAIN * Math.sqrt(spread[kinds + LONG]!));
  know(judged, 2 * slot + 1, short, GRAIN * Math.sqrt(spread[kinds + SHORT]!));
  judged.previous[slot] = value;
  judged.short[slot] = short;
  judged.judgedAt[slot] = time;
  if (seen < 0xffffffff) judged.learned[slot] = seen + 1;
}

/** `size` if it exceeds the peak at `at`, which fades first and then takes it over; else 0. */
function surpass(peaks: Float64Array, at: number, size: number, fades: number): number {
  const peak = peaks[at]! * fades;
  peaks[at] = Math.max(peak, size);
  return size > peak ? size : 0;
}
