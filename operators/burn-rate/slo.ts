import { z } from 'zod';
import { PromqlError } from '../../engine/selector.js';
import { duration } from '../../engine/scalars.js';
import type { Pair } from './burn.js';
import { readRatio } from './ratio.js';

/** Evaluations fall on a grid that divides the shortest window. */
const SHORTEST_WINDOW = 300_000;

const threshold = (of: string, fallback: number) =>
  z
    .number()
    .positive()
    .default(fallback)
    .describe(`Burn rate above which it is ${of}.`);

const sli = z
  .strictObject({
    name: z.string().min(1).describe('Name of the indicator; measurements posted under it to `/api/sli-measurements` count as events of this SLO.'),
    type: z
      .enum(['availability', 'latency', 'throughput', 'quality'])
      .describe('What is measured. A posted measurement is good at or above `target_value`, for latency at or below it.'),
    query: z
      .string()
      .optional()
      .describe("Good events over all events, as a PromQL ratio of two `rate(...)` or `sum(rate(...))`. Its range only has to be the same on both sides: the windows are those of the burn rates. Left out: the SLI is only measured."),
    target_value: z.number().optional().describe('Limit for a posted measurement to be a good event. Needed where there is no `query`.'),
    time_window: duration({ min: '1s' }).optional().describe('Window over which the indicator is usually read; for people, nothing is computed from it.'),
    description: z.string().optional().describe('For people.'),
  })
  .superRefine(({ query, target_value }, context) => {
    if (query === undefined) {
      if (target_value === undefined) context.addIssue({ code: 'custom', path: ['target_value'], message: 'an SLI without a query is measured and needs target_value' });
      return;
    }
    try {
      readRatio(query);
    } catch (error) {
      if (!(error instanceof PromqlError)) throw error;
      context.addIssue({ code: 'custom', path: ['query'], message: `query ${error.message}`, params: { offset: error.offset } });
    }
  });

const slo = z.strictObject({
  name: z.string().min(1).describe('Name of the SLO; its rows and findings have the series `slo{slo="NAME"}`.'),
  description: z.string().optional().describe('For people.'),
  sli: sli.describe('The indicator: where good and bad events come from.'),
  target_percentage: z
    .number()
    .positive()
    .lt(100, 'must be below 100: a target of 100 % leaves no error budget to burn')
    .describe('Percent of events that must be good over the period; above 0 and below 100.'),
  time_period: duration({ min: '1h', max: '366d' }).prefault('30d').describe('Period that the error budget is for, rolling.'),
  burn_rate_thresholds: z
    .strictObject({
      critical: threshold('critical, over 1h and over 5m', 14.4),
      high: threshold('high, over 6h and over 30m', 6),
      warning: threshold('a warning (severity medium), over 3d and over 6h', 1),
    })
    .prefault({})
    .describe('Burn rates that fire; the defaults are those of the Site Reliability Workbook for a period of 30 days.'),
});

export const burnRateConfig = z.strictObject({
  file: z.string().optional().describe('File with the SLOs, relative to this one; its `slos` are read as if they stood here.'),
  slos: z
    .array(slo)
    .min(1)
    .superRefine((slos, context) => {
      const names = new Set<string>();
      for (const [index, { name }] of slos.entries()) {
        if (names.has(name)) context.addIssue({ code: 'custom', path: [index, 'name'], message: `another SLO is called ${name} already` });
        names.add(name);
      }
    })
    .describe('The objectives.'),
  interval: duration({ min: '1s', max: '5m' })
    .prefault('1m')
    .refine((ms) => SHORTEST_WINDOW % ms === 0, 'must divide 5m, the shortest window')
    .describe('How often an SLO is judged, in event time; it must divide 5m.'),
});

export type BurnRateConfig = z.output<typeof burnRateConfig>;
export type Slo = z.output<typeof slo>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The pairs of windows of an SLO, the most severe first; without those longer than its period. */
export function pairsOf({ burn_rate_thresholds: { critical, high, warning }, time_period }: Slo): Pair[] {
  const pairs: Pair[] = [
    { long: HOUR, short: 5 * MINUTE, threshold: critical, severity: 'critical' },
    { long: 6 * HOUR, short: 30 * MINUTE, threshold: high, severity: 'high' },
    { long: 72 * HOUR, short: 6 * HOUR, threshold: warning, severity: 'medium' },
  ];
  return pairs.filter(({ long }) => long <= time_period);
}
