import { z } from 'zod';

export const config = z
  .strictObject({
    sensitivity: z.number().min(1).max(100).default(3.5).describe('Half the width of the band, in deviations. Higher: fewer anomalies.'),
    direction: z.enum(['both', 'up', 'down']).default('both').describe('Which side of the band counts. Values on the other side score 0.'),
    min_deviation: z.number().min(0).default(0).describe("The band is never narrower than this to either side, in the metric's own unit: smaller deviations are never anomalies."),
    min_relative: z.number().min(0).default(0.01).describe('The band is never narrower than this share of the level, so that a constant series does not fire on its first small change.'),
    for: z.int().min(1).max(1000).default(2).describe('Samples in succession outside the band that open an anomaly. One twice as far out counts as two, and so on.'),
    close: z.number().gt(0).max(1).default(0.5).describe('An anomaly closes when values stay within this share of the band.'),
    close_for: z.int().min(1).max(1000).default(5).describe('Samples in succession that have to be that close.'),
    adapt: z.int().min(2).default(300).describe('After so many samples away an anomaly closes and what it became is the new normal.'),
    memory: z.int().min(10).default(300).describe('Samples that the baseline remembers: older ones lose weight exponentially.'),
    warmup: z.int().min(10).default(30).describe('Samples before the first verdict: until then the score is 0.'),
  })
  .refine((of) => of.adapt > of.for, { path: ['adapt'], message: 'must be greater than `for`: what is normal before it opens never opens' });

export type Config = z.output<typeof config>;

/** Columns of a series: 110 bytes. `level` to `seen` are two baselines each, see `Watched`. */
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
  severity: 'u8',
  openedAt: 'f64',
  revision: 'u32',
} as const;

export type State = typeof state;
