import { formatDuration } from '../../engine/scalars.js';
import type { Firing, Judgement } from './monitor.js';

/** One sentence for a person on what changed about an SLO. `period` in ms; `since`: when the finding opened. */
export function explain(slo: string, judgement: Judgement, firing: Firing, period: number, since: number): string {
  const { pair, long, short, events } = firing;
  const budget = `the error budget of ${formatDuration(period)}`;
  const remaining = judgement.budgetRemaining;
  const left = remaining >= 0 ? `${number(remaining)} % of ${budget} is left` : `${budget} is spent ${number(1 - remaining / 100)} times over`;
  const shortText = `${number(short)} over ${formatDuration(pair.short)}`;
  if (judgement.change === 'closed') {
    return `${slo} has recovered after ${formatDuration(judgement.time - since)}: the burn rate is ${shortText}, no longer above ${number(pair.threshold)}; ${left}`;
  }
  const bad = Math.max(0, events.total - events.good);
  return (
    `${slo} burns its error budget ${number(long)} times as fast as it lasts: ${number(bad)} of ${number(events.total)} events in ${formatDuration(pair.long)} were bad, ` +
    `and the burn rate is ${shortText} (limit ${number(pair.threshold)}); ${left}`
  );
}

function number(value: number): string {
  return String(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3)));
}
