import type { Columns } from '../../engine/operator.js';
import type { State } from './config.js';
import { add, reset, UP } from './cusum.js';
import { errorOf, lineOf, median, put, read, stepOf } from './recent.js';
import { clip, expectedNext, learn, leftOf, rebase } from './reference.js';
import type { Phases, Season } from './season.js';

export interface Rules {
  readonly limit: number;
  readonly for: number;
  readonly minShift: number;
  readonly minRatio: number;
  readonly leastAbsolute: number;
  readonly leastRelative: number;
  readonly memory: number;
  readonly warmup: number;
  /** Undefined: there is no period. */
  readonly phases: Phases | undefined;
}

export const LEVEL = 0;
export const TREND = 1;
export const SPREAD = 2;
export type Kind = typeof LEVEL | typeof TREND | typeof SPREAD;

/** What a row is judged by. Filled by `watch`. */
export interface Verdict {
  expected: number;
  /** One standard deviation about it. */
  spread: number;
  /** Evidence for a shift, as a share of the limit. */
  ratio: number;
  judged: boolean;
}

export interface Shift {
  readonly kind: Kind;
  /** Level, slope a sample, or spread, before and after. */
  readonly from: number;
  readonly to: number;
  /** Level before it, one standard deviation then, and how far it has moved in these, or by how much the spread has grown or shrunk. */
  readonly level: number;
  readonly spread: number;
  readonly size: number;
  /** Samples since it began. */
  readonly since: number;
  /** ms between samples. */
  readonly interval: number;
}

const CLIP = 3;
/** Added to the size of a deviation, in standard deviations, before its logarithm: where values are whole numbers, how close one comes to the level is chance. */
const SOFT = 0.3;
/** Sizes count no more than this, in standard deviations. */
const MOST = 5;
/** Where deviations are rare and large, their mean size, in standard deviations, says little: it counts as this. */
const RARELY = 0.3;
/** The median size of normal deviations, as a share of their mean. */
const MEDIAN_OF_MEAN = 0.845;
/** The period has to predict better by so much to be judged by, and worse by as much to be left again. */
const BETTER = 1.15;
/** So much more has a shift to be for each that was told lately; at most; and what that has fallen to half after. */
const TOLERATES = 2;
const MOST_TOLERATED = 16;
const HALF_LIFE_MS = 14 * 86_400_000;
/** Evidence that comes to nothing for so many times `for` is taken for what is usual now. */
const PATIENCE = 4;
/** A line is a trend where values are so much nearer to it than to their median, and than to a step. */
const STRAIGHT = 0.7;
const STRAIGHTER = 0.9;
/** A level of values that are correlated has to move by so many standard deviations of their mean. */
const SURE = 4;
/** A scale is never smaller than this share of the smallest shift that is told. */
const FLOOR = 0.1;

/** Judges a value by what was usual before it, and then learns it; whether something has shifted. */
export function watch(state: Columns<State>, slot: number, time: number, value: number, rules: Rules, verdict: Verdict): Shift | undefined {
  const { phases, limit } = rules;
  const lift = phases === undefined ? 0 : phases.liftAt(state, slot, time);
  const seasonal = state.seasonal[slot]!;
  const own = 2 * slot + seasonal;
  const known = state.seen[own]! > 0;
  if (!known) state.first[slot] = time;
  const elapsed = known ? time - state.judgedAt[slot]! : 0;
  state.judgedAt[slot] = time;
  verdict.expected = known ? expectedNext(state, own) + (seasonal === 1 ? lift : 0) : value;
  verdict.spread = Math.sqrt(state.variance[own]!);
  verdict.judged = state.seen[2 * slot]! >= rules.warmup && (phases === undefined || time - state.first[slot]! >= 2 * phases.period);
  const sizes = sizesOf(state);
  const sizeLift = phases === undefined ? 0 : phases.liftAt(sizes, slot, time);
  if (verdict.judged) gather(state, slot, value - verdict.expected, leastOf(state, own, rules), sizeLift, rules);
  const share = learningShare(state, slot, rules);

  const off = known ? value - lift - expectedNext(state, 2 * slot + 1) : 0;
  const logarithm = learnBoth(state, slot, value, lift, sizeLift, rules, share);
  phases?.learn(sizes, slot, time, elapsed, logarithm + sizeLift, logarithm, share);
  phases?.learn(state, slot, time, elapsed, value, clip(off, CLIP * Math.sqrt(state.variance[2 * slot + 1]!)), share);
  put(state, slot, rules.for, time, value - (seasonal === 1 ? lift : 0));
  verdict.ratio = evidenceOf(state, slot) / limit;
  if (!verdict.judged) {
    choose(state, slot, rules);
    return undefined;
  }
  const shift = verdict.ratio < 1 ? undefined : examine(state, slot, own, time, rules);
  if (verdict.ratio < 0.5) choose(state, slot, rules);
  return shift;
}

/** The smallest shift of level that is told. */
function leastOf({ level }: Columns<State>, own: number, rules: Rules): number {
  return Math.max(rules.leastAbsolute, rules.leastRelative * Math.abs(level[own]!));
}

function scaled(deviation: number, scale: number): number {
  return deviation === 0 ? 0 : clip(deviation / scale, CLIP);
}

function sizeOf(innovation: number, scale: number): number {
  return scale > 0 ? Math.min(MOST, Math.abs(innovation) / scale) : 0;
}

function logOf(size: number): number {
  return Math.log(SOFT + size);
}

function meanSize(sizes: Float64Array): number {
  let sum = 0;
  for (const size of sizes) sum += Math.min(MOST, size);
  return sum / sizes.length;
}

/** The season of the logarithms of sizes. */
function sizesOf({ logPhase, logVisits, logTotal, logVisited }: Columns<State>): Season {
  return { phase: logPhase, visits: logVisits, total: logTotal, visited: logVisited };
}

/** @param sizeLift what the time adds to the logarithm of the size */
function gather(state: Columns<State>, slot: number, deviation: number, least: number, sizeLift: number, { phases }: Rules): void {
  const own = 2 * slot + state.seasonal[slot]!;
  const innovation = deviation - leftOf(state, own) * state.before[own]!;
  const scale = Math.max(Math.sqrt(state.innovation[own]!), FLOOR * least);
  add(state, 2 * slot, scaled(innovation, scale));
  const logDeviation = Math.sqrt(state.logVariance[own]!);
  const known = phases === undefined || state.logVisited[slot] === phases.count;
  if (logDeviation > 0 && known) add(state, 2 * slot + 1, scaled(logOf(sizeOf(innovation, Math.sqrt(state.innovation[own]!))) - sizeLift - state.logMean[own]!, logDeviation));
}

function evidenceOf({ sums }: Columns<State>, slot: number): number {
  let most = 0;
  for (let at = 4 * slot; at < 4 * slot + 4; at++) most = Math.max(most, sums[at]!);
  return most;
}

/** What may be a shift is kept from what it is judged by, the more so the more evidence there is; but not for ever. */
function learningShare({ sums, lengths }: Columns<State>, slot: number, rules: Rules): number {
  let share = 1;
  for (let at = 4 * slot; at < 4 * slot + 4; at++) if (lengths[at]! < 2 * PATIENCE * rules.for) share = Math.min(share, 1 - sums[at]! / rules.limit);
  return Math.max(0, share);
}

/** Returns the logarithm of the size, less what was expected of it, of the one that is judged by. */
function learnBoth(state: Columns<State>, slot: number, value: number, lift: number, sizeLift: number, rules: Rules, share: number): number {
  let logarithm = 0;
  for (let seasonal = 0; seasonal < (rules.phases === undefined ? 1 : 2); seasonal++) {
    const at = 2 * slot + seasonal;
    const n = state.seen[at]!;
    const compared = seasonal === 1 ? value - lift : value;
    if (n > 1) {
      const deviation = compared - expectedNext(state, at);
      state.miss[at] = state.miss[at]! + Math.max(1 / (state.lineSeen[at]! - 1), 1 / rules.memory) * (Math.abs(deviation) - state.miss[at]!);
      const innovation = deviation - leftOf(state, at) * state.before[at]!;
      const scale = Math.sqrt(state.innovation[at]!);
      const weight = share * Math.max(1 / (state.lineSeen[at]! - 1), 2 / (rules.memory + 1));
      const counted = n > 8 && scale > 0 ? clip(innovation, CLIP * scale) : innovation;
      if (n > 8) {
        const size = sizeOf(innovation, scale);
        const off = logOf(size) - sizeLift - state.logMean[at]!;
        if (seasonal === state.seasonal[slot]) logarithm = off;
        const logWeight = share * Math.max(1 / (state.lineSeen[at]! - 8), 2 / (rules.memory + 1));
        state.size[at] = state.size[at]! + logWeight * (size - state.size[at]!);
        state.logMean[at] = state.logMean[at]! + logWeight * off;
        state.logVariance[at] = (1 - logWeight) * (state.logVariance[at]! + logWeight * off * off);
      }
      state.innovation[at] = (1 - weight) * state.innovation[at]! + weight * counted * counted;
    }
    learn(state, at, compared, rules.memory, share);
  }
  return logarithm;
}

/** Judges by the period where that predicts better. */
function choose(state: Columns<State>, slot: number, rules: Rules): void {
  if (rules.phases === undefined || state.visited[slot]! < rules.phases.count) return;
  const plain = state.miss[2 * slot]!;
  const less = state.miss[2 * slot + 1]!;
  const now = state.seasonal[slot]!;
  const next = now === 0 ? (less * BETTER < plain ? 1 : 0) : plain * BETTER < less ? 0 : 1;
  if (next === now) return;
  state.seasonal[slot] = next;
  state.put[slot] = 0;
  // Sizes are relative to another scale from now on.
  rules.phases.forget(sizesOf(state), slot);
  reset(state, 2 * slot);
  reset(state, 2 * slot + 1);
}

/** The side on which there is evidence enough for long enough; -1: none. */
function sideOf({ sums, lengths }: Columns<State>, place: number, rules: Rules): number {
  for (const side of [0, 1]) if (sums[2 * place + side]! >= rules.limit && lengths[2 * place + side]! >= rules.for) return side;
  return -1;
}

function examine(state: Columns<State>, slot: number, own: number, time: number, rules: Rules): Shift | undefined {
  const faded = Math.max(1, state.tolerance[slot]! * 2 ** ((state.toldAt[slot]! - time) / HALF_LIFE_MS));
  const shift = examineLevel(state, slot, own, faded, rules) ?? examineSpread(state, slot, own, faded, rules);
  if (shift === undefined) return undefined;
  state.tolerance[slot] = Math.min(MOST_TOLERATED, TOLERATES * faded);
  state.toldAt[slot] = time;
  return shift;
}

function examineLevel(state: Columns<State>, slot: number, own: number, tolerance: number, rules: Rules): Shift | undefined {
  const side = sideOf(state, 2 * slot, rules);
  if (side < 0 || state.put[slot]! < rules.for) return undefined;
  const since = state.lengths[4 * slot + side]!;
  const { times, values } = read(state, slot, rules.for);
  const from = state.level[own]!;
  const slope = state.slope[own]!;
  const spread = Math.sqrt(state.variance[own]!);
  // As if the line had been flat.
  const flat = values.map((value, i) => value - slope * (i - values.length + 1));
  const quarter = Math.ceil(flat.length / 4);
  const line = lineOf(flat);
  const step = stepOf(flat, Math.ceil(flat.length / 2));
  const to = median(step.after);
  const end = median(flat.subarray(-quarter));
  const sign = side === UP ? 1 : -1;
  const smallest = tolerance * Math.max(rules.minShift, SURE * spreadOfMean(leftOf(state, own), rules.for));
  const told = sign * (to - from) >= Math.max(smallest * spread, leastOf(state, own, rules)) && sign * (end - from) >= (sign * (to - from)) / 2;
  if (!told && since < PATIENCE * rules.for) return undefined;
  const kind = line.error < STRAIGHT * errorOf(flat, median(flat)) && line.error < STRAIGHTER * step.error && sign * line.slope > 0 ? TREND : LEVEL;
  const least = leastOf(state, own, rules);
  const about = Math.max(2 * rules.for, rules.warmup);
  rebase(state, own, kind === TREND ? line.end : to, about);
  if (kind === TREND) {
    state.slope[own] = slope + line.slope;
    state.lineSeen[own] = about;
  }
  reset(state, 2 * slot);
  reset(state, 2 * slot + 1);
  if (!told) return undefined;
  const scale = Math.max(spread, FLOOR * least);
  const moved = kind === TREND ? { from: slope, to: slope + line.slope } : { from, to };
  return { kind, ...moved, level: from, spread, size: scale > 0 ? Math.abs(to - from) / scale : rules.minShift, since, interval: (times.at(-1)! - times[0]!) / (times.length - 1) };
}

/** Standard deviation of a mean of `n` values of which each has a share `left` of the one before, in those of one value. */
function spreadOfMean(left: number, n: number): number {
  return Math.min(1, Math.sqrt((1 + left) / (1 - left) / n));
}

function examineSpread(state: Columns<State>, slot: number, own: number, tolerance: number, rules: Rules): Shift | undefined {
  const side = sideOf(state, 2 * slot + 1, rules);
  if (side < 0 || state.put[slot]! < rules.for) return undefined;
  const since = state.lengths[4 * slot + 2 + side]!;
  const { times, values } = read(state, slot, rules.for);
  const middle = median(values);
  const left = leftOf(state, own);
  const scale = Math.sqrt(state.innovation[own]!);
  if (scale === 0) return undefined;
  const sizes = Float64Array.from({ length: values.length - 1 }, (_, i) => Math.abs(values[i + 1]! - middle - left * (values[i]! - middle)) / scale);
  // What is usual at each of these times.
  const usual = Float64Array.from(sizes, (_, i) => Math.max(RARELY, state.size[own]! * Math.exp(rules.phases?.liftAt(sizesOf(state), slot, times[i + 1]!) ?? 0)));
  const ratio = meanSize(sizes) / meanSize(usual);
  const least = 1 + tolerance * (rules.minRatio - 1);
  // Each quarter has to be wide, or narrow, not one burst in them.
  const quarter = Math.ceil(sizes.length / 4);
  const quarters = [0, 1, 2, 3].map((k) => meanSize(sizes.subarray(k * quarter, (k + 1) * quarter)) / meanSize(usual.subarray(k * quarter, (k + 1) * quarter)));
  const told = side === UP ? ratio >= least && Math.min(...quarters) >= Math.sqrt(least) : ratio <= 1 / least && Math.max(...quarters) <= 1 / Math.sqrt(least);
  if (!told && since < PATIENCE * rules.for) return undefined;
  const spread = Math.sqrt(state.variance[own]!);
  // The largest do not count in full above.
  const grown = side === UP ? Math.max(ratio, median(sizes) / (MEDIAN_OF_MEAN * median(usual))) : ratio;
  for (const column of [state.variance, state.covariance, state.innovation]) column[own] = column[own]! * grown * grown;
  reset(state, 2 * slot);
  reset(state, 2 * slot + 1);
  if (!told) return undefined;
  return { kind: SPREAD, from: spread, to: spread * grown, level: state.level[own]!, spread, size: Math.max(grown, 1 / grown), since, interval: (times.at(-1)! - times[0]!) / (times.length - 1) };
}
