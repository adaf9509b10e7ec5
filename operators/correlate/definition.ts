import { z } from 'zod';
import { findingId, severities, type Alert as AlertFinding, type Finding } from '../../engine/finding.js';
import { defineOperator } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { Alerts, type Alert, type Observation } from './alerts.js';
import { explain } from './explain.js';

const config = z.strictObject({
  by: z
    .array(z.string().min(1))
    .min(1)
    .default(['host', 'service'])
    .describe('Labels whose values tell what belongs together. A finding with none of them goes by its metric, a burn by its SLO.'),
  window: duration({ min: '1s', max: '7d' }).prefault('10m').describe('A finding joins an alert up to so long after the last one that joined it.'),
  duplicates: duration({ max: '7d' })
    .prefault('300s')
    .describe('The same finding (operator, kind and series) opening again within this time of when it was last heard of is held back and counted; an alert stays open so long after the last of its findings closed.'),
  min_severity: z.enum(severities).default('low').describe('Findings below it raise no alert.'),
  max_alerts: z.number().int().min(1).max(10_000).default(1_000).describe('Alerts open at once; what finds no room goes into one further alert, which counts it.'),
});

type Config = z.output<typeof config>;

export default defineOperator({
  name: 'correlate',
  version: 1,
  summary: 'Groups findings that belong together into alerts, and holds duplicates back',
  description: `
Takes anomalies, forecasts and burnt error budgets and gives alerts: what people are told, instead of each finding.

**What belongs together.** A finding joins an open alert when it overlaps with it in time and shares at least one value of the labels in
\`by\` with all of its findings; of several alerts, the one with which it shares the most, then the oldest. It overlaps when an
anomaly or burn of the alert is still open, or when the last finding joined at most \`window\` ago. (A forecast stands for weeks, so that
it is open does not draw others in.) A finding with none of these labels goes by its metric, a burn by its SLO. What joins no alert opens one.

**Duplicates.** The same finding (operator, kind and series) opening again while it is open, or within \`duplicates\` of when it was last
heard of, is counted in \`suppressed\` and held back: no revision, unless it is more severe than all before.

**Life.** An alert gets a revision when a finding joins and when its severity, the highest of its findings, rises. It closes once
all of its findings have closed, at the earliest \`duplicates\` after the last of them closed and \`window\` after the last joined. Its id is
also its \`correlationId\`, made from the labels and time with which it opened; its \`series\` says those labels, its \`labels\` what
its findings share now.

**Bounds.** An alert lists its first 100 findings and counts the others, with a revision each time their number has doubled. Past \`max_alerts\` open alerts, findings that join none go
into one alert without labels, \`alert\`. All alerts together wait for at most 20,000 findings to close; more are counted.
`.trim(),
  config,
  examples: [
    {
      title: 'Two anomalies of one host are one alert; the one that comes again is held back',
      config: {},
      input: [
        '1m finding anomaly opened cpu_usage{host="a"} medium operator=odd',
        '2m finding anomaly opened memory_used{host="a",service="shop"} critical operator=odd',
        '4m finding anomaly closed cpu_usage{host="a"} medium operator=odd',
        '5m finding anomaly opened cpu_usage{host="a"} medium operator=odd',
        '8m finding anomaly closed cpu_usage{host="a"} medium operator=odd',
        '9m finding anomaly closed memory_used{host="a",service="shop"} critical operator=odd',
      ],
      output: [
        '1m alert opened alert{host="a"} medium: anomaly of cpu_usage{host="a"}',
        '2m alert grew alert{host="a"} critical: 2 anomalies share host a; the most severe: anomaly of memory_used{host="a",service="shop"}',
        '14m alert closed alert{host="a"} critical: over: 2 anomalies share host a; the most severe: anomaly of memory_used{host="a",service="shop"}; held back 1 duplicate',
      ],
    },
    {
      title: 'By service across hosts; what is not severe enough raises no alert',
      config: { by: ['service'], min_severity: 'medium' },
      input: [
        '1m finding anomaly opened latency{host="a",service="shop"} high operator=odd',
        '2m finding forecast opened disk_used{host="a",service="shop"} low operator=trend',
        '3m finding anomaly opened errors{host="b",service="shop"} medium operator=odd',
        '4m finding burn opened slo{slo="search"} high operator=budgets slo=search',
      ],
      output: [
        '1m alert opened alert{service="shop"} high: anomaly of latency{host="a",service="shop"}',
        '3m alert grew alert{service="shop"} high: 2 anomalies share service shop; the most severe: anomaly of latency{host="a",service="shop"}',
        '4m alert opened alert{slo="search"} high: burn of slo{slo="search"}',
      ],
    },
  ],
  ports: () => ({ input: { findings: ['anomaly', 'forecast', 'burn'] }, output: { findings: ['alert'] } }),
  route: () => 'one',
  create(settings, { node, self }) {
    const changes: AlertFinding[] = [];
    const { window, duplicates, min_severity, max_alerts } = settings;
    const alerts = new Alerts({ window, duplicates, minSeverity: severities.indexOf(min_severity), maxAlerts: max_alerts }, (state, alert) =>
      changes.push(alertOf(node, state, alert)),
    );
    const { by } = settings;
    return {
      receive(finding, _state, out) {
        if (finding.kind === 'alert') return;
        alerts.observe(observationOf(finding, by));
        for (const change of changes.splice(0)) out.finding(change);
        out.wake(self, alerts.due);
      },
      wake(_slot, time, _state, out) {
        alerts.settle(time);
        for (const change of changes.splice(0)) out.finding(change);
        out.wake(self, alerts.due);
      },
      save(slot) {
        const saved = slot === self ? alerts.save() : undefined;
        return saved === undefined ? undefined : new TextEncoder().encode(saved);
      },
      restore(slot, saved) {
        if (slot === self) alerts.restore(new TextDecoder().decode(saved));
      },
    };
  },
});

function observationOf(finding: Exclude<Finding, { kind: 'alert' }>, by: Config['by']): Observation {
  const { id, state, time, operator, kind, series, severity, explanation } = finding;
  const labels: Record<string, string> = {};
  for (const label of by) {
    const value = finding.labels[label];
    if (value !== undefined) labels[label] = value;
  }
  if (Object.keys(labels).length === 0) {
    if (kind === 'burn') labels['slo'] = finding.slo;
    else labels['metric'] = finding.metric;
  }
  return {
    id,
    key: `${operator}\0${kind}\0${series}`,
    kind,
    state,
    time,
    severity: severities.indexOf(severity),
    explanation,
    labels,
    // A forecast stands for weeks: what happens meanwhile is not all one trouble.
    holds: kind !== 'forecast',
  };
}

function alertOf(node: string, state: AlertFinding['state'], alert: Alert): AlertFinding {
  const { openedAt, time, revision, severity, labels, count, suppressed, members } = alert;
  const origin = makeSeries('alert', alert.origin);
  const series = seriesText(origin.name, origin.labels);
  const id = findingId(node, 'alert', series, openedAt);
  return {
    id,
    revision,
    state,
    operator: node,
    series,
    metric: origin.name,
    labels: { ...labels },
    openedAt,
    time,
    severity: severities[severity]!,
    explanation: explain(state, alert),
    kind: 'alert',
    correlationId: id,
    members: [...members],
    count,
    suppressed,
  };
}
