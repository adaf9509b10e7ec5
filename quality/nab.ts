/**
 * The score of the Numenta Anomaly Benchmark (Lavin and Ahmad, Evaluating real-time anomaly detection
 * algorithms, ICMLA 2015), as its official scorer computes it: a detection inside a labelled window
 * counts by how early it is, and once a window; one outside costs the more the further it is behind the
 * last window; a window that is missed costs too.
 */
import { lowerThreshold, type Labelled, type Scores, type Span } from './labelled.js';

/** What a window found, a window missed and a false row weigh. */
export interface Profile {
  readonly tp: number;
  readonly fn: number;
  readonly fp: number;
}

export const profiles = {
  standard: { tp: 1, fn: 1, fp: 0.11 },
  reward_low_FP_rate: { tp: 1, fn: 1, fp: 0.22 },
  reward_low_FN_rate: { tp: 1, fn: 2, fp: 0.11 },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof profiles;

/** Rows at the beginning of a file that are not judged: a share of them, but not more than so many. */
const PROBATION = 0.15;
const PROBATION_ROWS = 750;
/** Lengths of the last window behind it, from which a false row costs all it can. */
const FAR_BEHIND = 3;

export function probation(rows: number): number {
  return Math.min(Math.floor(PROBATION * rows), PROBATION_ROWS);
}

/** 1 far before, 0 at the end of a window, towards -1 behind it. */
function sigmoid(x: number): number {
  return 2 / (1 + Math.exp(5 * x)) - 1;
}

/** What detections in a file, or in several, add up to, whatever they weigh. */
export interface Tally {
  /** Sum over windows of what the best detection in them is worth, at most 1 each. */
  readonly found: number;
  readonly missed: number;
  readonly windows: number;
  /** Sum over false rows of what they are worth, -1 to 0 each. */
  readonly wrong: number;
  readonly falseRows: number;
}

export function weigh({ found, missed, wrong }: Tally, { tp, fn, fp }: Profile): number {
  return tp * found - fn * missed + fp * wrong;
}

/** 0: nothing is detected; 100: every window at its first row, and nothing else. Without windows NaN. */
export function normalise(tally: Tally, profile: Profile): number {
  const { tp, fn } = profile;
  return (100 * (weigh(tally, profile) + tally.windows * fn)) / (tally.windows * (tp + fn));
}

/** Detections so far, row by row. */
class Detections implements Tally {
  found = 0;
  missed: number;
  wrong = 0;
  falseRows = 0;
  readonly windows: number;
  readonly #spans: readonly (readonly Span[])[];
  /** By file and window; NaN: none. */
  readonly #best: readonly Float64Array[];

  constructor(files: readonly Labelled[]) {
    this.#spans = files.map(({ spans }) => spans);
    this.#best = files.map(({ spans }) => new Float64Array(spans.length).fill(NaN));
    this.windows = files.reduce((sum, { spans }) => sum + spans.length, 0);
    this.missed = this.windows;
  }

  add(file: number, row: number): void {
    const spans = this.#spans[file]!;
    const at = lastBegun(spans, row);
    const span = spans[at];
    if (span === undefined || row > span.last) {
      this.falseRows += 1;
      this.wrong += worthBehind(row, span);
      return;
    }
    const worth = worthInside(row, span);
    const best = this.#best[file]!;
    if (Number.isNaN(best[at])) this.missed -= 1;
    if (worth <= best[at]!) return;
    this.found += worth - (Number.isNaN(best[at]) ? 0 : best[at]!);
    best[at] = worth;
  }

  tally(): Tally {
    const { found, missed, windows, wrong, falseRows } = this;
    return { found, missed, windows, wrong, falseRows };
  }
}

function worthInside(row: number, { first, last }: Span): number {
  return sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1);
}

function worthBehind(row: number, before: Span | undefined): number {
  if (before === undefined) return -1;
  const behind = (row - before.last) / (before.last - before.first);
  return behind > FAR_BEHIND ? -1 : sigmoid(behind);
}

/** Index of the last span that begins at or before a row; -1: none does. */
function lastBegun(spans: readonly Span[], row: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.first <= row) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What files give at a threshold. */
export function tallyAt(files: readonly Labelled[], scores: readonly Scores[], threshold: number): Tally {
  const detections = new Detections(files);
  files.forEach(({ rows }, file) => {
    for (let row = probation(rows); row < rows; row++) if (scores[file]![row]! >= threshold) detections.add(file, row);
  });
  return detections.tally();
}

export interface NabResult {
  readonly threshold: number;
  readonly score: number;
  readonly tally: Tally;
}

/** For each profile the threshold that is best for all files together, the highest of equal ones, and what it gives. */
export function scoreNab(files: readonly Labelled[], scores: readonly Scores[]): Record<ProfileName, NabResult> {
  const detections = new Detections(files);
  const best = new Map<ProfileName, NabResult>();
  const names = Object.keys(profiles) as ProfileName[];
  lowerThreshold(
    scores,
    (file) => probation(files[file]!.rows),
    (file, row) => detections.add(file, row),
    (threshold) => {
      for (const name of names) {
        const score = normalise(detections, profiles[name]);
        if (score > (best.get(name)?.score ?? -Infinity)) best.set(name, { threshold, score, tally: detections.tally() });
      }
    },
  );
  const none: NabResult = { threshold: Infinity, score: NaN, tally: new Detections(files).tally() };
  return Object.fromEntries(names.map((name) => [name, best.get(name) ?? none])) as Record<ProfileName, NabResult>;
}
