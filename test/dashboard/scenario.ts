import { findingId, type Alert, type Anomaly, type Burn, type Feedback, type Finding, type Forecast } from '../../engine/finding.js';
import { seeded } from '../../engine/random.js';
import { parseSeries, seriesText } from '../../engine/series.js';
import type { Row } from '../connectors/stage.js';

/** A machine with a bad night, invented from a seed: rows as the host source and two detect nodes give them, and findings of every kind. */
export class Scenario {
  private readonly random: () => number;
  /** Deviation of each series from its level, which moves slowly. */
  private readonly drift = new Map<string, number>();

  constructor(seed = 7) {
    this.random = seeded(seed);
  }

  /** All rows of one second, by node. */
  second(time: number): ReadonlyMap<string, Row[]> {
    const rows = new Map<string, Row[]>([
      ['host', []],
      ['odd', []],
    ]);
    for (const { series, level, swing, noise, watched } of machine) {
      const value = this.value(series, time, level, swing, noise);
      rows.get('host')!.push({ time, series, value });
      if (watched !== true) continue;
      const expected = level + swing * wave(time);
      const half = 4 * noise + swing * 0.4;
      const score = Math.min(1, Math.abs(value - expected) / half);
      rows.get('odd')!.push({ time, series, value, columns: { score, expected, lower: expected - half, upper: expected + half } });
    }
    return rows;
  }

  private value(series: string, time: number, level: number, swing: number, noise: number): number {
    const drift = (this.drift.get(series) ?? 0) * 0.9 + (this.random() - 0.5) * noise;
    this.drift.set(series, drift);
    const value = level + swing * wave(time) + drift + (this.random() - 0.5) * noise;
    return Math.max(0, value);
  }
}

interface Invented {
  readonly series: string;
  readonly level: number;
  readonly swing: number;
  readonly noise: number;
  readonly watched?: true;
}

const wave = (time: number) => Math.sin(time / 47_000) * 0.6 + Math.sin(time / 13_000) * 0.4;

export const CPU = 'cpu_busy_percent{host="web-1"}';

const machine: readonly Invented[] = [
  { series: CPU, level: 34, swing: 8, noise: 3, watched: true },
  { series: 'memory_used_percent{host="web-1"}', level: 61, swing: 1.5, noise: 0.3, watched: true },
  ...(['idle', 'iowait', 'irq', 'nice', 'steal', 'system', 'user'] as const).map((mode, i) => ({
    series: `cpu_usage{host="web-1",mode="${mode}"}`,
    level: [66, 2, 0.6, 0.2, 0.1, 9, 22][i]!,
    swing: [8, 0.4, 0.1, 0, 0, 2, 6][i]!,
    noise: [3, 1.5, 0.3, 0.1, 0.1, 2, 3][i]!,
  })),
  ...['1m', '5m', '15m'].map((window, i) => ({ series: `load_average{host="web-1",window="${window}"}`, level: [1.8, 1.5, 1.3][i]!, swing: [0.5, 0.2, 0.1][i]!, noise: 0.05 })),
  { series: 'network_receive_bytes_per_second{host="web-1",interface="eth0"}', level: 9e6, swing: 3e6, noise: 2e6, watched: true },
  { series: 'network_transmit_bytes_per_second{host="web-1",interface="eth0"}', level: 24e6, swing: 7e6, noise: 4e6, watched: true },
  { series: 'disk_read_bytes_per_second{device="nvme0n1",host="web-1"}', level: 1.5e6, swing: 1e6, noise: 2e6 },
  { series: 'disk_write_bytes_per_second{device="nvme0n1",host="web-1"}', level: 6e6, swing: 2e6, noise: 5e6 },
  { series: 'filesystem_used_percent{host="web-1",mount="/"}', level: 71, swing: 0, noise: 0.01 },
  { series: 'filesystem_used_percent{host="web-1",mount="/var/lib/postgresql"}', level: 88, swing: 0, noise: 0.01 },
  { series: 'processes{host="web-1"}', level: 214, swing: 3, noise: 2 },
  ...Array.from({ length: 12 }, (_, shard) => ({ series: `queue_depth{queue="orders",shard="${shard}"}`, level: 40 + 3 * shard, swing: 6, noise: 2 + shard })),
  { series: 'checkout_duration_seconds{shop="berlin"}', level: 0.32, swing: 0.05, noise: 0.05, watched: true },
];

const about = (text: string) => {
  const { name, labels } = parseSeries(text);
  return { series: text, metric: name, labels: { ...labels } };
};

export function anomalyOf(text: string, given: Partial<Anomaly> & Pick<Anomaly, 'openedAt' | 'value' | 'lower' | 'upper'>): Anomaly {
  const { openedAt, value, lower, upper } = given;
  const expected = (lower + upper) / 2;
  return {
    kind: 'anomaly',
    id: findingId('odd', 'anomaly', text, openedAt),
    revision: 1,
    state: 'opened',
    operator: 'odd',
    ...about(text),
    time: openedAt,
    severity: 'high',
    explanation: `${text} was ${value}; ${lower} to ${upper} is usual (expected ${expected}); ${((8 * (value - expected)) / (upper - lower)).toFixed(1)} deviations ${value > expected ? 'above' : 'below'}`,
    expected,
    score: 1,
    confidence: 0.97,
    direction: value > expected ? 'up' : 'down',
    ...given,
  };
}

export function feedbackOf(anomaly: Anomaly, given: Partial<Feedback> = {}): Feedback {
  const { id, operator: toldBy, series, metric, labels, openedAt, value, expected, lower, upper, score } = anomaly;
  return {
    kind: 'feedback',
    id: findingId(toldBy, 'feedback', series, openedAt),
    revision: 1,
    state: 'opened',
    operator: 'people',
    ...{ series, metric, labels, openedAt, time: openedAt, severity: 'info', explanation: 'ann says that this is a false alarm' },
    ...{ anomaly: id, toldBy, verdict: 'false_positive', note: '', by: 'ann', at: openedAt },
    ...{ value, expected, lower, upper, score },
    ...given,
  };
}

export function closed<T extends Finding>(finding: T, time: number): T {
  return { ...finding, state: 'closed', revision: finding.revision + 1, time };
}

export function forecastOf(text: string, time: number, given: Pick<Forecast, 'current' | 'predicted' | 'action'> & Partial<Forecast>): Forecast {
  const { predicted, current } = given;
  const half = Math.abs(predicted - current) * 0.3 + 1;
  return {
    kind: 'forecast',
    id: findingId('capacity', 'forecast', text, time),
    revision: 1,
    state: 'opened',
    operator: 'capacity',
    ...about(text),
    openedAt: time,
    time,
    severity: 'medium',
    explanation: `${text} is ${current} and heads for ${predicted} in 12h`,
    lower80: predicted - half,
    upper80: predicted + half,
    lower95: predicted - 1.6 * half,
    upper95: predicted + 1.6 * half,
    horizonMs: 12 * 3_600_000,
    growth: (predicted - current) / current,
    confidence: 0.82,
    ...given,
  };
}

export function burnOf(slo: string, time: number): Burn {
  const text = seriesText('slo', { slo });
  return {
    kind: 'burn',
    id: findingId('budgets', 'burn', text, time),
    revision: 1,
    state: 'opened',
    operator: 'budgets',
    ...about(text),
    openedAt: time,
    time,
    severity: 'critical',
    explanation: `${slo} burns its error budget 30 times as fast as it lasts: 30 of 1000 events in 1h were bad, and the burn rate is 30 over 5m (limit 14.4)`,
    slo,
    burnRate: 30,
    shortBurnRate: 30,
    threshold: 14.4,
    longMs: 3_600_000,
    shortMs: 300_000,
    compliance: 99.71,
    target: 99.9,
    budgetRemaining: 12.5,
  };
}

export function alertOf(members: readonly Finding[], labels: Record<string, string>, given: Partial<Alert> = {}): Alert {
  const first = members[0]!;
  const text = seriesText('alert', labels);
  const worst = members.map(({ severity }) => severity).find((severity) => severity === 'critical') ?? first.severity;
  return {
    kind: 'alert',
    id: findingId('alerts', 'alert', text, first.openedAt),
    revision: 1,
    state: 'opened',
    operator: 'alerts',
    series: text,
    metric: 'alert',
    labels,
    openedAt: first.openedAt,
    time: first.openedAt,
    severity: worst,
    explanation: `${members.length} findings share ${Object.entries(labels).map((pair) => pair.join(' ')).join(', ')}; the most severe: ${first.explanation}`,
    correlationId: findingId('alerts', 'alert', text, first.openedAt),
    members: members.map(({ id }) => id),
    count: members.length,
    suppressed: 3,
    ...given,
  };
}
