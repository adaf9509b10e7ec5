import { clear, learn, lengthenTail, move, scaleOf, type Baseline } from './baseline.js';

/** State of one series. Of the baselines, the one at 2 × slot is what is usual, the one at 2 × slot + 1 what the rows of an excursion would make usual. */
export interface Watched extends Baseline {
  /** Rows in succession since an excursion began; 0: inside the band. */
  readonly outside: Uint32Array;
  /** Before an anomaly opens, evidence for it; while it is open, calm rows in succession. */
  readonly run: Uint32Array;
  /** The value furthest out in this excursion, without the season, and as it was. */
  readonly peak: Float64Array;
  readonly furthest: Float64Array;
  /** The highest score of a row while an anomaly is open; 0: none is. */
  readonly surest: Float64Array;
  /** Rows in which an anomaly that opens is the last one, open again. */
  readonly resting: Uint32Array;
  /** While an anomaly is open its severity, 1 (low) to 4 (critical); else 0. */
  readonly severity: Uint8Array;
  /** What feedback makes of the width of the band; 0 stands for 1. */
  readonly factor: Float64Array;
}

export interface Limits {
  /** Values that the baseline is about, when it has seen so many. */
  readonly memory: number;
  /** Values before a baseline is judged by. */
  readonly warmup: number;
  /** Half the width of the band, in deviations. */
  readonly sensitivity: number;
  /** Which sides count. */
  readonly up: boolean;
  readonly down: boolean;
  /** The band is never narrower than this to either side: an amount, and a share of the level. */
  readonly leastAbsolute: number;
  readonly leastRelative: number;
  /** Evidence that opens an anomaly: a row outside the band counts 1, one twice as far out 2, and so on. */
  readonly opens: number;
  /** An anomaly closes after `closes` rows in succession within this share of the band. */
  readonly calm: number;
  readonly closes: number;
  /** An anomaly that opens within so many rows after the last has closed is that one, open again. */
  readonly refractory: number;
  /** An excursion of so many rows becomes the new normal. */
  readonly adapts: number;
}

/** What a row tells. Filled by `watch`, one for all rows: nothing is allocated. */
export interface Verdict {
  expected: number;
  /** Half the width of the band. */
  reach: number;
  /** How much is known of what is usual, 0 to 1. */
  confidence: number;
  /** Of the anomaly that opened, grew or closed: 1 to 4, the value furthest out, and the highest score. */
  severity: number;
  peak: number;
  score: number;
  /** What opened is the last anomaly, again. */
  again: boolean;
}

export const QUIET = 0;
export const OPENED = 1;
export const GREW = 2;
export const CLOSED = 3;
/** Closed, because it has stayed so long that it is usual now. */
export const ADAPTED = 4;
/** Closed, because maintenance has begun. */
export const MUTED = 5;
export type Change = typeof QUIET | typeof OPENED | typeof GREW | typeof CLOSED | typeof ADAPTED | typeof MUTED;

/** Times the sensitivity from which an anomaly is medium, high, critical. */
const MEDIUM = 1.5;
const HIGH = 2;
const CRITICAL = 4;

/** How much is known of a series that has given so many values, 0 to 1. The band is divided by it. */
function confidenceOf(seen: number, warmup: number): number {
  return seen === 0 ? 0 : seen / (seen + warmup);
}

/** Where nothing has ever varied, any other value is equally strange, however far out: it is at the edge of the band. */
function deviationsOf(distance: number, scale: number, sensitivity: number): number {
  return scale > 0 ? distance / scale : distance === 0 ? 0 : sensitivity;
}

function severityOf(deviations: number, sensitivity: number): number {
  const ratio = deviations / sensitivity;
  return ratio >= CRITICAL ? 4 : ratio >= HIGH ? 3 : ratio >= MEDIUM ? 2 : 1;
}

function leastScale(level: number, { leastAbsolute, leastRelative, sensitivity }: Limits): number {
  return Math.max(leastAbsolute, leastRelative * Math.abs(level)) / sensitivity;
}

/** Fills in what is expected; returns what counts as one deviation. */
function drawBand(watched: Watched, slot: number, level: number, spread: number, least: number, limits: Limits, verdict: Verdict): number {
  const seen = watched.seen[2 * slot]!;
  verdict.confidence = confidenceOf(seen, limits.warmup);
  const scale = (seen === 0 ? least : Math.max(spread / verdict.confidence, least)) * (watched.factor[slot]! || 1);
  verdict.expected = level;
  verdict.reach = limits.sensitivity * scale;
  return scale;
}

/** A row that counts for nothing: what was away is as if it had come back, without a longer tail. MUTED where an anomaly was open. */
export function interrupt(watched: Watched, slot: number, limits: Limits, verdict: Verdict): typeof QUIET | typeof MUTED {
  if (watched.outside[slot] === 0) return QUIET;
  const level = watched.level[2 * slot]!;
  drawBand(watched, slot, level, scaleOf(watched, 2 * slot), leastScale(level, limits), limits, verdict);
  verdict.peak = watched.peak[slot]!;
  verdict.severity = watched.severity[slot]!;
  verdict.score = watched.surest[slot]!;
  forget(watched, slot);
  return verdict.severity > 0 ? MUTED : QUIET;
}

/**
 * Judges one value by what was usual before it, and then learns it. Values outside the band are kept
 * from the baseline: they make another, which takes over when they stay. What an excursion that ends
 * leaves behind is a longer tail.
 * @param value without what the season adds @param told as it came @param score of the row @param surprise whether it is as good as one twice as far out as the band is wide
 */
export function watch(watched: Watched, slot: number, value: number, told: number, score: number, surprise: boolean, limits: Limits, verdict: Verdict): Change {
  const usual = 2 * slot;
  const { sensitivity } = limits;
  const seen = watched.seen[usual]!;
  const level = seen === 0 ? value : watched.level[usual]!;
  const least = leastScale(level, limits);
  const spread = scaleOf(watched, usual);
  const scale = drawBand(watched, slot, level, spread, least, limits, verdict);
  const resting = watched.resting[slot]!;
  if (resting > 0) watched.resting[slot] = resting - 1;
  verdict.again = resting > 0;
  if (seen < limits.warmup) {
    learn(watched, usual, value, limits.memory, limits.warmup);
    return QUIET;
  }
  const far = deviationsOf(Math.abs(value - level), scale, sensitivity);
  const counted = (value > level ? limits.up : limits.down) ? far : 0;

  const severity = watched.severity[slot]!;
  const sure = surprise && severity === 0;
  if (severity === 0 && far < sensitivity && !sure) {
    if (watched.outside[slot]! > 0) endExcursion(watched, slot, level, Math.max(spread, least), limits);
    learn(watched, usual, value, limits.memory, limits.warmup);
    return QUIET;
  }

  const outside = watched.outside[slot]! + 1;
  watched.outside[slot] = outside;
  learn(watched, usual + 1, value, limits.memory, limits.warmup);
  const peak = watched.peak[slot]!;
  const first = sure || outside === 1 || (severity === 0 && counted > 0 && peak > level !== value > level);
  if (first || (counted >= sensitivity && Math.abs(value - level) > Math.abs(peak - level))) {
    watched.peak[slot] = value;
    watched.furthest[slot] = told;
  }
  verdict.peak = watched.peak[slot]!;
  verdict.severity = Math.max(severity, severityOf(deviationsOf(Math.abs(verdict.peak - level), scale, sensitivity), sensitivity));

  if (severity > 0) watched.surest[slot] = Math.max(watched.surest[slot]!, score);
  verdict.score = watched.surest[slot]!;
  const change = severity === 0 ? gather(watched, slot, sure ? Math.max(counted, 2 * sensitivity) : counted, limits) : settle(watched, slot, counted, limits);
  if (change === CLOSED) {
    endExcursion(watched, slot, level, Math.max(spread, least), limits);
    watched.resting[slot] = limits.refractory;
  } else if (outside >= limits.adapts) {
    move(watched, usual + 1, usual);
    watched.outside[slot] = 0;
    watched.run[slot] = 0;
    watched.severity[slot] = 0;
    watched.surest[slot] = 0;
    return severity === 0 ? QUIET : ADAPTED;
  } else if (change === OPENED || (severity > 0 && verdict.severity > severity)) {
    watched.severity[slot] = verdict.severity;
    watched.resting[slot] = 0;
    if (change === OPENED) watched.surest[slot] = score;
    verdict.score = watched.surest[slot]!;
    return severity === 0 ? OPENED : GREW;
  }
  return change;
}

/** A row outside the band, no anomaly open: is it enough? */
function gather(watched: Watched, slot: number, counted: number, limits: Limits): Change {
  const rows = Math.min(limits.opens, Math.floor(counted / limits.sensitivity));
  const evidence = rows === 0 ? 0 : watched.run[slot]! + rows;
  watched.run[slot] = evidence >= limits.opens ? 0 : evidence;
  return evidence >= limits.opens ? OPENED : QUIET;
}

/** A row while an anomaly is open: is it over? */
function settle(watched: Watched, slot: number, counted: number, limits: Limits): Change {
  const calm = counted < limits.calm * limits.sensitivity ? watched.run[slot]! + 1 : 0;
  watched.run[slot] = calm;
  return calm >= limits.closes ? CLOSED : QUIET;
}

function endExcursion(watched: Watched, slot: number, level: number, spread: number, limits: Limits): void {
  lengthenTail(watched, 2 * slot, Math.abs(watched.peak[slot]! - level), spread, watched.outside[slot]! / limits.adapts);
  forget(watched, slot);
}

function forget(watched: Watched, slot: number): void {
  clear(watched, 2 * slot + 1);
  watched.outside[slot] = 0;
  watched.run[slot] = 0;
  watched.severity[slot] = 0;
  watched.surest[slot] = 0;
}
