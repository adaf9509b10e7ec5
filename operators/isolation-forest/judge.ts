import { end as endEpisode, follow, OPENED, type Change, type EpisodeRules, type Episodes } from '../anomaly/episode.js';
import { rank, RANKS, scoreOf, type Ranks, type Scale } from '../anomaly/score.js';
import { farOut, forestScore, rawAt, type Model } from './model.js';

/** Columns that a vector is judged by. */
export interface Judged extends Ranks, Episodes {
  readonly outside: Uint32Array;
  /** The highest forest score since an anomaly, or evidence for one, began. */
  readonly highest: Float64Array;
  readonly drift: Float64Array;
  /** How far out the last vectors were, which fades; and when that was. */
  readonly heard: Float64Array;
  readonly judgedAt: Float64Array;
}

/** How far out a vector is counts from the median of the forest scores to what a hundredth of those trained on exceeds: here are what a tenth, a hundredth and a thousandth of new ones exceed, and what is rare anywhere. */
const SCALE: Scale = { begin: [0.45, 1, 1.7], top: 3 };
/** The same without what is rare anywhere. */
const KNOWN: Scale = { ...SCALE, top: Infinity };
/** After this time what was far out has faded to a third. */
const FADES_MS = 17 * 3_600_000;
/** Place among the ranks. */
const HUNDREDTH = 1;
/** About the last so many vectors say whether there is drift. */
const DRIFT_VECTORS = 32;

export const ADAPTED = 4;

export interface Rules extends EpisodeRules {
  /** An anomaly begins so many times as far out as what a hundredth of the vectors exceed. */
  readonly sensitivity: number;
  /** Vectors after which an anomaly is the new normal. */
  readonly adapts: number;
}

/** What is said of a vector. Filled by `judge`. */
export interface Verdict {
  raw: number;
  score: number;
  /** Forest score where an anomaly begins. */
  edge: number;
  change: Change | typeof ADAPTED;
  /** Of the anomaly, 1 to 4. */
  severity: number;
}

/** For another forest: what was unusual to the one before, as a new part of the day is, may be known to this one. Halfway back to where ranks begin, but for the rarest, which come too seldom to be learnt anew. */
export function forgetHalf({ ranks }: Ranks, slot: number): void {
  for (let which = 0; which <= HUNDREDTH; which++) ranks[RANKS * slot + which] = Math.sqrt(ranks[RANKS * slot + which]! * SCALE.begin[which]!);
}

/** @param told the value that stands for the vector in a finding, NaN: the forest score */
export function judge(judged: Judged, slot: number, time: number, model: Model, vector: Float64Array, told: number, rules: Rules, verdict: Verdict): void {
  const raw = forestScore(model, vector);
  const size = farOut(model, raw);
  const known = judged.ranks[RANKS * slot + HUNDREDTH]!;
  const far = rules.sensitivity * (known === 0 ? SCALE.begin[HUNDREDTH] : known);
  const edge = rawAt(model, far);
  const ratio = size / far;
  verdict.raw = raw;
  const heard = judged.heard[slot]! * Math.exp((judged.judgedAt[slot]! - time) / FADES_MS);
  verdict.score = scoreOf(judged, slot, size, size > heard ? SCALE : KNOWN);
  judged.heard[slot] = Math.max(heard, size);
  judged.judgedAt[slot] = time;
  verdict.edge = edge;
  const before = judged.severity[slot]!;
  judged.highest[slot] = before === 0 && judged.run[slot] === 0 ? raw : Math.max(judged.highest[slot]!, raw);
  const change = follow(judged, slot, ratio, Number.isNaN(told) ? raw : told, rules);
  if (change === OPENED) judged.outside[slot] = 0;
  verdict.change = change;
  verdict.severity = Math.max(before, judged.severity[slot]!);
  // What goes on is not news: of an anomaly that is open, only the vectors that are within count.
  if (before === 0 || ratio < 1) rank(judged, slot, size, SCALE);
  if (judged.severity[slot]! > 0) {
    judged.outside[slot] = judged.outside[slot]! + 1;
    if (judged.outside[slot]! >= rules.adapts) {
      endEpisode(judged, slot);
      verdict.change = ADAPTED;
    }
    return;
  }
  judged.drift[slot] = judged.drift[slot]! + ((raw > model.tenth ? 1 : 0) - judged.drift[slot]!) / DRIFT_VECTORS;
}

/** The score of the highest forest score since the anomaly began. */
export function highestScore(judged: Judged, slot: number, model: Model): number {
  return scoreOf(judged, slot, farOut(model, judged.highest[slot]!), SCALE);
}
