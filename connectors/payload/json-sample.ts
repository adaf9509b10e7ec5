import { z } from 'zod';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { isoTime } from './iso-time.js';

/** As milliseconds these lie in early 1970; as seconds, between 2001 and 5138. */
export const SECONDS_FROM = 1e9;
export const SECONDS_TO = 1e11;

const timestamp = z
  .union([z.string(), z.number()], { error: ({ input }) => `must be ISO 8601 or milliseconds since the epoch, not ${shown(input)}` })
  .transform((value, context) => {
    const time = typeof value === 'string' ? isoTime(value) : value;
    let problem: string | undefined;
    if (typeof value === 'string' && Number.isNaN(time)) problem = `${shown(value)} is not ISO 8601, such as 2024-01-15T10:30:00Z`;
    else if (Math.abs(time) > 8.64e15) problem = `${value} is not a time`;
    else if (typeof value === 'number' && value >= SECONDS_FROM && value < SECONDS_TO) problem = `${value} looks like seconds; send milliseconds or ISO 8601`;
    if (problem === undefined) return time;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  })
  .optional()
  .describe('ISO 8601 (UTC where it has no zone) or milliseconds since the epoch; default: now');

const value = z.number({ error: ({ input }) => `must be a finite number, not ${shown(input)}` }).describe('finite');

/** A sample as posted to `/api/metrics`. */
export const metricSchema = z.object(
  {
    metric_name: z.string({ error: ({ input }) => `must be a string, not ${shown(input)}` }).describe('metric name'),
    value,
    timestamp,
    labels: z.record(z.string(), z.string({ error: ({ input }) => `must be a string, not ${shown(input)}` })).optional().describe('label names and their values'),
  },
  { error: ({ input }) => `a sample is a JSON object, not ${shown(input)}` },
);

/** A measurement as posted to `/api/sli-measurements`. */
export const sliSchema = z.object(
  {
    sli_name: z.string({ error: ({ input }) => `must be a string, not ${shown(input)}` }).min(1, 'must not be empty').describe('name of the SLI, as in slos.yml'),
    value,
    timestamp,
  },
  { error: ({ input }) => `a measurement is a JSON object, not ${shown(input)}` },
);

export interface Sample {
  readonly time: number;
  readonly series: string;
  readonly value: number;
}

export type Kind = 'metric' | 'sli';

/** A posted sample, its unknown members, or why it is refused. Times up to a minute after `now` are taken. */
export function readSample(kind: Kind, posted: unknown, now: number): { readonly sample: Sample; readonly unknown: readonly string[] } | string {
  const schema = kind === 'metric' ? metricSchema : sliSchema;
  const parsed = schema.safeParse(posted);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return issue.path.length === 0 ? issue.message : `${issue.path.join('.')} ${issue.message}`;
  }
  const { value: number, timestamp: time = now } = parsed.data;
  const name = 'metric_name' in parsed.data ? parsed.data.metric_name : 'sli_measurement';
  const labels = 'sli_name' in parsed.data ? { sli_name: parsed.data.sli_name } : (parsed.data.labels ?? {});
  const problem = seriesProblem(name, labels);
  if (problem !== undefined) return problem;
  if (time > now + MAX_FUTURE_MS) return `timestamp ${new Date(time).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check the clock of the publisher`;
  const unknown = Object.keys(posted as object).filter((key) => !(key in schema.shape));
  return { sample: { time, series: seriesText(name, labels), value: number }, unknown };
}

/** A value from a stranger, for a message. */
function shown(input: unknown): string {
  if (input === undefined) return 'missing';
  const text = typeof input === 'number' ? String(input) : JSON.stringify(input);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
