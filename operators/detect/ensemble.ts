import { bulkOf, rank, topOf, type Ranks } from '../anomaly/score.js';
import type { Limits } from './excursion.js';
import { distanceTo, isKnown, know, type Known } from './novelty.js';
import { Expectation, type Expected } from './expectation.js';
import { follow, LONG, RESIDUAL, SHORT, spread, STEP, UNSURE } from './robust-scale.js';
import { column, type Rows } from './rows.js';
import { ninesOf, SCALE } from './scale.js';
import type { SeasonName } from './season.js';

/**
 * How unusual a value is, from four views of the series that fail in different ways, so that what they
 * say together is worth more:
 *
 * - deviation: distance from what is expected, which is the best of level, time of hour, of day and of week;
 * - change: the step from the value before. A row is deviant by the smaller of the two: a series that has
 *   drifted away is not a new anomaly with every row, and a large step to where it belongs is none;
 * - residual: the mean of about the last ten residuals, of what they are expected to be 0, against what such means have been: an EWMA
 *   chart (Roberts, Control chart tests based on geometric moving averages, Technometrics 1, 1959), and with it a one-sided tail as in the
 *   anomaly likelihood of Ahmad et al. (Unsupervised real-time anomaly detection for streaming data, Neurocomputing 262, 2017). It sees
 *   what stays a little off, where no single value is far out;
 * - novelty: distance from all values that it, or its short-term mean, ever had. It counts where the deviation
 *   agrees, the more so the less has been seen, when nearly everything is new.
 *
 * What has just happened is less of a surprise: each of the two (deviant, new) has to exceed its own last peak, which
 * fades with time, as the threshold of a neuron does after it has fired.
 */
export interface Judged extends Expected, Known, Ranks {
  /** The short-term mean. */
  readonly short: Float64Array;
  /** Mean of the last residuals, in standard deviations. */
  readonly residual: Float64Array;
  /** The fading peaks, two a series: of deviation, of novelty. */
  readonly peaks: Float64Array;
}

export const methods = ['deviation', 'change', 'residual', 'novelty'] as const;
export type Method = (typeof methods)[number];

/** Which methods count, and limits as those of excursions. */
export interface Rules extends Readonly<Record<Method, boolean>>, Pick<Limits, 'memory' | 'warmup' | 'sensitivity' | 'up' | 'down' | 'leastAbsolute' | 'leastRelative'> {
  readonly seasons: readonly SeasonName[];
  /** Time zone whose clocks they go by. */
  readonly zone: string;
}

/** Times the memory, for the scale that novelty is measured by. */
const LONGER = 3;
/** The short-term mean is over about so many values. */
const SHORT_VALUES = 20;
/** A value of the short-term mean that is new counts so much of a new value. */
const SHORT_SHARE = 1 / 3;
/** The mean of residuals is over about so many, each counting up to so many standard deviations; and as they follow each other, a mean of them counts so much of one value. */
const RESIDUAL_VALUES = 10;
const RESIDUAL_MOST = 6;
const RESIDUAL_SHARE = 0.7;
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

/** Bits of `unusual`. */
const BIT: Readonly<Record<Method, number>> = { deviation: 1, change: 2, residual: 4, novelty: 8 };
const COUNT = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4] as const;

/**
 * Judges rows by what was usual before them, and learns them. View by view over all rows, as each learns from its own
 * past alone: loops over columns, in which nothing is called that is not compiled into them.
 */
export class Judge {
  readonly #rules: Rules;
  #rows = 0;
  readonly expectation: Expectation;
  #steps = spread(0);
  #long = spread(0);
  #means = spread(0);
  #residuals = spread(0);
  /** Of each row: the short-term mean with it, the mean of the last residuals with it, and the least that a standard deviation is taken for. */
  #short = column(0);
  #residual = column(0);
  #least = column(0);
  /** Standard deviations from what is expected; 0 on a side that does not count, and before the first verdict. Those of the other views likewise. */
  deviation = column(0);
  #change = column(0);
  #off = column(0);
  #novelty = column(0);
  #unusual = new Uint8Array(0);

  constructor(rules: Rules) {
    this.#rules = rules;
    this.expectation = new Expectation(rules.seasons, rules.zone);
  }

  /** Fills `score`, 0 to 1, and `agree`, how many of the chosen methods find a row unusual by themselves; and the columns of `expectation`, and `deviation`. */
  judge(judged: Judged, rows: Rows, score: Float64Array, agree: Float64Array): void {
    this.#makeRoom(rows.length);
    const { memory, warmup, change, residual, novelty } = this.#rules;
    this.expectation.expect(judged, rows, memory, warmup);
    const { seen, step } = this.expectation;
    if (change) follow(judged, STEP, rows, step, seen, 1, memory, this.#steps);
    this.#deviate(rows);
    if (residual) {
      this.#remain(judged, rows);
      follow(judged, RESIDUAL, rows, this.#residual, seen, warmup, LONGER * memory, this.#residuals);
    }
    if (novelty) {
      this.#smooth(judged, rows);
      follow(judged, LONG, rows, rows.value, seen, 0, LONGER * memory, this.#long);
      follow(judged, SHORT, rows, this.#short, seen, 0, LONGER * memory, this.#means);
      this.#renew(judged, rows);
    }
    this.#score(judged, rows, score, agree);
  }

  /** Which methods find the row unusual by themselves. */
  unusualBy(row: number): Method[] {
    return methods.filter((method) => (this.#unusual[row]! & BIT[method]) !== 0);
  }

  /** By how many nines of a score each method would give alone, as if nothing like it had just happened. */
  ninesBy(row: number): number[] {
    const { deviation, change, residual, novelty } = this.#rules;
    const isNew = novelty && this.#novelty[row]! > 0;
    return [deviation ? ninesOf(this.deviation[row]!) : 0, change ? ninesOf(this.#change[row]!) : 0, residual ? ninesOf(this.#off[row]!) : 0, isNew ? ninesOf(surpriseOf(this.#novelty[row]!)) : 0];
  }

  #makeRoom(rows: number): void {
    if (rows <= this.#rows) return;
    this.#rows = rows;
    this.#steps = spread(rows);
    this.#long = spread(rows);
    this.#means = spread(rows);
    this.#residuals = spread(rows);
    this.#short = column(rows);
    this.#residual = column(rows);
    this.#least = column(rows);
    this.deviation = column(rows);
    this.#change = column(rows);
    this.#off = column(rows);
    this.#novelty = column(rows);
    this.#unusual = new Uint8Array(rows);
  }

  /** How far each row is from what is expected, and its step from what steps are, in standard deviations. */
  #deviate({ length, value }: Rows): void {
    const { sensitivity, up, down, leastAbsolute, leastRelative, warmup, change } = this.#rules;
    const steps = this.#steps;
    const { seen, step, error, value: expectation } = this.expectation;
    for (let i = 0; i < length; i++) {
      this.deviation[i] = 0;
      if (seen[i]! < warmup) continue;
      const expected = expectation[i]!;
      const least = Math.max(leastAbsolute, leastRelative * Math.abs(expected)) / sensitivity;
      const counts = value[i]! > expected ? up : down;
      this.#least[i] = least;
      this.deviation[i] = counts ? deviationsOf(Math.abs(value[i]! - expected), Math.max(error[i]!, least), sensitivity) : 0;
      this.#change[i] = counts && change ? deviationsOf(Math.abs(step[i]! - steps.mean[i]!), Math.max(Math.sqrt(steps.variance[i]!), least), sensitivity) : 0;
    }
  }

  /** The mean of the last residuals with each row. */
  #remain({ residual }: Judged, { length, slot, value }: Rows): void {
    const { warmup } = this.#rules;
    const { seen, error, value: expected } = this.expectation;
    for (let i = 0; i < length; i++) {
      if (seen[i]! < warmup) continue;
      const scale = Math.max(error[i]!, this.#least[i]!);
      const left = scale > 0 ? Math.max(-RESIDUAL_MOST, Math.min(RESIDUAL_MOST, (value[i]! - expected[i]!) / scale)) : 0;
      const before = residual[slot[i]!]!;
      this.#residual[i] = seen[i] === warmup ? left : before + (2 / (RESIDUAL_VALUES + 1)) * (left - before);
      residual[slot[i]!] = this.#residual[i]!;
    }
  }

  #smooth({ short }: Judged, { length, slot, value }: Rows): void {
    const { seen } = this.expectation;
    for (let i = 0; i < length; i++) {
      const before = short[slot[i]!]!;
      this.#short[i] = seen[i] === 0 ? value[i]! : before + (2 / (SHORT_VALUES + 1)) * (value[i]! - before);
      short[slot[i]!] = this.#short[i]!;
    }
  }

  /** How new each row, or less, the short-term mean with it, is, in standard deviations; then it is known. */
  #renew(judged: Judged, { length, slot, value }: Rows): void {
    const { warmup } = this.#rules;
    const long = this.#long;
    const short = this.#means;
    for (let i = 0; i < length; i++) {
      const set = 2 * slot[i]!;
      const seen = this.expectation.seen[i]!;
      const mean = this.#short[i]!;
      this.#novelty[i] = 0;
      if (seen >= warmup && this.deviation[i]! >= NOVEL + NOVEL_EARLY / seen) {
        const least = this.#least[i]!;
        const newValue = deviationsOf(distanceTo(judged, set, value[i]!), Math.max(Math.sqrt(long.variance[i]!), least), 1);
        const newMean = deviationsOf(distanceTo(judged, set + 1, mean), Math.max(Math.sqrt(short.variance[i]!), least), 1);
        this.#novelty[i] = Math.max(newValue, SHORT_SHARE * newMean);
      }
      if (!isKnown(judged, set, value[i]!)) know(judged, set, value[i]!, GRAIN * Math.sqrt(long.after[i]!));
      if (!isKnown(judged, set + 1, mean)) know(judged, set + 1, mean, GRAIN * Math.sqrt(short.after[i]!));
    }
  }

  #score(judged: Judged, { length, slot }: Rows, score: Float64Array, agree: Float64Array): void {
    const { deviation: byDeviation, change: byChange, residual: byResidual, novelty: byNovelty, warmup, sensitivity, up, down } = this.#rules;
    const { peaks } = judged;
    const { seen, elapsed: since } = this.expectation;
    const means = this.#residuals;
    // Mostly the samples of all series are equally far apart.
    let elapsed = 0;
    let fades = 1;
    for (let i = 0; i < length; i++) {
      score[i] = 0;
      agree[i] = 0;
      this.#unusual[i] = 0;
      if (seen[i]! < warmup) continue;
      if (elapsed !== since[i]!) {
        elapsed = since[i]!;
        fades = Math.exp(-elapsed / FADES_MS);
      }
      const deviation = this.deviation[i]!;
      const change = this.#change[i]!;
      const novelty = byNovelty ? this.#novelty[i]! : 0;
      const off = byResidual && seen[i]! - warmup > UNSURE && means.variance[i]! > 0 ? (this.#residual[i]! - means.mean[i]!) / Math.sqrt(means.variance[i]!) : 0;
      const residual = (off > 0 ? up : down) ? RESIDUAL_SHARE * Math.abs(off) : 0;
      const deviant = byDeviation ? (byChange ? Math.min(deviation, change) : deviation) : byChange ? change : 0;
      this.#off[i] = residual;
      const size = Math.max(deviant, residual);
      const unusual = surpass(peaks, 2 * slot[i]!, size, fades);
      const unheard = surpass(peaks, 2 * slot[i]! + 1, novelty, fades);
      const surprise = unheard > 0 ? surpriseOf(unheard) : unusual / (1 + unusual / SURPRISING);
      score[i] = Math.max(bulkOf(judged, slot[i]!, size, SCALE), topOf(surprise, SCALE));
      rank(judged, slot[i]!, size, SCALE);
      const by = (byDeviation && deviation >= sensitivity ? BIT.deviation : 0) + (byChange && change >= sensitivity ? BIT.change : 0) + (residual >= sensitivity ? BIT.residual : 0) + (novelty > 0 ? BIT.novelty : 0);
      this.#unusual[i] = by;
      agree[i] = COUNT[by]!;
    }
  }
}

/** As how many deviations something new counts. */
function surpriseOf(novelty: number): number {
  return SURPRISING * (1 + novelty / DOUBLE);
}

/** `size` if it exceeds the peak at `at`, which fades first and then takes it over; else 0. */
function surpass(peaks: Float64Array, at: number, size: number, fades: number): number {
  const peak = peaks[at]! * fades;
  peaks[at] = Math.max(peak, size);
  return size > peak ? size : 0;
}
