import { isOverflow, type Alert } from './alerts.js';

/** One sentence for a person: how many findings of which kinds, what they share, and the most severe of them. */
export function explain(state: 'opened' | 'grew' | 'closed', alert: Alert): string {
  const { count, suppressed, worst } = alert;
  const ended = state === 'closed' ? 'over: ' : '';
  const held = suppressed === 0 ? '' : `; held back ${suppressed} ${suppressed === 1 ? 'duplicate' : 'duplicates'}`;
  if (count === 1 && !isOverflow(alert.origin)) return `${ended}${worst}${held}`;
  const kinds = Object.entries(alert.kinds)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, n]) => `${n} ${PLURAL[kind]![n === 1 ? 0 : 1]}`);
  return `${ended}${listed(kinds)} ${where(alert)}; the most severe: ${worst}${held}`;
}

const PLURAL: Readonly<Record<string, readonly [string, string]>> = {
  anomaly: ['anomaly', 'anomalies'],
  burn: ['error budget', 'error budgets'],
  forecast: ['forecast', 'forecasts'],
};

function where({ origin, labels }: Alert): string {
  if (isOverflow(origin)) return 'that found no room, because too many alerts are open';
  const texts = Object.entries(labels).map(([label, value]) => `${label} ${value}`);
  return `share ${listed(texts)}`;
}

function listed(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
