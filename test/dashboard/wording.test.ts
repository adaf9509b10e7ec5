import t from 'tap';
import { load } from './modules.js';

const { formatValue, formatTick, plain } = (await load('format/number.ts')) as {
  readonly formatValue: (value: number, unit: string) => string;
  readonly formatTick: (value: number, step: number, unit: string) => string;
  readonly plain: (value: number) => string;
};
const { titleOf, differing, labelsText } = (await load('format/names.ts')) as {
  readonly titleOf: (metric: string) => string;
  readonly differing: (all: readonly Record<string, string>[]) => string[];
  readonly labelsText: (labels: Record<string, string>, names: readonly string[]) => string;
};
const { unitOf } = (await load('format/units.ts')) as { readonly unitOf: (metric: string) => string };
const { formatBand, tell } = (await load('format/findings.ts')) as {
  readonly formatBand: (lower: number, upper: number, metric: string) => string;
  readonly tell: (anomaly: object, now: number) => { readonly value: string; readonly usual: string };
};
const { formatLength } = (await load('format/time.ts')) as { readonly formatLength: (ms: number) => string };
const { limits, withBand } = (await load('charts/scale.ts')) as {
  readonly limits: (low: number, high: number, unit: string) => [number, number];
  readonly withBand: (low: number, high: number, bandLow: number, bandHigh: number, unit: string) => [number, number];
};

/** With plain spaces. */
const said = (text: string) => text.replaceAll('\u202f', ' ');

await t.test('numbers have the unit that the name of the metric tells', async (t) => {
  for (const [metric, value, text] of [
    ['cpu_busy_percent', 43.4, '43 %'],
    ['cpu_usage', 0.26, '0.3 %'],
    ['memory_used_percent', 99.97, '99.9 %'],
    ['memory_used_percent', 100, '100 %'],
    ['hit_ratio', 0.431, '43 %'],
    ['network_receive_bytes_per_second', 12_400_000, '12.4 MB/s'],
    ['network_receive_bytes_per_second', 999_960, '1 MB/s'],
    ['memory_used_bytes', 0, '0 B'],
    ['requests', 1_234, '1.23k'],
    ['requests', 999.7, '1k'],
    ['requests', 12, '12'],
    ['requests', 0.00012, '1.2e−4'],
    ['disk_reads_per_second', 1_500, '1.5k/s'],
    ['checkout_duration_seconds', 0.42, '420 ms'],
    ['checkout_duration_seconds', 7_560, '2.1 h'],
    ['latency_ms', 0.25, '250 µs'],
    ['queue_delta', -3.14159, '−3.14'],
    ['anything', Number.NaN, '–'],
  ] as const) {
    t.equal(said(formatValue(value, unitOf(metric))), text, `${metric} ${value}`);
  }
});

await t.test('ticks of an axis differ', async (t) => {
  t.strictSame([0, 0.25, 0.5].map((value) => formatTick(value, 0.25, 'none')), ['0', '0.25', '0.50']);
  t.strictSame([0, 2.5, 5].map((value) => said(formatTick(value, 2.5, 'percent'))), ['0 %', '2.5 %', '5.0 %']);
  t.equal(said(formatTick(20_000_000, 10_000_000, 'bytes/s')), '20 MB/s');
});

await t.test('a band says only what there can be', async (t) => {
  t.equal(said(formatBand(38.2, 52, 'cpu_busy_percent')), '38 – 52 %');
  t.equal(said(formatBand(-12, 52, 'cpu_busy_percent')), 'up to 52 %');
  t.equal(said(formatBand(89, 111, 'cpu_busy_percent')), 'from 89 %');
  t.equal(said(formatBand(89, 111, 'millrace_cpu_percent')), '89 – 111 %', 'of one core there can be more than one');
  t.equal(said(formatBand(0.344, 1.2, 'checkout_seconds')), '344 ms – 1.2 s');
  t.equal(said(formatBand(-3, 4, 'queue_delta')), '−3 – 4');
});

await t.test('what is not of the series itself is not told in its unit', async (t) => {
  const told = (more: object): string[] => {
    const { value, usual } = tell({ metric_name: 'cpu_usage', labels: {}, value: 1_200, lower: 0, upper: 300, state: 'opened', opened_at: '2024-01-15T10:00:00Z', timestamp: '2024-01-15T10:00:00Z', ...more }, 0);
    return [said(value), said(usual)];
  };
  t.strictSame(told({}), ['1200 %', 'any value']);
  t.strictSame(told({ measure: 'seconds of silence' }), ['20 min of silence', 'up to 5 min']);
  t.strictSame(told({ value: 45, upper: 30, measure: 'samples with one value' }), ['45 samples with one value', 'up to 30 samples']);
  t.strictSame(told({ value: 45, upper: 12, measure: 'silent series' }), ['45 silent series', 'up to 12 silent series']);
});

await t.test('names are for people, labels only where they differ', async (t) => {
  t.equal(titleOf('http_request_duration_seconds'), 'HTTP request duration');
  t.equal(titleOf('cpu.load'), 'CPU load');
  const labels = [
    { host: 'a', mode: 'user' },
    { host: 'a', mode: 'idle' },
    { host: 'a' },
  ] as Record<string, string>[];
  t.strictSame(differing(labels), ['mode']);
  t.equal(labelsText(labels[0]!, ['mode']), 'user');
  t.equal(labelsText(labels[2]!, ['mode']), 'no mode');
  t.strictSame([45_000, 60_000, 7_300_000, 86_400_000, 3 * 86_400_000, -5].map((ms) => said(formatLength(ms))), ['45 s', '1 min', '2 h', '1 day', '3 days', '0 s']);
  t.equal(plain(12.5), '12.5');
});

await t.test('axes begin at zero unless all values lie far from it, and a band does not crowd the values out', async (t) => {
  t.strictSame(limits(3, 17, 'percent'), [0, 20]);
  t.strictSame(limits(2.8, 3.4, 'none'), [0, 4]);
  t.strictSame(limits(210, 214, 'none'), [209.6, 214.4]);
  t.strictSame(limits(Number.NaN, Number.NaN, 'percent'), [0, 100]);
  t.strictSame(limits(0, 0, 'none'), [0, 1]);
  const [low, high] = limits(-4, 9, 'none');
  t.ok(low < -4 && high > 9);
  t.strictSame(withBand(40, 50, 30, 60, 'percent'), [30, 60]);
  t.strictSame(withBand(40, 50, -4_000, 5_000, 'none'), [30, 60]);
  t.strictSame(withBand(98, 100, 89, 111, 'percent'), [89, 100]);
});
