import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { episodeColumns } from '../anomaly/episode.js';
import { orderColumns } from '../anomaly/in-order.js';
import { RANKS } from '../anomaly/score.js';

export const config = z
  .strictObject({
    rows: z.int().min(2).max(10_000).default(10).describe('Samples of a window, which makes one point: their mean and their standard deviation. Windows follow each other.'),
    history: z.int().min(20).max(5_000).default(300).describe('Windows that are remembered.'),
    min_points: z.int().min(2).max(100).default(5).describe("Windows, itself among them, that have to be close for one to be in the thick of a cluster (DBSCAN's MinPts): what has been so often is known."),
    eps: z.number().gt(0).optional().describe("How close windows have to be, in usual steps from one to the next (DBSCAN's ε; at exactly ε is close). Default: found, see below."),
    sensitivity: z.number().min(1).max(100).default(5).describe('Where `eps` is found: it is so many times the usual distance to the nearest windows. Higher: fewer anomalies.'),
    min_deviation: z.number().min(0).default(0).describe("A step counts as at least this, in the metric's own unit."),
    min_relative: z.number().min(0).default(0.01).describe('And as at least this share of the mean.'),
    for: z.int().min(1).max(1000).default(2).describe('Windows in succession that are noise, which open an anomaly.'),
    close_for: z.int().min(1).max(1000).default(3).describe('Windows in succession that are not, which close it.'),
    warmup: z.int().min(10).max(5_000).default(60).describe('Windows before the first verdict: until then the score is 0.'),
  })
  .superRefine((of, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (of.min_points * 4 > of.history) refuse('min_points', 'must be at most a quarter of `history`: else nothing is ever known');
    if (of.warmup > of.history) refuse('warmup', 'must be at most `history`');
  });

export type Config = z.output<typeof config>;

/** Columns of a series: 119 bytes, and 16 for each window of the history. */
export function stateOf({ history: per }: Pick<Config, 'history'>) {
  return {
    ...orderColumns,
    ...episodeColumns,
    /** Of the anomaly that is open: the side on which it opened. */
    above: 'u8',
    ranks: { type: 'f64', per: RANKS },
    /** Of the window that fills: samples, their mean, and the sum of squares about it. */
    filled: 'u32',
    mean: 'f64',
    squares: 'f64',
    /** Windows so far, and the place of the next in the rings. */
    count: 'u32',
    next: 'u32',
    means: { type: 'f64', per },
    deviations: { type: 'f64', per },
    /** Usual step from one window to the next, of both; and the usual distance to the nearest. */
    meanStep: 'f64',
    deviationStep: 'f64',
    usual: 'f64',
  } as const satisfies StateSchema;
}

export type State = ReturnType<typeof stateOf>;
