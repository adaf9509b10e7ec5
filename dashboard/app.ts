import { computed, effect } from '@preact/signals';
import { redrawAll } from './charts/frames.js';
import { forgetPalette } from './charts/palette.js';
import { paused, range, setEdge } from './charts/view.js';
import { now, serverNow, setServerTime, startClock } from './clock.js';
import { Connection } from './live/connection.js';
import { FreshnessWatch } from './live/freshness.js';
import { PROTOCOL, type Alert, type Anomaly, type Burn, type Forecast } from './live/protocol.js';
import { refreshBudgets } from './store/budgets.js';
import { feedback, findLearners } from './store/feedback.js';
import { FindingStore } from './store/finding-store.js';
import { Past } from './store/past.js';
import { SeriesStore } from './store/series-store.js';
import { theme } from './theme.js';

/** How often error budgets are asked for while nothing says that they have changed. */
const BUDGETS_MS = 10_000;

// Everything the page knows, each in its store; panels and charts read from here.

const watch = new FreshnessWatch();
export const { freshness } = watch;

export const series = new SeriesStore((changed) => {
  watch.rows(Date.now());
  setEdge(series.oldest, series.newest, true);
  redrawAll(changed);
});
export const past = new Past(series, serverNow, (changed) => {
  setEdge(series.oldest, series.newest, freshness.peek().state === 'fresh');
  redrawAll(changed);
});

export const anomalies = new FindingStore<Anomaly>();
export const forecasts = new FindingStore<Forecast>();
export const burns = new FindingStore<Burn>(() => void refreshBudgets());
export const alerts = new FindingStore<Alert>();

const byKey = computed(() => {
  const found = new Map<string, Anomaly[]>();
  for (const anomaly of [...anomalies.open.value, ...anomalies.closed.value]) {
    const others = found.get(anomaly.series);
    if (others === undefined) found.set(anomaly.series, [anomaly]);
    else others.push(anomaly);
  }
  return found;
});

/** Anomalies of a series, those that are open first. */
export function anomaliesOf(text: string): readonly Anomaly[] {
  return byKey.value.get(text) ?? [];
}

export const connection = new Connection({
  open: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`, PROTOCOL),
  receivers: { metrics: series, anomalies, forecasts, 'burn-rates': burns, alerts, feedback },
  clock: Date.now,
  random: Math.random,
  onServerTime: setServerTime,
});

/** Connects, and keeps what depends on time going. */
export function start(): void {
  startClock();
  connection.connect();
  void refreshBudgets();
  setInterval(() => {
    if (!document.hidden) void refreshBudgets();
  }, BUDGETS_MS);
  // Whoever looks at the page again, or is back in the network, does not want to wait.
  addEventListener('online', () => connection.connect());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connection.connect();
  });
  effect(() => {
    // Of a server that comes back, the graph may be another one.
    if (connection.link.value.state === 'live') void findLearners();
  });
  effect(() => {
    // Every second, and whenever the link changes.
    if (now.value > 0) watch.look(Date.now(), connection.link.value);
  });
  effect(() => {
    const flowing = freshness.value.state === 'fresh';
    setEdge(series.oldest, series.newest, flowing);
    // Time goes on also when no rows do.
    if (!flowing && now.value > 0) redrawAll();
  });
  effect(() => {
    forgetPalette();
    if (theme.value !== undefined) redrawAll();
  });
  effect(() => {
    if (range.value.ms > 0 && !paused.value && byKey.value.size >= 0) redrawAll();
  });
}
