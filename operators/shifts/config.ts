import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { episodeColumns } from '../anomaly/episode.js';
import { orderColumns } from '../anomaly/in-order.js';
import { RANKS } from '../anomaly/score.js';
import { phasesOf } from './season.js';

export const config = z
  .strictObject({
    period: z
      .union([z.literal('none'), duration({ min: '1m', max: '31d' })])
      .prefault('1d')
      .describe('What comes back so often is no shift: where it predicts better, values are compared with the same time of the period. Nothing is told before two have been seen. `1w` for series that are otherwise at weekends, `none` for those that have none.'),
    limit: z.number().min(5).max(1000).default(14).describe('Evidence that there has to be for a shift, in standard deviations more than half of one each. Each further one halves false alarms at least.'),
    for: z.int().min(8).max(200).default(20).describe('Samples that a shift has to last before it is told.'),
    min_shift: z.number().min(0.5).max(100).default(1.5).describe('The smallest shift of level that is told, in standard deviations.'),
    min_ratio: z.number().min(1.2).max(100).default(2).describe('The smallest change of the spread that is told: to so many times as much, or as little.'),
    min_deviation: z.number().min(0).default(0).describe("Shifts of level smaller than this, in the metric's own unit, are not told."),
    min_relative: z.number().min(0).default(0.01).describe('Nor are those smaller than this share of the level.'),
    settle: z.int().min(1).default(60).describe('Samples after a shift in which no other follows: then it is the new normal, and the anomaly closes.'),
    memory: z.int().min(50).max(100_000).default(300).describe('Samples that level, trend and spread are about.'),
    warmup: z.int().min(20).default(60).describe('Samples before the first verdict: until then the score is 0.'),
  })
  .superRefine((of, context) => {
    if (of.for > of.memory / 2) context.addIssue({ code: 'custom', path: ['for'], message: 'must be at most half of `memory`, else a shift is learned before it is told' });
  });

export type Config = z.output<typeof config>;

/** Columns of a series: 364 bytes, 16 for each sample of `for`, and 24 for each phase of the period. */
export function stateOf({ for: per, period }: Config) {
  const phases = period === 'none' ? 0 : phasesOf(period);
  return {
    ...orderColumns,
    ...episodeColumns,
    ranks: { type: 'f64', per: RANKS },
    /** Time of the first value, and of the last. */
    first: 'f64',
    judgedAt: 'f64',
    // Two references: of the values, and of the values less what the period adds.
    level: { type: 'f64', per: 2 },
    slope: { type: 'f64', per: 2 },
    variance: { type: 'f64', per: 2 },
    covariance: { type: 'f64', per: 2 },
    before: { type: 'f64', per: 2 },
    seen: { type: 'u32', per: 2 },
    lineSeen: { type: 'u32', per: 2 },
    /** Variance of what is left when the deviation before is taken off. */
    innovation: { type: 'f64', per: 2 },
    /** Mean of its size, in its standard deviations; mean and variance of the logarithm of that. */
    size: { type: 'f64', per: 2 },
    logMean: { type: 'f64', per: 2 },
    logVariance: { type: 'f64', per: 2 },
    /** Mean distance of values from what each expected, shifts included. */
    miss: { type: 'f64', per: 2 },
    /** Which of the two is judged by. */
    seasonal: 'u8',
    // Two sums: of deviations, and of their logarithms.
    sums: { type: 'f64', per: 4 },
    lengths: { type: 'u32', per: 4 },
    recent: { type: 'f64', per: 2 * per },
    put: 'u32',
    phase: { type: 'f64', per: phases },
    visits: { type: 'u32', per: phases },
    total: 'f64',
    visited: 'u32',
    // The same of the logarithms.
    logPhase: { type: 'f64', per: phases },
    logVisits: { type: 'u32', per: phases },
    logTotal: 'f64',
    logVisited: 'u32',
    /** Of the shift that is open: what it is of, what was before it, and samples since it was told last. */
    kind: 'u8',
    /** How much more a shift has to be, to be told, for those that were told lately; and when it was so. */
    tolerance: 'f64',
    toldAt: 'f64',
    origin: 'f64',
    settling: 'u32',
  } as const satisfies StateSchema;
}

export type State = ReturnType<typeof stateOf>;
