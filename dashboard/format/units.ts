/** What the numbers of a metric are, told by its name as Prometheus has it. */
export type Unit = 'percent' | 'share' | 'bytes' | 'bytes/s' | 'per second' | 'seconds' | 'milliseconds' | 'none';

const suffixes: readonly (readonly [RegExp, Unit])[] = [
  [/(_percent|_pct)$/, 'percent'],
  [/(_ratio|_share)$/, 'share'],
  [/_bytes_per_second$/, 'bytes/s'],
  [/_bytes$/, 'bytes'],
  [/_per_second$/, 'per second'],
  [/(_milliseconds|_ms)$/, 'milliseconds'],
  [/_seconds$/, 'seconds'],
];

/** Metrics that do not say it. */
const named: Readonly<Record<string, Unit>> = { cpu_usage: 'percent' };

export function unitOf(metric: string): Unit {
  return named[metric] ?? suffixes.find(([suffix]) => suffix.test(metric))?.[1] ?? 'none';
}

/** The name without what its unit says already. */
export function withoutUnit(metric: string): string {
  return metric.replace(/(_bytes_per_second|_per_second|_percent|_pct|_bytes|_milliseconds|_ms|_seconds|_total)$/, '');
}

/** Percentages that are shares of a whole: there is nothing above 100. */
export function isShareOfWhole(metric: string): boolean {
  return /(used|busy|free|available|utilization|usage|idle)(_percent|_pct)?$/.test(metric) && unitOf(metric) === 'percent';
}
