import { z } from 'zod';
import { duration } from '../../engine/scalars.js';
import { makeSeries, type Series } from '../../engine/series.js';
import { anomalyKinds, signalShape } from './signal.js';
import type { Shape } from './shape.js';
import { SPEC_START, specShape, workloads } from './spec.js';

const DAY_MS = 86_400_000;

export const generateConfig = z
  .strictObject({
    spec: z.enum(['W1', 'W2', 'W3']).optional().describe('the samples of this benchmark workload instead of signals: 10,000 series and 20 M samples for W1 and W3, 1,000 and 2 M for W2, unless `series` and `count` say otherwise'),
    series: z.number().int().min(1).max(10_000_000).optional().describe('number of series; default 10, or that of `spec`'),
    metric: z.string().min(1).optional().describe('metric name; default `signal`, `s` with `spec`. Series differ by the label `key`: "0", "1", ...'),
    count: z.number().int().min(1).optional().describe('samples in all'),
    duration: duration().optional().describe('event time in all; the lower of `count` and `duration` ends it'),
    rate: z.number().positive().optional().describe('samples a second, paced by the clock (live); without it as fast as they are taken, and it must end'),
    seed: z.number().int().default(1).describe('the same seed gives the same signals'),
    interval: duration({ min: '1ms' }).default(1_000).describe('event time between two samples of a series; with `rate` it follows from that'),
    start: z.iso.datetime().optional().describe('time of the first sample, ISO 8601; default 2023-11-14T22:13:20Z, and with `rate` the clock'),
    level: z.number().default(100).describe('mean of a series, which differs between series by up to a quarter'),
    trend: z.number().default(0).describe('change of the level a day'),
    season: duration({ min: '1s' }).default(DAY_MS).describe('length of the season'),
    amplitude: z.number().default(20).describe('height of the season'),
    noise: z.number().min(0).default(2).describe('standard deviation of the noise'),
    anomalies: z.array(z.enum(anomalyKinds)).default([...anomalyKinds]).describe('kinds to inject: a `spike` of at most three samples, a `shift` of the level for a while, a `drop` to nearly zero; `[]`: none'),
    anomaly_every: duration({ min: '10s' }).default(3_600_000).describe('each series has one anomaly in every stretch of this length, except the first'),
    truth: z.string().min(1).optional().describe('NDJSON file that gets a line for each injected anomaly'),
  })
  .superRefine((config, context) => {
    if (config.spec === undefined && config.rate === undefined && config.count === undefined && config.duration === undefined) {
      context.addIssue({ code: 'custom', message: 'would never end: give rate, count or duration' });
    }
    if (config.spec !== undefined && (config.rate !== undefined || config.truth !== undefined)) {
      context.addIssue({ code: 'custom', path: [config.rate !== undefined ? 'rate' : 'truth'], message: 'is not for a benchmark workload: its samples are fixed' });
    }
  });
export type GenerateConfig = z.output<typeof generateConfig>;

export function seriesCount(config: GenerateConfig): number {
  return config.series ?? (config.spec === undefined ? 10 : workloads[config.spec].series);
}

/** All series, that of number s at index s. */
export function seriesOf(config: GenerateConfig): Series[] {
  const metric = config.metric ?? (config.spec === undefined ? 'signal' : 's');
  return Array.from({ length: seriesCount(config) }, (_, s) => makeSeries(metric, { key: String(s) }));
}

/** `start`: time of the first sample where the config does not say. */
export function shapeOf(config: GenerateConfig, start: number): Shape {
  const series = seriesCount(config);
  if (config.spec !== undefined) {
    const steps = config.duration === undefined ? Infinity : Math.ceil(config.duration / 1_000);
    return specShape(series, Math.min(config.count ?? workloads[config.spec].count, steps * series));
  }
  return signalOf(config, start);
}

export function signalOf(config: GenerateConfig, start: number) {
  const series = seriesCount(config);
  const interval = config.rate === undefined ? config.interval : (series * 1_000) / config.rate;
  const steps = config.duration === undefined ? Infinity : Math.ceil(config.duration / interval);
  return signalShape({
    ...config,
    series,
    interval,
    start: config.start === undefined ? start : Date.parse(config.start),
    count: Math.min(config.count ?? Infinity, steps * series),
    anomalyEvery: config.anomaly_every,
  });
}

/** Where generated time begins unless something says otherwise: a fixed one, so that each run gives the same. */
export const START = SPEC_START;
