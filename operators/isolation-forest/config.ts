import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { episodeColumns } from '../anomaly/episode.js';
import { RANKS } from '../anomaly/score.js';
import { MOST_SAMPLE, MOST_TREES } from './forest.js';

/** Members of a group that make a vector. */
export const MOST_MEMBERS = 64;
/** Sources further ahead of the watermark than so many steps would fill memory. */
export const MOST_WAITING = 3_600;

export const config = z
  .strictObject({
    by: z.array(z.string().min(1)).min(1).optional().describe('Labels: series that have the same values of them are a group, and what its members are at the same time is judged together. A series that lacks one of them is left out. Default: each series is judged by itself.'),
    as: z.string().min(1).default('isolation_forest').describe("Metric name of the groups' series, whose labels are `by`."),
    step: duration({ min: '1ms' }).prefault('1m').describe('Of groups: a vector is made of the last value of each member in so much time.'),
    hold: duration().prefault('5m').describe("Of groups: where a member has no value in a step, its last one stands in if it is no older than this at the step's end. Else the group is not judged."),
    shingle: z.int().min(2).max(512).default(8).describe('Of single series: values that the mean and the deviation in a vector are over.'),
    lags: z.int().min(0).max(64).default(0).describe('Of single series: values before the present one that are in the vector as they were. They tell of shapes, and dilute what a single value tells.'),
    trees: z.int().min(4).max(MOST_TREES).default(100).describe('Trees of a forest.'),
    sample: z.int().min(16).max(MOST_SAMPLE).default(MOST_SAMPLE).describe('Vectors that a tree is grown from.'),
    history: z.int().min(32).max(65_536).default(4096).describe('Last vectors that are kept for training.'),
    warmup: z.int().min(16).default(256).describe('Vectors before the first forest is asked for: until it is there scores are 0. Also the least between two.'),
    retrain: z.int().min(16).default(2048).describe('Vectors after which the next forest is asked for; while there are fewer, as soon as they are twice as many as the last was trained on, and at least `warmup` after it.'),
    train: duration({ min: '1ms' }).prefault('10s').describe('A forest takes effect so much time after the vector that it was asked for at.'),
    sensitivity: z.number().min(1).max(10).default(2.1).describe('An anomaly begins so many times as far out as what a hundredth of the vectors exceed. Higher: fewer anomalies.'),
    for: z.int().min(1).max(1000).default(1).describe('Vectors in succession beyond that which open an anomaly. One twice as far out counts as two, and so on.'),
    close: z.number().gt(0).max(1).default(0.7).describe('An anomaly closes when vectors are within this share of how far out it begins,'),
    close_for: z.int().min(1).max(1000).default(5).describe('for so many vectors in succession.'),
    adapt: z.int().min(2).default(300).describe('After so many vectors an anomaly closes: history begins anew, and with it the warm-up.'),
  })
  .superRefine((of, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (!Number.isInteger(of.step)) refuse('step', 'must be whole milliseconds');
    if (of.history < of.warmup) refuse('history', 'must be at least `warmup`: what a forest is trained on is kept there');
    if (of.by === undefined && of.warmup < Math.max(of.shingle, of.lags + 1) + 8) refuse('warmup', 'must be at least 8 more than `shingle` and `lags`: a vector is made of so many values');
    if (of.adapt <= of.for) refuse('adapt', 'must be greater than `for`: what is normal before it opens never opens');
    const repeated = of.by?.find((label, i) => of.by!.indexOf(label) < i);
    if (repeated !== undefined) refuse('by', `${repeated} is there twice`);
  });

export type Config = z.output<typeof config>;

/** Columns of a series or group: 111 bytes. What is kept besides is in `Kept`. */
export const state = {
  /** Of a series: time of the last row that was followed, if any was. */
  last: 'f64',
  followed: 'u8',
  /** Vectors learned since a forest was asked for. */
  since: 'u32',
  /** A forest has been asked for: 1; and is of no use any more: 2. */
  asking: 'u8',
  /** How many forests have been asked for. */
  asked: 'u32',
  /** Share of the last vectors that are among the most unusual tenth of those trained on. */
  drift: 'f64',
  /** How far out the last vectors were, see `Judged`; and when. */
  heard: 'f64',
  judgedAt: 'f64',
  /** Vectors since the anomaly has opened. */
  outside: 'u32',
  /** The highest forest score since it began. */
  highest: 'f64',
  ranks: { type: 'f64', per: RANKS },
  ...episodeColumns,
} as const satisfies StateSchema;

export type State = typeof state;
