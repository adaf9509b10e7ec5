import type { Check, WorkloadName } from './engine.js';
import type { OracleWorkload } from './oracle.js';

export interface Workload {
  readonly name: WorkloadName;
  readonly title: string;
  /** What `samples` are, for people. */
  readonly unit: 'samples' | 'rows' | 'messages';
  readonly samples: number;
  readonly series: number;
  /** How often an engine does the job in one process; the last is the figure. */
  readonly jobs: number;
  /** What its results must add up to. Without it, an engine must agree with itself, over runs and threads. */
  readonly oracle?: OracleWorkload;
  /** What of a check is compared, where some of it depends on the clock. */
  readonly compared?: readonly (keyof Check)[];
  /** The engine that the others' speed is divided by. */
  readonly against: string;
  /** Its pace is given, so that its figure is a latency, not a speed. */
  readonly paced?: true;
  /** In a run of all that npm brings, which is to end in five minutes. */
  readonly quick: { readonly samples: number; readonly series: number };
  /** Just enough for a test that it works. */
  readonly smoke: { readonly samples: number; readonly series: number };
  /** An engine that takes longer than that for one process has failed, s. */
  readonly limit_s: number;
}

export const workloads: readonly Workload[] = [
  { name: 'W1', title: 'W1: windows of 10 s over 10,000 series (count, mean, standard deviation)', unit: 'samples', samples: 20_000_000, series: 10_000, jobs: 2, oracle: 'W1', against: 'loop', quick: { samples: 10_000_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  { name: 'W2', title: 'W2: windows of 60 s every second over 1,000 series (count, mean)', unit: 'samples', samples: 2_000_000, series: 1_000, jobs: 2, oracle: 'W2', against: 'loop', quick: { samples: 1_000_000, series: 1_000 }, smoke: { samples: 10_000, series: 50 }, limit_s: 240 },
  { name: 'W3', title: 'W3: keyed state over 10,000 series (exponentially weighted mean and variance, records beyond three deviations)', unit: 'samples', samples: 20_000_000, series: 10_000, jobs: 2, oracle: 'W3', against: 'loop', quick: { samples: 10_000_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  // Twenty seconds by the clock.
  { name: 'W4', title: 'W4: latency of results at 100,000 samples/s, windows of 1 s over 10,000 series', unit: 'samples', samples: 2_000_000, series: 10_000, jobs: 1, compared: ['counts'], against: 'millrace', paced: true, quick: { samples: 500_000, series: 10_000 }, smoke: { samples: 500_000, series: 1_000 }, limit_s: 90 },
  { name: 'W5', title: 'W5: detect, forecast, burn rate and correlate over 10,000 series', unit: 'samples', samples: 2_000_000, series: 10_000, jobs: 2, against: 'millrace', quick: { samples: 250_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  { name: 'W6', title: 'W6: W1 over a million series, with a checkpoint a second and without', unit: 'samples', samples: 300_000_000, series: 1_000_000, jobs: 1, oracle: 'W1', against: 'millrace', quick: { samples: 40_000_000, series: 100_000 }, smoke: { samples: 40_000, series: 1_000 }, limit_s: 240 },
  { name: 'W7', title: 'W7: 10,000 live subscribers on 100 channels, a message a second each', unit: 'messages', samples: 1_000, series: 100, jobs: 1, against: 'millrace', paced: true, quick: { samples: 300, series: 100 }, smoke: { samples: 20, series: 10 }, limit_s: 120 },
  { name: 'W8', title: 'W8: latency from a sample to 1,000 live subscribers, beside 100,000 other samples/s', unit: 'messages', samples: 2_000, series: 100, jobs: 1, against: 'millrace', paced: true, quick: { samples: 500, series: 100 }, smoke: { samples: 20, series: 10 }, limit_s: 120 },
  { name: 'windows', title: 'Windows of every kind over the samples of W1', unit: 'samples', samples: 20_000_000, series: 10_000, jobs: 2, compared: ['counts'], against: 'millrace-tumbling', quick: { samples: 4_000_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  { name: 'nats', title: 'NATS: the samples of W1 as messages of a JetStream, in windows of 10 s, then judged', unit: 'samples', samples: 20_000_000, series: 10_000, jobs: 2, oracle: 'W1', against: 'nats-client-arrays', quick: { samples: 4_000_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  { name: 'questdb', title: 'QuestDB: the samples of W1 as rows, from the first made to the last visible', unit: 'rows', samples: 4_000_000, series: 10_000, jobs: 2, oracle: 'questdb', against: 'questdb-client', quick: { samples: 1_000_000, series: 10_000 }, smoke: { samples: 20_000, series: 100 }, limit_s: 240 },
  { name: 'posts', title: 'Posts: the samples of W1 posted to the http source, in windows of 10 s, then judged', unit: 'samples', samples: 10_000_000, series: 10_000, jobs: 2, oracle: 'W1', against: 'millrace-posts-objects', quick: { samples: 1_000_000, series: 10_000 }, smoke: { samples: 4_000, series: 100 }, limit_s: 240 },
  { name: 'decoders', title: 'Decoders: the bodies of posts read, and nothing more', unit: 'samples', samples: 3_000_000, series: 10_000, jobs: 2, against: 'by-hand-arrays', quick: { samples: 2_000_000, series: 10_000 }, smoke: { samples: 4_000, series: 100 }, limit_s: 120 },
  { name: 'channel', title: 'Rows from one thread to another', unit: 'rows', samples: 20_480_000, series: 1, jobs: 2, against: 'post-message', quick: { samples: 10_240_000, series: 1 }, smoke: { samples: 50_000, series: 1 }, limit_s: 120 },
];

export const workload = (name: WorkloadName): Workload => workloads.find((w) => w.name === name)!;

/** What is varied for the chart of growth: the same number of samples at each point. */
export interface Growth {
  readonly name: string;
  readonly title: string;
  /** Of the horizontal axis. */
  readonly axis: string;
  readonly workload: WorkloadName;
  readonly samples: number;
  /** Its points have other results than the workload, so that the oracle does not tell them. */
  readonly otherResults?: true;
  readonly points: readonly { readonly at: number; readonly engine: string; readonly series?: number; readonly threads?: number }[];
}

export const growths: readonly Growth[] = [
  { name: 'series', title: 'W1 over the number of series', axis: 'series', workload: 'W1', samples: 40_000_000, points: [1_000, 10_000, 100_000, 1_000_000].map((series) => ({ at: series, engine: 'millrace', series })) },
  { name: 'shards', title: 'W1 over shards, each with its own part of the source', axis: 'shards', workload: 'W1', samples: 40_000_000, points: [1, 2].map((threads) => ({ at: threads, engine: 'millrace', threads })) },
  {
    name: 'window-by-slide',
    title: 'W2 over the windows that a sample is in',
    axis: 'windows of a sample, one every second',
    workload: 'W2',
    samples: 2_000_000,
    otherResults: true,
    points: [1, 2, 6, 30, 60].map((windows) => ({ at: windows, engine: `millrace-windows-${windows}` })),
  },
  { name: 'idle-nodes', title: 'W1 over nodes that are not on the way of a sample', axis: 'idle nodes', workload: 'W1', samples: 20_000_000, points: [0, 10, 50].map((nodes) => ({ at: nodes, engine: `millrace-nodes-${nodes}` })) },
];
