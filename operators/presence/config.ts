import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { orderColumns } from '../anomaly/in-order.js';
import { RANKS } from '../anomaly/score.js';

export const config = z
  .strictObject({
    watch: z.array(z.enum(['silence', 'frozen'])).min(1).default(['silence', 'frozen']).describe('What is told: series that give no samples any more (`silence`), and series whose value does not change any more (`frozen`).'),
    by: z.array(z.string().min(1)).default([]).describe('Series of one metric that have the same values of these labels are a group: where many of them fall silent together that is told once. Default: all series of a metric. A group is on one shard.'),
    times: z.number().min(1.5).max(1000).default(5).describe('A silence, or a run of one and the same value, is told when it is so many times as long as any that is usual.'),
    min_silence: duration().prefault('30s').describe('Shorter silences are never told.'),
    min_same: z.int().min(2).default(30).describe('Runs of fewer samples are never told.'),
    warmup: z.int().min(3).default(10).describe('Intervals between samples before a silence is told, and changes of the value before a run is.'),
    hold: duration({ min: '1s', max: '1h' }).prefault('30s').describe('Silences are told at the second multiple of this since the epoch, so that those of a group that begin together are told together; what is over by then is not told. At least as long as samples of a group are apart.'),
    together: z.number().gt(0).max(1).default(0.3).describe('Where at least this share of the series of a group (and ten) fall silent at one of these times, that is one anomaly of the group.'),
    forget: duration({ min: '10m', max: '90d' }).prefault('1d').describe('A series that has been silent for so long has ended: its anomaly closes. If it gives samples again, it begins anew.'),
  })
  .superRefine((of, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    const repeated = of.by.find((label, i) => of.by.indexOf(label) < i);
    if (repeated !== undefined) refuse('by', `${repeated} is there twice`);
    if (!Number.isInteger(of.hold)) refuse('hold', 'must be whole milliseconds');
    if (of.forget <= of.min_silence + of.hold) refuse('forget', 'must be longer than `min_silence` and `hold` together: else what ends was never told');
  });

export type Config = z.output<typeof config>;

export const SILENCE = 0;
export const FROZEN = 1;

/** Columns of a series or group: 177 bytes. */
export const state = {
  ...orderColumns,
  /** When there is something to do next; 0: nothing. */
  due: 'f64',
  /** 1 from its first sample on, until it has ended; times of its first and last sample. */
  known: 'u8',
  first: 'f64',
  sampledAt: 'f64',
  /** How many intervals there were, what is usual, and the longest that is usual, ms. */
  intervals: 'u32',
  interval: 'f64',
  longest: 'f64',
  /** A silence of it is among those that its group has to tell. */
  noted: 'u8',
  /** Its value, for so many samples, since when; how many changes there were, and the longest run that is usual. */
  value: 'f64',
  same: 'u32',
  sameSince: 'f64',
  changes: 'u32',
  longestRun: 'f64',
  ranks: { type: 'f64', per: RANKS },
  // Two episodes, of SILENCE and FROZEN; of a group the first.
  run: { type: 'u32', per: 2 },
  severity: { type: 'u8', per: 2 },
  openedAt: { type: 'f64', per: 2 },
  revision: { type: 'u32', per: 2 },
  peak: { type: 'f64', per: 2 },
  furthest: { type: 'f64', per: 2 },
} as const satisfies StateSchema;

export type State = typeof state;
