import { z } from 'zod';
import { recommendedActions, severities, verdicts } from '../engine/finding.js';
import { duration } from '../engine/scalars.js';
import { ANSWER_FINDINGS, ANSWER_ROWS } from './limits.js';

// Queries and bodies of the API, from which the OpenAPI document is made. Bodies are snake_case, times ISO 8601.

const iso = z.iso.datetime();
const labels = z.record(z.string(), z.string());
const severity = z.enum(severities);
const count = z.int().min(0);

const limit = (most: number, standard: number) => z.coerce.number().int().min(1).max(most).default(standard).describe('at most so many');
const timeRange = duration({ min: '1s', max: '36500d' }).prefault('24h').describe('how far back from now, by event time: 30m, 24h, 7d');

/** A time in a query: ISO 8601, or ms since the epoch. */
const moment = z.string().transform((text, context) => {
  const time = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(time)) return time;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a time: write 2024-01-15T10:30:00Z, or milliseconds since the epoch` });
  return z.NEVER;
});

const note = z.string().max(2_000).default('').describe('why, for people');
const by = z.string().min(1).max(200).optional().describe('who says so; default: the address that it comes from');
export const feedbackRequest = z.strictObject({
  verdict: z.enum(verdicts).describe('false_positive: a false alarm; true_positive: it is right'),
  note,
  by,
});
export const feedbackUndoRequest = z.strictObject({ note, by });
const feedbackEntry = z.object({
  revision: z.int().min(1),
  verdict: z.enum(verdicts),
  note: z.string(),
  by: z.string(),
  said_at: iso,
  holds_from: iso.describe('by the time of samples; later where they were ahead of it already'),
  undone: z.boolean().describe('the verdict is taken back by this'),
});
export const feedbackBody = z.object({ anomaly_id: z.string(), feedback: z.array(feedbackEntry) });
export const feedbackAcceptedBody = feedbackEntry.extend({ anomaly_id: z.string(), effect: z.string().describe('what it changes, in words') });

export const anomaliesQuery = z.strictObject({
  metric_name: z.string().optional().describe('of this metric only'),
  time_range: timeRange,
  limit: limit(ANSWER_FINDINGS, 100),
});
export const anomaliesBody = z.object({
  anomalies: z.array(
    z.object({
      id: z.string(),
      metric_name: z.string(),
      labels,
      timestamp: iso.describe('when it opened'),
      node: z.string().describe('the node that told it'),
      state: z.enum(['opened', 'grew', 'closed']),
      revised_at: iso.describe('when it became what it is here'),
      value: z.number(),
      expected: z.number(),
      lower: z.number(),
      upper: z.number(),
      score: z.number(),
      confidence: z.number(),
      severity,
      explanation: z.string(),
      measure: z.string().optional().describe('what `value`, `expected`, `lower` and `upper` are of, where it is not the series itself: `seconds of silence`'),
      contributions: z.record(z.string(), z.number()).optional().describe('what it is told for, as shares that add up to 1: by method, or for a group by series'),
      feedback: feedbackEntry.optional().describe('what stands, where people said something of it'),
    }),
  ),
});

const alert = z.object({
  id: z.string(),
  correlation_id: z.string(),
  severity,
  status: z.enum(['firing', 'resolved']),
  started_at: iso,
  labels,
  suppressed: count.describe('duplicates held back'),
});
export const activeAlertsBody = z.object({ alerts: z.array(alert) });

export const correlatedQuery = z.strictObject({
  correlation_id: z.string().optional().describe('one correlation; default: all of the time range'),
  time_range: timeRange,
  limit: limit(ANSWER_FINDINGS, 100),
});
export const correlatedBody = z.object({
  alerts: z.array(
    alert.extend({
      explanation: z.string(),
      count: count.describe('findings in it'),
      findings: z
        .array(z.object({ id: z.string(), kind: z.string(), metric_name: z.string(), labels, severity, timestamp: iso, explanation: z.string() }))
        .describe('those of its findings that are still kept, oldest first'),
    }),
  ),
});

export const sloStatuses = ['good', 'warning', 'critical', 'breached', 'no_data'] as const;
export const sloBody = z.record(
  z.string(),
  z.object({
    compliance: z.number().describe('percent of good events over the period; 100 before the first'),
    target: z.number().describe('percent'),
    error_budget_remaining: z.number().describe('percent of the error budget; negative when overspent'),
    burn_rate: z.number().describe('1 spends the budget exactly in the period'),
    status: z
      .enum(sloStatuses)
      .describe('breached: the budget is spent; critical: a critical or high burn is open; warning: another burn is open; good: none; no_data: no event yet'),
  }),
);

export const capacityQuery = z.strictObject({ forecast_days: z.coerce.number().min(1).max(3650).default(30).describe('how far ahead') });
export const capacityBody = z.object({
  timestamp: iso,
  forecast_days: z.number(),
  predictions: z.array(
    z.object({
      metric_name: z.string(),
      labels,
      current_value: z.number(),
      predicted_value: z.number(),
      confidence: z.number(),
      recommended_action: z.enum(recommendedActions),
      threshold_breach_date: iso.nullable().describe('critical threshold, else warning threshold; null: not within the horizon'),
    }),
  ),
});

export const historyQuery = z.strictObject({
  node: z.string().describe('whose rows'),
  metric_name: z.string().optional(),
  labels: z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return undefined;
      try {
        return labels.parse(JSON.parse(text));
      } catch {
        context.addIssue({ code: 'custom', message: 'must be a JSON object of strings, such as {"mode":"user"}' });
        return z.NEVER;
      }
    })
    .describe('a JSON object: label values that a series must have'),
  from: moment.optional().describe('default: an hour before `to`'),
  to: moment.optional().describe('default: now'),
  buckets: z.coerce.number().int().min(1).max(ANSWER_ROWS).optional().describe('downsample to about so many rows a series: means, with the columns min and max of the value'),
  limit: limit(ANSWER_ROWS, ANSWER_ROWS),
});
export const historyBody = z.object({
  node: z.string(),
  from: iso,
  to: iso,
  series: z.array(
    z.object({
      metric_name: z.string(),
      labels,
      columns: z.array(z.string()),
      rows: z.array(z.array(z.number().nullable())).describe('[time in ms since the epoch, value, ...columns], by time; null: not finite'),
    }),
  ),
  truncated: z.boolean().describe('there are more rows than the limit'),
});

export const deadLettersQuery = z.strictObject({
  limit: limit(ANSWER_FINDINGS, 100),
  before: z.coerce.number().int().min(1).optional().describe('only those with a lower id: the next page'),
  node: z.string().optional(),
  reason: z.string().optional().describe('part of the reason'),
  resubmitted: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('only those that were taken when they were sent in again, or only the others'),
});
const resubmission = z.object({
  state: z.enum(['begun', 'taken', 'refused']),
  at: iso,
  reason: z.string().optional().describe('why it was refused'),
});
export const deadLettersBody = z.object({
  dead_letters: z.array(
    z.object({
      id: count,
      at: iso,
      node: z.string(),
      origin: z.string().describe('file:line, subject or client'),
      reason: z.string(),
      offset: count.optional().describe('byte of the payload where it goes wrong'),
      sequence: count.optional().describe('in the stream that it came from, where that has numbers'),
      headers: labels.optional().describe('what its connector needs beside the payload: subject, content type'),
      payload: z.string(),
      encoding: z.literal('base64').optional().describe('of the payload; without: UTF-8'),
      bytes: count.optional().describe('length of the whole payload, where only its beginning is kept'),
      resubmission: resubmission.optional().describe('the last time that it was sent in again'),
    }),
  ),
});
export const resubmittedBody = z.object({ id: count, resubmission });

export const healthBody = z.object({
  status: z.enum(['ok', 'degraded', 'starting', 'stopping', 'down']),
  state: z.enum(['starting', 'running', 'restarting', 'draining', 'stopped', 'failed']),
  ready: z.boolean(),
  version: z.string(),
  started_at: iso,
  restarts: count,
  components: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      kind: z.enum(['source', 'operator', 'sink']),
      status: z.enum(['ok', 'degraded', 'down']),
      detail: z.string().optional(),
      rows_in: count,
      rows_out: count,
      findings: count,
      late: count,
      watermark: iso.optional(),
    }),
  ),
  shards: z.array(z.object({ index: count, state: z.enum(['running', 'stopped']), partitions: count, series: count, busy: z.number(), backpressured: z.number() })),
  checkpoint: z.object({ number: count, at: iso, bytes: count, ms: z.number() }).optional(),
  checkpoint_failure: z.object({ since: iso, message: z.string() }).optional().describe('no checkpoint can be taken since then: a crash would begin again at the last'),
  failures: z.array(z.object({ at: iso, node: z.string().optional(), partition: count.optional(), message: z.string() })),
});

const activity = z.object({ status: z.enum(['active', 'inactive']) });
export const systemHealthBody = z.object({
  overall_status: z.enum(['healthy', 'degraded', 'unhealthy']),
  components: z.object({ anomaly_detection: activity, slo_monitoring: activity, alert_correlation: activity, capacity_planning: activity }),
});

export const graphBody = z.object({
  partitions: count,
  shards: count,
  nodes: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      kind: z.enum(['source', 'operator', 'sink']),
      from: z.array(z.string()),
      actor: count.optional().describe('operators of the same actor are fused'),
      columns: z.array(z.string()).optional().describe('further columns of its rows'),
    }),
  ),
});
