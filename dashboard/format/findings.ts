import type { Anomaly, Severity } from '../live/protocol.js';
import { seriesTitle } from './names.js';
import { formatValue, plain } from './number.js';
import { formatLength, formatMoment } from './time.js';
import { isShareOfWhole, unitOf } from './units.js';

/** How loud a severity is shown: red is kept for what may need a person now. */
export type Tone = 'serious' | 'notable' | 'slight';

const tones: Readonly<Record<Severity, Tone>> = { critical: 'serious', high: 'serious', medium: 'notable', low: 'notable', info: 'slight' };

export function toneOf(severity: Severity): Tone {
  return tones[severity];
}

/** `38 – 52 %`; `up to 52 %`, `from 89 %` where the other end says nothing, because there are no such values. */
export function formatBand(lower: number, upper: number, metric: string): string {
  const unit = unitOf(metric);
  const full = upper >= 100 && isShareOfWhole(metric);
  if (full) return lower <= 0 ? 'any value' : `from ${formatValue(lower, unit)}`;
  if (lower <= 0 && unit !== 'none') return `up to ${formatValue(upper, unit)}`;
  const [low, high] = [formatValue(lower, unit), formatValue(upper, unit)];
  const shared = /\u202f?[^\d.\u2212]+$/.exec(high)?.[0] ?? '';
  return shared !== '' && low.endsWith(shared) ? `${low.slice(0, -shared.length)} – ${high}` : `${low} – ${high}`;
}

/** `change 52 %, deviation 48 %`: the largest first. */
export function formatShares(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, share]) => `${name} ${Math.round(100 * share)}\u202f%`)
    .join(', ');
}

/** `20 min of silence`, `45 samples with one value` */
function formatMeasured(value: number, measure: string): string {
  const seconds = /^seconds (.*)$/.exec(measure)?.[1];
  return seconds === undefined ? `${plain(value)} ${measure}` : `${formatLength(1_000 * value)} ${seconds}`;
}

export interface Told {
  /** `CPU busy · web-1` */
  readonly subject: string;
  /** `97.2 %` */
  readonly value: string;
  /** `38 – 52 %` */
  readonly usual: string;
  /** `since 03:12:07, for 4 min` */
  readonly when: string;
}

/** An anomaly with its numbers as people read them; its explanation has them as they are. */
export function tell(anomaly: Anomaly, now: number): Told {
  const { metric_name, labels, value, lower, upper, state, measure } = anomaly;
  const from = Date.parse(anomaly.opened_at);
  const to = state === 'closed' ? Date.parse(anomaly.timestamp) : now;
  const lasted = formatLength(to - from);
  return {
    subject: seriesTitle(metric_name, labels),
    value: measure === undefined ? formatValue(value, unitOf(metric_name)) : formatMeasured(value, measure),
    usual: measure === undefined ? formatBand(lower, upper, metric_name) : `up to ${formatMeasured(upper, measure).replace(/ (of|with) .*$/, '')}`,
    when: state === 'closed' ? `${formatMoment(from, now)}, over after ${lasted}` : `since ${formatMoment(from, now)}, for ${lasted}`,
  };
}
