import { z } from 'zod';
import { RANKS } from '../anomaly/score.js';
import { METHODS } from './contributions.js';
import { isTimeZone, noTimeZone } from './local-time.js';
import { methods } from './ensemble.js';
import { maintenance } from './maintenance.js';
import { SPANS } from './novelty.js';
import { KINDS } from './robust-scale.js';
import { ALL_PHASES, RINGS, seasons } from './season.js';

export const config = z
  .strictObject({
    methods: z
      .array(z.enum(methods))
      .min(1)
      .default([...methods])
      .describe('The views that make the score: distance from what is expected (`deviation`), the step from the sample before (`change`), what stays a little off (`residual`), values that the series never had (`novelty`). All of them together are the best.'),
    sensitivity: z.number().min(1).max(100).default(3.5).describe('Half the width of the band, in deviations. Higher: fewer anomalies.'),
    direction: z.enum(['both', 'up', 'down']).default('both').describe('Which side of the band counts. Values on the other side score 0.'),
    min_deviation: z.number().min(0).default(0).describe("The band is never narrower than this to either side, in the metric's own unit: smaller deviations are never anomalies."),
    min_relative: z.number().min(0).default(0.01).describe('The band is never narrower than this share of the level, so that a constant series does not fire on its first small change.'),
    surprise: z
      .number()
      .gt(0.99)
      .max(1)
      .default(0.999999)
      .describe('A sample with this score counts as one twice as far out as the band, also inside of it, where it deviates by `sensitivity` from what is expected. 0.999999: the series has clearly never been there before; 0.9995: all that is odd; 1: the band alone decides.'),
    for: z.int().min(1).max(1000).default(2).describe('Samples in succession outside the band that open an anomaly. One twice as far out counts as two, and so on.'),
    close: z.number().gt(0).max(1).default(0.5).describe('An anomaly closes when values stay within this share of the band.'),
    close_for: z.int().min(1).max(1000).default(5).describe('Samples in succession that have to be that close.'),
    refractory: z.int().min(0).max(1_000_000).default(10).describe('An anomaly that opens within so many samples after the last one has closed is that one, open again.'),
    adapt: z.int().min(2).default(300).describe('After so many samples away an anomaly closes and what it became is the new normal.'),
    memory: z.int().min(10).default(300).describe('Samples that the baseline remembers: older ones lose weight exponentially.'),
    maintenance,
    seasons: z
      .array(z.enum(seasons))
      .default(['hour', 'day', 'week'])
      .describe('Times by which a value may be expected: of the `hour`, the `day`, the `week`; and of a period of its own that is `found` in its last 1,024 samples, for which a series takes 17 kB more. None: `[]`.'),
    time_zone: z
      .string()
      .refine(isTimeZone, { error: ({ input }) => noTimeZone(String(input)) })
      .default('UTC')
      .describe('Time of day and of the week go by its clocks, with daylight saving, such as `Europe/Berlin`.'),
    warmup: z.int().min(10).default(30).describe('Samples before the first verdict: until then the score is 0.'),
  })
  .refine((of) => of.adapt > of.for, { path: ['adapt'], message: 'must be greater than `for`: what is normal before it opens never opens' });

export type Config = z.output<typeof config>;

/** Columns of a series: 1411 bytes. `level` to `seen` are two baselines each, see `Watched`; from `phase` on they are those of the ensemble, see `Judged`. */
export const state = {
  /** Time of the last row that was followed, if any was. */
  last: 'f64',
  followed: 'u8',
  level: { type: 'f64', per: 2 },
  variance: { type: 'f64', per: 2 },
  tail: { type: 'f64', per: 2 },
  bias: { type: 'f64', per: 2 },
  seen: { type: 'u32', per: 2 },
  outside: 'u32',
  run: 'u32',
  peak: 'f64',
  furthest: 'f64',
  severity: 'u8',
  resting: 'u32',
  surest: 'f64',
  openedAt: 'f64',
  revision: 'u32',
  phase: { type: 'f64', per: ALL_PHASES },
  visits: { type: 'u32', per: ALL_PHASES },
  error: { type: 'f64', per: RINGS },
  predicted: { type: 'u32', per: RINGS },
  total: { type: 'f64', per: RINGS },
  phases: { type: 'u8', per: RINGS },
  low: { type: 'f64', per: 2 * SPANS },
  high: { type: 'f64', per: 2 * SPANS },
  spans: { type: 'u8', per: 2 },
  learned: 'u32',
  judgedAt: 'f64',
  previous: 'f64',
  lifted: 'f64',
  short: 'f64',
  residual: 'f64',
  mean: { type: 'f64', per: KINDS },
  spread: { type: 'f64', per: KINDS },
  peaks: { type: 'f64', per: 2 },
  ranks: { type: 'f64', per: RANKS },
  factor: 'f64',
  shares: { type: 'u8', per: METHODS },
} as const;

export type State = typeof state;
