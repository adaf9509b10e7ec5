import type { HistogramSample, MetricFamily } from '../engine/status.js';

export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** The text of metric families in OpenMetrics 1.0. Families of the same name are written as one. */
export function openMetricsText(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  const byName = new Map<string, MetricFamily[]>();
  for (const family of families) {
    const name = fullName(family);
    byName.set(name, [...(byName.get(name) ?? []), family]);
  }
  for (const [name, same] of byName) {
    const { type, unit, help } = same[0]!;
    lines.push(`# TYPE ${name} ${type}`);
    if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
    lines.push(`# HELP ${name} ${escape(help)}`);
    for (const family of same) {
      if (family.type === 'histogram') for (const sample of family.samples) lines.push(...histogram(name, sample));
      else for (const { labels, value } of family.samples) lines.push(`${name}${type === 'counter' ? '_total' : ''}${labelText(labels)} ${number(value)}`);
    }
  }
  lines.push('# EOF', '');
  return lines.join('\n');
}

function fullName({ name, unit }: MetricFamily): string {
  return unit === undefined ? name : `${name}_${unit}`;
}

function histogram(name: string, { labels, buckets, count, sum }: HistogramSample): string[] {
  const bucket = (le: string, value: number) => `${name}_bucket${labelText({ ...labels, le })} ${number(value)}`;
  return [
    ...buckets.map(({ le, count: below }) => bucket(bound(le), below)),
    bucket('+Inf', count),
    `${name}_count${labelText(labels)} ${number(count)}`,
    `${name}_sum${labelText(labels)} ${number(sum)}`,
  ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Bounds are floats in their canonical form: `1.0`, not `1`. */
function bound(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : number(value);
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
