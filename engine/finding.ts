import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Time } from './clock.js';
import { seriesText, type Series } from './series.js';

export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

const time = z.number().describe('ms since the epoch, UTC');

const base = {
  id: z.string().describe('made from operator, kind, series and opening time'),
  revision: z.number().int().min(1).describe('grows by one with each change; the higher revision replaces the lower'),
  state: z.enum(['opened', 'grew', 'closed']),
  operator: z.string().describe('name of the node that concluded it'),
  series: z.string().describe('canonical text of the series it is about'),
  metric: z.string().describe('metric name of that series'),
  labels: z.record(z.string(), z.string()),
  openedAt: time.describe('event time at which it opened'),
  time: time.describe('event time of this revision; findings are handed on in order of (time, id, revision)'),
  severity: z.enum(severities),
  explanation: z.string().describe('one sentence for a person, with the numbers'),
};

export const anomalySchema = z.object({
  ...base,
  kind: z.literal('anomaly'),
  value: z.number(),
  expected: z.number(),
  lower: z.number(),
  upper: z.number(),
  score: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  direction: z.enum(['up', 'down']),
  excess: z.number().min(0).optional().describe('how far out it was at its furthest, in multiples of what opens one; 1: just so far'),
  measure: z.string().optional().describe('what `value`, `expected`, `lower` and `upper` are of, where it is not the series itself: `seconds of silence`'),
  contributions: z.record(z.string(), z.number().min(0).max(1)).optional().describe('what it is told for, as shares that add up to 1: by method, or for a group by series'),
});

export const recommendedActions = [
  'immediate_scale_up_required',
  'plan_scale_up',
  'monitor_closely',
  'consider_scale_down',
  'maintain_current_capacity',
] as const;

export const forecastSchema = z.object({
  ...base,
  kind: z.literal('forecast'),
  current: z.number(),
  predicted: z.number().describe('value predicted at the horizon'),
  lower80: z.number(),
  upper80: z.number(),
  lower95: z.number(),
  upper95: z.number(),
  horizonMs: z.number(),
  growth: z.number().describe('(predicted - current) / |current|'),
  confidence: z.number().min(0).max(1),
  action: z.enum(recommendedActions),
  warningAt: time.optional().describe('when the warning threshold is breached, if within the horizon'),
  criticalAt: time.optional().describe('when the critical threshold is breached, if within the horizon'),
});

export const burnSchema = z.object({
  ...base,
  kind: z.literal('burn'),
  slo: z.string(),
  burnRate: z.number().describe('over the long window; 1 spends the budget exactly in the period'),
  shortBurnRate: z.number(),
  threshold: z.number(),
  longMs: z.number(),
  shortMs: z.number(),
  compliance: z.number().describe('percent of good requests over the period'),
  target: z.number().describe('percent'),
  budgetRemaining: z.number().describe('percent of the error budget; negative when overspent'),
});

export const alertSchema = z.object({
  ...base,
  kind: z.literal('alert'),
  correlationId: z.string(),
  members: z.array(z.string()).describe('ids of the findings in it, oldest first, at most 100'),
  count: z.number().int().describe('how many findings it holds, also those not listed'),
  suppressed: z.number().int().describe('duplicates held back'),
});

export const verdicts = ['false_positive', 'true_positive'] as const;
export type FeedbackVerdict = (typeof verdicts)[number];

/**
 * What a person said of an anomaly. Its series, metric, labels and opening time are the anomaly's; `opened` stands, `grew`
 * stands in place of what was said before, `closed` is undone.
 */
export const feedbackSchema = z.object({
  ...base,
  kind: z.literal('feedback'),
  anomaly: z.string().describe('id of the anomaly'),
  toldBy: z.string().describe('name of the node that told the anomaly'),
  verdict: z.enum(verdicts),
  note: z.string(),
  by: z.string().describe('who said it'),
  at: time.describe('when it was said, by the clock; `time` is from when on it holds'),
  value: z.number().describe('of the anomaly as it was known then, as are expected, lower, upper and score'),
  expected: z.number(),
  lower: z.number(),
  upper: z.number(),
  score: z.number().min(0).max(1),
  excess: z.number().min(0).optional(),
});

export const findingSchema = z.discriminatedUnion('kind', [anomalySchema, forecastSchema, burnSchema, alertSchema, feedbackSchema]);

export type Anomaly = z.infer<typeof anomalySchema>;
export type Forecast = z.infer<typeof forecastSchema>;
export type Burn = z.infer<typeof burnSchema>;
export type Alert = z.infer<typeof alertSchema>;
export type Feedback = z.infer<typeof feedbackSchema>;
export type Finding = Anomaly | Forecast | Burn | Alert | Feedback;
export type FindingKind = Finding['kind'];

export const findingKinds = findingSchema.options.map(({ shape }) => shape.kind.value);

/** The id of a finding: 16 hex digits of SHA-256 over what it is. The same conclusion gets the same id in every run. */
export function findingId(operator: string, kind: FindingKind, series: string, openedAt: Time): string {
  return createHash('sha256').update(`${operator}\0${kind}\0${series}\0${openedAt}`).digest('hex').slice(0, 16);
}

/** The fields that say what a finding is about, from its series. */
export function about(series: Series): { series: string; metric: string; labels: Record<string, string> } {
  return { series: seriesText(series.name, series.labels), metric: series.name, labels: { ...series.labels } };
}

/** It concerns more series than its own, wherever they are: every shard of an operator that takes it gets it. */
export function goesToAll({ kind }: Finding): boolean {
  return kind === 'feedback';
}

/** The order in which findings are handed on: (time, id, revision). */
export function compareFindings(a: Finding, b: Finding): number {
  return a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : a.revision - b.revision);
}
