import { useSignal } from '@preact/signals';
import { alerts, anomalies, burns, forecasts } from '../app.js';
import { toneOf } from '../format/findings.js';
import { formatLength } from '../format/time.js';
import type { Alert, Severity } from '../live/protocol.js';
import { Lesson } from './lesson.js';
import { Panel } from './panel.js';
import { SeverityTag } from './severity-tag.js';
import { Since } from './since.js';

/** Resolved ones that are still shown. */
const RESOLVED = 3;
/** Members listed at first. */
const MEMBERS = 5;

export function Alerts() {
  const open = alerts.open.value;
  const resolved = alerts.closed.value.slice(0, RESOLVED);
  return (
    <Panel id="alerts" title="Alerts" count={open.length}>
      {open.length === 0 && <Lesson>No alert is firing. Anomalies, forecasts and burning budgets that belong together become one alert here.</Lesson>}
      <ul class="findings" role="list">
        {open.map((alert) => (
          <AlertItem key={alert.id} alert={alert} />
        ))}
      </ul>
      {resolved.length > 0 && (
        <details class="past">
          <summary>Last resolved</summary>
          <ul class="findings" role="list">
            {resolved.map((alert) => (
              <AlertItem key={alert.id} alert={alert} />
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

function AlertItem({ alert }: { readonly alert: Alert }) {
  const { severity, labels, explanation, suppressed, count, state } = alert;
  const from = Date.parse(alert.opened_at);
  const subject = Object.entries(labels).map((pair) => pair.join(' ')).join(', ');
  return (
    <li class={`finding ${toneOf(severity)} ${state === 'closed' ? 'over' : 'open'}`} data-alert={alert.id}>
      <p class="finding-head">
        <SeverityTag severity={severity} />
        <strong>{subject === '' ? 'Unlabelled' : subject}</strong>
      </p>
      <p>{explanation}</p>
      <p class="finding-when">
        {state === 'closed' ? `resolved, lasted ${formatLength(Date.parse(alert.timestamp) - from)}; since ` : 'since '}
        <Since time={from} />
        {suppressed > 0 && ` · ${suppressed} ${suppressed === 1 ? 'duplicate' : 'duplicates'} held back`}
      </p>
      <Members ids={alert.members} count={count} correlation={alert.correlation_id} />
    </li>
  );
}

interface MemberLine {
  readonly id: string;
  readonly severity: Severity;
  readonly explanation: string;
}

function Members({ ids, count, correlation }: { readonly ids: readonly string[]; readonly count: number; readonly correlation: string }) {
  const fetched = useSignal<ReadonlyMap<string, MemberLine>>(new Map());
  const all = useSignal(false);
  const known = ids.map((id) => anomalies.get(id) ?? burns.get(id) ?? forecasts.get(id) ?? fetched.value.get(id));
  const look = async (open: boolean) => {
    if (open && known.includes(undefined)) fetched.value = await membersOf(correlation);
  };
  const lines = known.filter((line) => line !== undefined);
  const shown = all.value ? lines : lines.slice(0, MEMBERS);
  return (
    <details class="members" onToggle={(event) => void look(event.currentTarget.open)}>
      <summary>
        {count} {count === 1 ? 'finding' : 'findings'} in it
      </summary>
      <ul role="list">
        {shown.map(({ id, severity, explanation }) => (
          <li key={id}>
            <SeverityTag severity={severity} /> {explanation}
          </li>
        ))}
      </ul>
      {shown.length < lines.length && (
        <button type="button" class="plain" onClick={() => (all.value = true)}>
          Show all {lines.length}
        </button>
      )}
      {lines.length < count && <p class="finding-when">{count - lines.length} more are not kept any longer.</p>}
    </details>
  );
}

/** Members that left the page's memory; empty where the server does not know them either. */
async function membersOf(correlation: string): Promise<ReadonlyMap<string, MemberLine>> {
  try {
    const response = await fetch(`/api/alerts/correlated?${new URLSearchParams({ correlation_id: correlation, time_range: '7d' }).toString()}`);
    if (!response.ok) return new Map();
    const { alerts: found } = (await response.json()) as { readonly alerts: readonly { readonly findings: readonly MemberLine[] }[] };
    return new Map(found.flatMap(({ findings }) => findings.map((finding) => [finding.id, finding])));
  } catch {
    return new Map();
  }
}
