import type { Outcome } from './samples.js';

/** One thing that is measured: contenders do the same work, the first is what the others are compared with. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** The yardstick of the ratios. */
  readonly against: string;
  readonly contenders: Readonly<Record<string, () => Promise<Outcome> | Outcome>>;
  /** What is expected, as a ratio of speeds `of` / `to` of at least `least`. */
  readonly expected: readonly { readonly of: string; readonly to: string; readonly least: number; readonly says: string }[];
  /** Contenders that do another job, so that their results are not compared. */
  readonly apart?: readonly string[];
}

/** Five times the specification's 20 M: at that, compiling the code is a third of the job. */
const W1 = 100_000_000;
const SERIES = 10_000;

const loop = () => import('./contenders/loop.js');
const rxjs = () => import('./contenders/rxjs.js');
const millrace = () => import('./contenders/millrace.js');
const channel = () => import('./contenders/channel.js');

export const scenarios: readonly Scenario[] = [
  {
    name: 'w1',
    title: 'W1: windows of 10 s over 10,000 series (count, mean, standard deviation)',
    unit: 'samples',
    against: 'loop',
    contenders: {
      loop: async () => (await loop()).tumbling(W1, SERIES),
      'millrace, 1 shard': async () => (await millrace()).millrace('w1', W1, { shards: 1 }),
      'millrace, 2 shards': async () => (await millrace()).millrace('w1', W1, { shards: 2 }),
      'rxjs, expert': async () => (await rxjs()).tumblingByExpert(W1 / 4, SERIES),
      'rxjs, groupBy': async () => (await rxjs()).tumblingByGroups(W1 / 100, SERIES),
    },
    apart: ['rxjs, expert', 'rxjs, groupBy'],
    expected: [
      { of: 'millrace, 1 shard', to: 'loop', least: 0.4, says: 'at most 2.5 times the time of a hand-written typed loop' },
      { of: 'millrace, 1 shard', to: 'rxjs, expert', least: 5, says: 'five times the best RxJS form' },
      { of: 'millrace, 1 shard', to: 'rxjs, groupBy', least: 20, says: 'twenty times the usual RxJS form' },
    ],
  },
  {
    name: 'w3',
    title: 'W3: keyed state over 10,000 series (exponentially weighted mean and variance, rows beyond three deviations)',
    unit: 'samples',
    against: 'loop',
    contenders: {
      loop: async () => (await loop()).keyed(W1, SERIES),
      'millrace, 1 shard': async () => (await millrace()).millrace('w3', W1, { shards: 1 }),
      'millrace, 2 shards': async () => (await millrace()).millrace('w3', W1, { shards: 2 }),
    },
    expected: [{ of: 'millrace, 1 shard', to: 'loop', least: 0.4, says: 'at most 2.5 times the time of a hand-written typed loop' }],
  },
  {
    name: 'channel',
    title: 'Rows from one thread to another',
    unit: 'rows',
    against: 'objects by postMessage',
    contenders: {
      'objects by postMessage': async () => (await channel()).posted(1024 * 2_000),
      channel: async () => (await channel()).channel(1024 * 100_000),
    },
    apart: ['channel'],
    expected: [],
  },
  {
    name: 'end-to-end',
    title: 'generate, window, detect, count: end to end over real threads',
    unit: 'samples',
    against: 'millrace, 1 shard',
    contenders: {
      'millrace, 1 shard': async () => (await millrace()).millrace('detect', W1, { shards: 1 }),
      'millrace, 2 shards': async () => (await millrace()).millrace('detect', W1, { shards: 2 }),
    },
    expected: [],
  },
  {
    name: 'checkpoint',
    title: 'W1 over a million series, with a checkpoint a second and without',
    unit: 'samples',
    against: 'without',
    contenders: {
      without: async () => (await millrace()).millrace('million', W1, { shards: 1, series: 1_000_000 }),
      'a checkpoint a second': async () => (await millrace()).millrace('million', W1, { shards: 1, series: 1_000_000, checkpointMs: 1_000 }),
    },
    expected: [],
  },
];
