import { z } from 'zod';
import { duration } from '../../engine/scalars.js';

export const config = z
  .strictObject({
    history: duration({ min: '1s' }).prefault('7d').describe('How far back the trend looks.'),
    buckets: z.int().min(8).max(1024).default(84).describe('Means that the history is kept as, each over `history` / `buckets`. A series costs 16 bytes for each.'),
    min_buckets: z.int().min(4).default(6).describe('Buckets with values before the first forecast.'),
    horizon: duration({ min: '1s' }).prefault('30d').describe('How far ahead values are predicted and breaches looked for.'),
    every: duration({ min: '1s' }).prefault('1h').describe('A forecast is made with the first sample in each such time.'),
    warning: z.number().optional().describe("Threshold, in the metric's own unit."),
    critical: z.number().optional().describe('Threshold. When it is less than `warning`, low values are the bad ones (free space).'),
    immediate: duration().prefault('7d').describe('A critical breach within this time: `immediate_scale_up_required`. Later, within the horizon: `plan_scale_up`.'),
    growth: z.number().min(0).default(0.2).describe('Growth over the horizon, as a share of the current value, above which: `monitor_closely`.'),
    idle: z.number().min(0).max(1).default(0.3).describe('Share of the warning threshold: `consider_scale_down` where the 95 % interval stays below it up to the horizon.'),
  })
  .refine((of) => of.min_buckets <= of.buckets, { path: ['min_buckets'], message: 'must be at most `buckets`' })
  .refine((of) => of.warning === undefined || of.warning !== of.critical, { path: ['critical'], message: 'must differ from `warning`: which side is bad shows in their order' });

export type Config = z.output<typeof config>;

/** Columns of a series: 83 bytes, and 16 for each bucket. */
export const stateOf = (buckets: number) =>
  ({
    /** Time of the last row that was followed, if any was. */
    last: 'f64',
    followed: 'u8',
    means: { type: 'f64', per: buckets },
    times: { type: 'f64', per: buckets },
    next: 'u32',
    count: 'u32',
    cell: 'f64',
    mean: 'f64',
    meanTime: 'f64',
    samples: 'u32',
    /** Time of the next forecast. */
    due: 'f64',
    /** The finding: when it opened, its revision (0: none is open), and what it told. */
    openedAt: 'f64',
    revision: 'u32',
    action: 'u8',
    warningAt: 'f64',
    criticalAt: 'f64',
    /** Forecasts in succession that were less urgent. */
    easier: 'u8',
  }) as const;

export type State = ReturnType<typeof stateOf>;
