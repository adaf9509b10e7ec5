import { computed, useSignalEffect } from '@preact/signals';
import { alerts, anomalies, forecasts, freshness, series } from '../app.js';
import { now } from '../clock.js';
import { budgets } from '../store/budgets.js';
import { judge, type Verdict } from '../verdict.js';
import { Icon } from './icons.js';

const verdict = computed(() =>
  judge({
    freshness: freshness.value,
    alerts: alerts.open.value,
    anomalies: anomalies.open.value,
    forecasts: forecasts.open.value,
    budgets: budgets.value ?? [],
    now: now.value,
    watched: watched.value,
  }),
);

const watched = computed(() => (series.version.value >= 0 ? new Set([...series.all()].filter(({ lower }) => lower > 0).map(({ key }) => key)).size : 0));

/** The answer to "is it bad?", in one line. */
export function VerdictLine() {
  useSignalEffect(() => showIcon(verdict.value));
  const { tone, headline, detail } = verdict.value;
  return (
    <section class={`verdict ${tone}`} aria-label="How things are">
      <span class="verdict-icon">
        <Icon name={tone} />
      </span>
      <div>
        <h2 aria-live="polite">{headline}</h2>
        <p>{detail}</p>
      </div>
    </section>
  );
}

/** A tab in the background shows that something fires. */
function showIcon({ tone }: Verdict): void {
  const link = document.querySelector<HTMLLinkElement>('#icon')!;
  const href = tone === 'serious' ? '/icon-alert.svg' : '/icon.svg';
  if (link.getAttribute('href') !== href) link.setAttribute('href', href);
}
