import type { Check, Outcome, WorkloadName } from './engine.js';
import type { Run } from './measure.js';
import { median } from './statistics.js';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What the runs of an engine at a workload come to; one element of what `--json` writes. Medians over runs where no more is said. */
export interface Figure {
  readonly workload: WorkloadName;
  readonly engine: string;
  readonly threads: number;
  /** Of each job. */
  readonly samples: number;
  readonly series: number;
  readonly runs: number;
  /** In each process. */
  readonly jobs: number;
  /** Of the last job of each process. */
  readonly samples_per_second: Spread;
  /** Of the first, where there were several. */
  readonly cold_samples_per_second?: Spread;
  readonly check: Check;
  /** The largest. */
  readonly peak_rss_mb?: number;
  readonly cpu_s_per_million?: number;
  readonly first_result_ms?: number;
  /** Medians of p50 and p99, the largest maximum, all that were counted. */
  readonly latency_ms?: { readonly p50: number; readonly p99: number; readonly max: number; readonly count: number };
  readonly further?: Readonly<Record<string, number>>;
  /** The largest share of the machine that others took during a run. */
  readonly others_cpu?: number;
  /** Runs during which others took more of the machine than `NOISY`. */
  readonly noisy_runs: number;
  readonly versions: Readonly<Record<string, string>>;
  /** UTC, to the minute. */
  readonly measured_at: string;
}

/** The share of the machine that others may take before a run counts as noisy. */
export const NOISY = 0.1;

const spread = (values: readonly number[]): Spread => ({ min: Math.min(...values), median: median(values), max: Math.max(...values) });
const speed = (outcome: Outcome): number => outcome.samples / outcome.seconds;
const all = <T>(values: readonly (T | undefined)[]): T[] | undefined => (values.includes(undefined) ? undefined : (values as T[]));

export function figure(runs: readonly [Run, ...Run[]], series: number, measured_at: string): Figure {
  const last = runs.map((run) => run.outcomes.at(-1)!) as [Outcome, ...Outcome[]];
  const { workload, engine, threads, samples, check, versions, further } = last[0];
  const peaks = all(runs.map((run) => run.peak_rss_mb));
  const cpu = all(runs.map((run) => run.cpu_s));
  const firsts = all(runs.map((run) => run.first_result_ms));
  const others = all(runs.map((run) => run.others_cpu));
  const latencies = all(last.map((outcome) => outcome.latency_ms));
  return {
    workload,
    engine,
    threads,
    samples,
    series,
    runs: runs.length,
    jobs: runs[0].outcomes.length,
    samples_per_second: spread(last.map(speed)),
    ...(runs[0].outcomes.length > 1 && { cold_samples_per_second: spread(runs.map((run) => speed(run.outcomes[0]!))) }),
    check,
    ...(peaks !== undefined && { peak_rss_mb: Math.max(...peaks) }),
    ...(cpu !== undefined && { cpu_s_per_million: median(cpu.map((seconds, i) => seconds / (last[i]!.samples / 1e6))) }),
    ...(firsts !== undefined && { first_result_ms: median(firsts) }),
    ...(latencies !== undefined && {
      latency_ms: {
        p50: median(latencies.map((l) => l.p50)),
        p99: median(latencies.map((l) => l.p99)),
        max: Math.max(...latencies.map((l) => l.max)),
        count: latencies.reduce((sum, l) => sum + l.count, 0),
      },
    }),
    ...(further !== undefined && { further: Object.fromEntries(Object.keys(further).map((name) => [name, median(last.map((outcome) => outcome.further?.[name] ?? NaN))])) }),
    ...(others !== undefined && { others_cpu: Math.max(...others) }),
    noisy_runs: (others ?? []).filter((share) => share > NOISY).length,
    versions,
    measured_at,
  };
}
