import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { episodeColumns } from '../anomaly/episode.js';
import { orderColumns } from '../anomaly/in-order.js';
import { RANKS } from '../anomaly/score.js';

export const config = z
  .strictObject({
    length: z.int().min(4).max(1_000).default(48).describe('Samples of a shape. About as long as what is looked for: a beat, a batch run, some hours of a day.'),
    history: z.int().min(20).max(20_000).default(2_000).describe('Samples that are remembered: shapes that came before are new again. At least two of the longest period, better four.'),
    sensitivity: z.number().min(1).max(100).default(5).describe('How much further than usual the nearest earlier shape has to be, in standard deviations of that distance.'),
    min_correlation: z.number().min(0).max(1).default(0.8).describe('Shapes that correlate more than this with an earlier one are never unusual.'),
    min_deviation: z.number().min(0).default(0).describe("Shapes that vary less than this, in the metric's own unit, are flat, as are those that vary less than a twentieth of what is usual: what is left is noise, which has no shape. Flat shapes are alike."),
    for: z.int().min(1).max(1000).default(2).describe('Samples in succession that end an unusual shape, which open an anomaly.'),
    close_for: z.int().min(1).max(20_000).optional().describe('Samples in succession that end a usual one, which close it. Default: `length`.'),
    warmup: z.int().min(1).max(20_000).optional().describe('Samples before the first verdict: until then the score is 0. Default: half of `history`.'),
  })
  .superRefine((of, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (of.history < 4 * of.length) refuse('history', 'must be at least four times `length`: else there is hardly an earlier shape');
    if (of.warmup !== undefined && of.warmup < 3 * of.length) refuse('warmup', 'must be at least three times `length`: before that there is no earlier shape to compare with');
  });

export type Config = z.output<typeof config>;

/** Columns of a series: 115 bytes, and 40 for each sample of the history. */
export function stateOf({ history: per }: Pick<Config, 'history'>) {
  return {
    ...orderColumns,
    ...episodeColumns,
    /** Of the anomaly that is open: the side on which it opened. */
    above: 'u8',
    factor: 'f64',
    ranks: { type: 'f64', per: RANKS },
    /** Samples so far, and the place of the next in the rings. */
    count: 'f64',
    next: 'u32',
    // By place in the ring: a value; and of the shape that ends there what `profile.ts` says.
    values: { type: 'f64', per },
    halfStep: { type: 'f64', per },
    residual: { type: 'f64', per },
    inverse: { type: 'f64', per },
    /** By lag. */
    covariance: { type: 'f64', per },
    /** Usual standard deviation of a shape; mean and variance of the distance to the nearest earlier one, and how many of these there were. */
    typical: 'f64',
    usual: 'f64',
    spread: 'f64',
    judged: 'u32',
  } as const satisfies StateSchema;
}

export type State = ReturnType<typeof stateOf>;
