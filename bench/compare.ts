import { systemRandom, type Random } from '../engine/random.js';
import type { Entry } from './contest.js';
import { disagreements } from './oracle.js';
import { measure } from './measure.js';
import { bootstrap, median, type Interval } from './statistics.js';
import type { Workload } from './workloads.js';

/** One of two builds of the same engine. */
export interface Side {
  readonly entry: Entry;
  /** Where it runs. */
  readonly folder: string;
}

export interface Comparison {
  readonly verdict: 'faster' | 'slower' | "can't tell";
  /** New speed by old speed. */
  readonly ratio: number;
  /** In which that ratio lies, at 95 %. */
  readonly interval: Interval;
}

/** So many runs of each, and jobs in each of these. */
export interface Effort {
  readonly pairs: number;
  readonly jobs: number;
}

export const EFFORT: Effort = { pairs: 15, jobs: 10 };
/** A smaller difference is nobody's concern; and two builds of the same code may differ by as much, by how they come to lie in memory. */
export const LEAST_DIFFERENCE = 0.01;

/** Speeds of a run of the old build and of the run of the new one beside it. */
export interface Pair {
  readonly old: number;
  readonly now: number;
}

/** Median of the ratios within pairs: a machine that is slower for a minute is so for both of a pair, and few pairs that were disturbed do not move it. */
const logRatio = (pairs: readonly Pair[]): number => median(pairs.map(({ old, now }) => Math.log(now / old)));

/** Faster or slower, if the whole interval of the ratio (bootstrap over pairs) is on one side of "the same, within `LEAST_DIFFERENCE`". */
export function judgePairs(pairs: readonly Pair[], random: Random): Comparison {
  const logs = bootstrap(pairs, logRatio, { random });
  const interval = { low: Math.exp(logs.low), high: Math.exp(logs.high) };
  const verdict = interval.low > 1 + LEAST_DIFFERENCE ? 'faster' : interval.high < 1 - LEAST_DIFFERENCE ? 'slower' : "can't tell";
  return { verdict, ratio: Math.exp(logRatio(pairs)), interval };
}

/** Runs old and new in turn, the one and the other first; each run is a process of several jobs. */
export async function compare(workload: Workload, old: Side, now: Side, { pairs, jobs }: Effort, say: (text: string) => void): Promise<Comparison> {
  const found: Pair[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const speeds = new Map<Side, number>();
    for (const side of pair % 2 === 0 ? [old, now] : [now, old]) {
      const { outcomes } = await measure({ ...side.entry, folder: side.folder, workload: workload.name, jobs, limit_s: jobs * workload.limit_s });
      const wrong = outcomes.flatMap((outcome) => disagreements(outcome.check, outcomes[0]!.check));
      if (wrong.length > 0) throw new Error(`${workload.name} in ${side.folder}: its jobs disagree: ${wrong[0]!}`);
      // The fastest of the warm ones: what comes between from outside only ever slows.
      speeds.set(side, Math.max(...outcomes.slice(1).map((outcome) => outcome.samples / outcome.seconds)));
    }
    const [was, is] = [speeds.get(old)!, speeds.get(now)!];
    found.push({ old: was, now: is });
    say(`${workload.name}, pair ${pair + 1} of ${pairs}: ${(was / 1e6).toPrecision(3)} then ${(is / 1e6).toPrecision(3)} M ${workload.unit}/s`);
  }
  return judgePairs(found, systemRandom);
}

export function describe(workload: Workload, ref: string, { verdict, ratio, interval: { low, high } }: Comparison): string {
  const percent = (of: number): string => `${of < 1 ? '' : '+'}${(100 * (of - 1)).toFixed(1)} %`;
  const seen = Math.max(high / ratio, ratio / low) - 1 + LEAST_DIFFERENCE;
  return `${workload.name}: ${verdict}${verdict === "can't tell" ? ' from' : ' than'} ${ref}. Speed ${percent(ratio)}, 95 % interval ${percent(low)} to ${percent(high)}; with runs as steady as these a difference of ${(100 * seen).toFixed(1)} % would be seen.`;
}
