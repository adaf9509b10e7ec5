/**
 * What people say of anomalies, as a factor on the threshold of a series, 1/2 to 4.
 *
 * Of a false alarm the threshold rises to 1.1 times what the anomaly reached at its furthest, so that it would not have opened, but at
 * most to twice what it was. Where an anomaly is right, the threshold falls to 0.9 of what it was. Series of the same metric get the
 * fourth root of that. It stays until it is undone: time says nothing about whether a person was right.
 *
 * The factor is made anew from all that stands, in the order in which it was said: undone is as if it had never been said.
 */
interface Step {
  /** Of the feedback: one an anomaly. */
  readonly id: string;
  readonly by: number;
}

/** Of one series; many have the same, and share it. */
export interface Verdicts {
  /** What older ones have made, which can't be undone any more. */
  readonly base: number;
  readonly steps: readonly Step[];
}

const LEAST = 1 / 2;
const MOST = 4;
const MARGIN = 1.1;
const MOST_AT_ONCE = 2;
const RIGHT = 0.9;
/** Verdicts of a series that can be undone: people say a handful. */
const KEPT = 32;

const NOTHING: Verdicts = { base: 1, steps: [] };

/** Of which share of normal rows one has to be to be a surprise, if that is `rarity` by itself: a factor on its nines. */
export function rarityAt(rarity: number, factor: number): number {
  return factor === 1 ? rarity : rarity ** factor;
}

/** What is told of an anomaly at its furthest. */
export interface Furthest {
  readonly value: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly score: number;
  readonly excess?: number | undefined;
}

/**
 * By how much a false alarm raises the threshold: by `excess` where it has one, else by its band, which is as wide as the threshold, and
 * its score. `surprise`: the score that opens one inside of the band, too; `factor`: what the threshold of the series is multiplied by already.
 */
export function raise({ value, expected, lower: from, upper: to, score, excess }: Furthest, surprise: number, factor: number): number {
  if (excess !== undefined) return atMost((MARGIN * excess) / factor);
  if (!(to > from)) return MOST_AT_ONCE;
  const byBand = Math.abs(value - expected) / ((to - from) / 2);
  const byScore = surprise < 1 ? Math.log(1 - score) / Math.log(1 - surprise) / factor : 0;
  return atMost(MARGIN * Math.max(byBand, byScore));
}

function atMost(by: number): number {
  return Math.max(1, Math.min(MOST_AT_ONCE, by));
}

/** By how much an anomaly that is right lowers it. */
export function lower(): number {
  return RIGHT;
}

/** What series of the same metric get of it. */
export function share(by: number): number {
  return Math.sqrt(Math.sqrt(by));
}

/** With this verdict, in the place of what it said before. */
export function withVerdict({ base, steps }: Verdicts = NOTHING, id: string, by: number): Verdicts {
  const at = steps.findIndex((step) => step.id === id);
  if (at >= 0) return { base, steps: steps.with(at, { id, by }) };
  const [oldest] = steps;
  if (oldest === undefined || steps.length < KEPT) return { base, steps: [...steps, { id, by }] };
  return { base: bounded(base * oldest.by), steps: [...steps.slice(1), { id, by }] };
}

/** Without it; undefined: nothing is left. */
export function withoutVerdict(of: Verdicts | undefined, id: string): Verdicts | undefined {
  if (of === undefined) return undefined;
  const steps = of.steps.filter((step) => step.id !== id);
  if (steps.length === of.steps.length) return of;
  return steps.length === 0 && of.base === 1 ? undefined : { base: of.base, steps };
}

export function factorOf({ base, steps }: Verdicts): number {
  return steps.reduce((factor, { by }) => bounded(factor * by), base);
}

function bounded(factor: number): number {
  return Math.max(LEAST, Math.min(MOST, factor));
}
