import { useComputed, useSignal } from '@preact/signals';
import { series } from '../app.js';
import { ChartCard } from '../charts/chart-card.js';
import { groupSeries, type Group } from '../charts/grouping.js';
import { Lesson } from './lesson.js';

/** Charts of a section shown at first. */
const AT_FIRST = 24;

/** All charts: the machine's, a person's own metrics, and the machine's details. */
export function Charts() {
  const groups = useComputed(() => groupSeries(series.version.value >= 0 ? series.all() : []));
  const { machine, own, details } = groups.value;
  return (
    <div class="charts">
      {machine.length + own.length + details.length === 0 && <p class="none waiting">Waiting for the first rows …</p>}
      <Section title="This machine" groups={machine} />
      <Section title="Your metrics" groups={own}>
        {own.length === 0 && machine.length > 0 && (
          <Lesson command={`curl ${location.origin}/api/metrics -d '{"metric_name":"checkout_seconds","value":0.42,"labels":{"shop":"berlin"}}'`}>
            Send any number and it is drawn, watched and kept. Repeat this with changing values:
          </Lesson>
        )}
      </Section>
      {details.length > 0 && <Details groups={details} />}
    </div>
  );
}

function Section({ title, groups, children }: { readonly title: string; readonly groups: readonly Group[]; readonly children?: preact.ComponentChildren }) {
  const all = useSignal(false);
  const shown = all.value ? groups : groups.slice(0, AT_FIRST);
  if (groups.length === 0 && (children === undefined || children === false)) return null;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {children}
      <div class="grid">
        {shown.map((group) => (
          <ChartCard key={group.key} group={group} />
        ))}
      </div>
      {shown.length < groups.length && (
        <button type="button" class="plain" onClick={() => (all.value = true)}>
          Show {groups.length - shown.length} more charts
        </button>
      )}
    </section>
  );
}

/** Drawn only once a person opens it. */
function Details({ groups }: { readonly groups: readonly Group[] }) {
  const open = useSignal(false);
  return (
    <details class="more" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>More of this machine ({groups.length} charts)</summary>
      {open.value && (
        <div class="grid">
          {groups.map((group) => (
            <ChartCard key={group.key} group={group} />
          ))}
        </div>
      )}
    </details>
  );
}
