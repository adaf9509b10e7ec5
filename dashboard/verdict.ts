import type { Freshness } from './live/freshness.js';
import type { Alert, Anomaly, Forecast } from './live/protocol.js';
import { rank } from './store/finding-store.js';
import type { Budget } from './store/budgets.js';
import { titleOf } from './format/names.js';
import { formatLength } from './format/time.js';

export interface Verdict {
  readonly tone: 'calm' | 'notable' | 'serious' | 'unknown';
  readonly headline: string;
  readonly detail: string;
}

export interface Situation {
  readonly freshness: Freshness;
  readonly alerts: readonly Alert[];
  readonly anomalies: readonly Anomaly[];
  readonly forecasts: readonly Forecast[];
  readonly budgets: readonly Budget[];
  readonly now: number;
  /** Series that are watched. */
  readonly watched: number;
}

/** The one sentence that is read first: is something wrong, and how bad is it? */
export function judge({ freshness, alerts, anomalies, forecasts, budgets, now, watched }: Situation): Verdict {
  if (freshness.state === 'stale') {
    return { tone: 'unknown', headline: 'Not connected', detail: 'What you see is from before the connection was lost. The page comes back by itself.' };
  }
  if (freshness.state === 'waiting') return { tone: 'unknown', headline: 'Waiting for data', detail: 'Connected; no rows have come yet.' };
  const spent = budgets.filter(({ status }) => status === 'breached' || status === 'critical');
  const short = forecasts.filter(({ recommended_action }) => recommended_action === 'immediate_scale_up_required');
  const worst = Math.max(-1, ...alerts.map(({ severity }) => rank(severity)));
  const facts = [
    anomalies.length > 0 ? `unusual: ${listed(anomalies.map(({ metric_name }) => titleOf(metric_name)))}` : '',
    spent.length > 0 ? `${listed(spent.map(({ name }) => name))} ${spent.length === 1 ? 'burns its' : 'burn their'} error budget` : '',
    short.length > 0 ? `capacity runs out soon: ${listed(short.map(({ metric_name }) => titleOf(metric_name)))}` : '',
  ].filter((fact) => fact !== '');
  if (alerts.length > 0) {
    const since = Math.min(...alerts.map(({ opened_at }) => Date.parse(opened_at)));
    // What no other part of the page would say in so few words, the alert says itself.
    if (facts.length === 0) facts.push(alerts[0]!.explanation);
    return {
      tone: worst >= rank('high') ? 'serious' : 'notable',
      headline: `${count(alerts.length, 'alert is', 'alerts are')} firing`,
      detail: sentence([`${alerts.length > 1 ? 'the oldest ' : ''}for ${formatLength(now - since)}`, ...facts].join('; ')),
    };
  }
  if (spent.length > 0 || short.length > 0) return { tone: 'serious', headline: sentence(facts.at(-1)!), detail: sentence(facts.slice(0, -1).join('; ')) };
  if (anomalies.length > 0) return { tone: 'notable', headline: `${count(anomalies.length, 'anomaly', 'anomalies')} open`, detail: `${sentence(facts[0]!)}. No alert is firing.` };
  return { tone: 'calm', headline: 'All quiet', detail: `${count(watched, 'series is', 'series are')} watched for anomalies; nothing is unusual now.` };
}

/** Names, the first three. */
function listed(all: readonly string[]): string {
  const names = [...new Set(all)];
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function sentence(text: string): string {
  return text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}`;
}
