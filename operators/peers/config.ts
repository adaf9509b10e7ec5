import { z } from 'zod';
import type { StateSchema } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { episodeColumns } from '../anomaly/episode.js';
import { RANKS } from '../anomaly/score.js';

/** Lateness and lead, in windows: so many panes a member has at most. */
const MAX_WINDOWS = 3_600;

export const config = z
  .strictObject({
    across: z.array(z.string().min(1)).min(1).default(['host', 'instance', 'pod']).describe('Labels that tell peers apart: series that are alike but for these are peers of each other. A series without any of them has no peers and is left out.'),
    window: duration({ min: '1s' }).prefault('1m').describe('Peers are compared once in so much time, by the mean of each.'),
    lateness: duration().prefault('0s').describe('How long after its end (by the watermark) a window waits for rows that are out of order.'),
    eps: z.number().gt(0).optional().describe("How close points have to lie, in the metric's own unit (DBSCAN's ε; at exactly ε is close). Default: found from the peers, see below."),
    sensitivity: z.number().min(1).max(100).default(3).describe('Where `eps` is found: it is so many times the usual distance of peers. Higher: fewer anomalies.'),
    min_points: z.int().min(2).optional().describe("Peers, itself among them, that have to be close for a member to be in the thick of a cluster (DBSCAN's MinPts). Default: more than half of those that are there, so that there is one cluster or none."),
    min_peers: z.int().min(3).default(4).describe('Fewer members than this are not compared: their score is 0.'),
    min_deviation: z.number().min(0).default(0).describe("Where `eps` is found, it is at least this, in the metric's own unit."),
    min_relative: z.number().min(0).default(0.05).describe('Where `eps` is found, it is at least this share of the median of the peers.'),
    direction: z.enum(['both', 'up', 'down']).default('both').describe('Which side counts. Members on the other side score 0.'),
    for: z.int().min(1).max(1000).default(3).describe('Windows in succession away from its peers that open an anomaly. One twice as far out counts as two, and so on.'),
    close: z.number().gt(0).max(1).default(0.8).describe('An anomaly closes when the member is within this share of the way from the middle to the edge,'),
    close_for: z.int().min(1).max(1000).default(3).describe('for so many windows in succession.'),
    adapt: z.int().min(2).default(300).describe('After so many windows away an anomaly closes: that is where this member is. It is told again when it is twice as far out, or has been back meanwhile.'),
    together: z.number().gt(0).max(1).default(0.3).describe('Where at least this share of the peers (and two) are away from the rest, that is one anomaly of the group, and none of each.'),
    memory: z.int().min(2).default(60).describe('Windows that the usual distance of peers is about.'),
    warmup: z.int().min(1).default(5).describe('Windows before the first verdict: until then scores are 0.'),
  })
  .superRefine((of, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (!Number.isInteger(of.window)) refuse('window', 'must be whole milliseconds');
    if (of.lateness / of.window > MAX_WINDOWS) refuse('lateness', `can't be more than ${MAX_WINDOWS} times as long as the window`);
    if (of.adapt <= of.for) refuse('adapt', 'must be greater than `for`: what is normal before it opens never opens');
    const repeated = of.across.find((label, i) => of.across.indexOf(label) < i);
    if (repeated !== undefined) refuse('across', `${repeated} is there twice`);
  });

export type Config = z.output<typeof config>;

/** Windows that may be open at once. */
export function panesOf({ window, lateness }: Pick<Config, 'window' | 'lateness'>, lead: number): number {
  return Math.ceil((window + lateness + lead) / window) + 1;
}

/** Columns of a member or group: 89 bytes, and 25 for each window that may be open at once. */
export function stateOf(of: Config, lead: number) {
  const per = panesOf(of, lead);
  return {
    taken: { type: 'u8', per },
    end: { type: 'f64', per },
    sum: { type: 'f64', per },
    count: { type: 'f64', per },
    /** Of a group: the usual distance, and the windows that it is about. */
    usual: 'f64',
    windows: 'u32',
    ranks: { type: 'f64', per: RANKS },
    ...episodeColumns,
    /** Of a member: windows since its anomaly has opened; where `accepted`, calm windows in succession. */
    outside: 'u32',
    /** How far out it has stayed so long that it is told no more. */
    accepted: 'f64',
    factor: 'f64',
  } as const satisfies StateSchema;
}

export type State = ReturnType<typeof stateOf>;
