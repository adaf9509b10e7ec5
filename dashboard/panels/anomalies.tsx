import { anomalies } from '../app.js';
import { now } from '../clock.js';
import { tell, toneOf } from '../format/findings.js';
import type { Anomaly } from '../live/protocol.js';
import { AnomalyFeedback } from './anomaly-feedback.js';
import { Lesson } from './lesson.js';
import { Panel } from './panel.js';
import { SeverityTag } from './severity-tag.js';
import { Since } from './since.js';

/** Open ones shown at most, and closed ones besides. */
const OPEN = 12;
const CLOSED = 5;

export function Anomalies() {
  const open = anomalies.open.value;
  const closed = anomalies.closed.value.slice(0, CLOSED);
  return (
    <Panel id="anomalies" title="Anomalies" count={open.length}>
      {open.length === 0 && closed.length === 0 && (
        <Lesson>Nothing unusual so far. Every series is compared with its own past; what leaves its shaded band is marked in the chart and listed here.</Lesson>
      )}
      {open.length === 0 && closed.length > 0 && <p class="none">None is open.</p>}
      <ul class="findings" role="list">
        {[...open.slice(0, OPEN), ...closed].map((anomaly) => (
          <AnomalyItem key={anomaly.id} anomaly={anomaly} />
        ))}
      </ul>
      {open.length > OPEN && <p class="none">{open.length - OPEN} more are open; each is marked in its chart.</p>}
    </Panel>
  );
}

function AnomalyItem({ anomaly }: { readonly anomaly: Anomaly }) {
  const over = anomaly.state === 'closed';
  const { subject, value, usual } = tell(anomaly, over ? 0 : now.value);
  return (
    <li class={`finding ${toneOf(anomaly.severity)} ${over ? 'over' : 'open'}`}>
      <button type="button" class="finding-link" onClick={() => show(anomaly.id)} title={anomaly.explanation}>
        <span class="finding-head">
          <SeverityTag severity={anomaly.severity} />
          <strong>{subject}</strong>
        </span>
        <span>
          <b class="numbers">{value}</b>, usual <span class="numbers">{usual}</span>
        </span>
        <span class="finding-when">
          {over ? 'over; began ' : 'since '}
          <Since time={Date.parse(anomaly.opened_at)} />
        </span>
      </button>
      <AnomalyFeedback anomaly={anomaly} subject={subject} />
    </li>
  );
}

/** Goes to its mark in the chart, if one is drawn. */
function show(id: string): void {
  const mark = document.querySelector<HTMLElement>(`[data-anomaly="${CSS.escape(id)}"]`);
  const card = mark?.closest<HTMLElement>('.card');
  card?.scrollIntoView({ block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  mark?.focus({ preventScroll: true });
}
