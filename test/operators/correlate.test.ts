import fc from 'fast-check';
import t from 'tap';
import { alertSchema, findingId, severities, type Alert, type Finding, type Severity } from '../../engine/finding.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { Alerts } from '../../operators/correlate/alerts.js';
import definition from '../../operators/correlate/definition.js';
import { runReference } from '../kit/reference.js';
import { formatTime, parseMessages, type Message } from '../kit/text.js';
import { restarting } from './restarting.js';

const MINUTE = 60_000;

function alertsOf(config: object, messages: readonly Message[]): Alert[] {
  return runReference(definition, definition.config.parse(config), messages).findings.map((finding) => alertSchema.parse(finding));
}

/** `TIME STATE SERIES SEVERITY count` of each revision. */
function run(config: object, lines: readonly string[]): string[] {
  return alertsOf(config, parseMessages(lines)).map(({ time, state, series, severity, count }) => `${formatTime(time)} ${state} ${series} ${severity} ${count}`);
}

await t.test('the findings of an alert share at least one label value; it joins where it shares most', async (t) => {
  const input = [
    '1m finding anomaly opened cpu{host="a",service="shop"} low',
    '2m finding anomaly opened cpu{host="b",service="mail"} low',
    '3m finding anomaly opened ram{host="b",service="shop"} low',
    '4m finding anomaly opened net{host="b",service="mail"} low',
    '5m finding anomaly opened net{host="a"} low',
    '6m finding anomaly opened net{service="shop"} low',
  ];
  const alerts = alertsOf({}, parseMessages(input));
  t.strictSame(
    alerts.map(({ series, labels, count }) => [series, labels, count]),
    [
      ['alert{host="a",service="shop"}', { host: 'a', service: 'shop' }, 1],
      ['alert{host="b",service="mail"}', { host: 'b', service: 'mail' }, 1],
      // Shares one value with each: the older.
      ['alert{host="a",service="shop"}', { service: 'shop' }, 2],
      ['alert{host="b",service="mail"}', { host: 'b', service: 'mail' }, 2],
      // The host of one of the two, but not of both.
      ['alert{host="a"}', { host: 'a' }, 1],
      ['alert{host="a",service="shop"}', { service: 'shop' }, 3],
    ],
  );
  for (const { id, correlationId, openedAt, series } of alerts) t.strictSame([id, correlationId], [findingId('correlate', 'alert', series, openedAt), id]);
});

await t.test('without the labels a finding goes by its metric, a burn by its SLO', async (t) => {
  const input = [
    '1m finding anomaly opened cpu{mode="user"} low',
    '2m finding anomaly opened cpu{mode="system"} low',
    '3m finding anomaly opened load low',
    '4m finding burn opened slo{slo="x"} low slo=x',
    '5m finding burn opened slo{slo="y"} low slo=y',
  ];
  t.strictSame(run({}, input), [
    '1m opened alert{metric="cpu"} low 1',
    '2m grew alert{metric="cpu"} low 2',
    '3m opened alert{metric="load"} low 1',
    '4m opened alert{slo="x"} low 1',
    '5m opened alert{slo="y"} low 1',
  ]);
});

await t.test('what is open draws others in, also after the window; a forecast does not', async (t) => {
  t.strictSame(run({ window: '10m' }, ['0s finding anomaly opened cpu{host="a"} low', '3h finding anomaly opened ram{host="a"} low']).at(-1), '3h grew alert{host="a"} low 2');
  const forecast = ['0s finding forecast opened disk{host="a"} low', '10m finding anomaly opened cpu{host="a"} low', '10m finding anomaly closed cpu{host="a"} low'];
  t.strictSame(run({ window: '10m' }, [...forecast, '20m finding anomaly opened ram{host="a"} low']).at(-1), '20m grew alert{host="a"} low 3');
  t.strictSame(run({ window: '10m' }, [...forecast, '21m finding anomaly opened ram{host="a"} low']).at(-1), '21m opened alert{host="a"} low 1');
});

await t.test('an alert closes when all is closed, after both delays', async (t) => {
  const opened = ['0s finding anomaly opened cpu{host="a"} low', '1m finding anomaly opened ram{host="a"} low'];
  const early = [...opened, '2m finding anomaly closed cpu{host="a"} low', '3m finding anomaly closed ram{host="a"} low'];
  t.strictSame(run({}, early).at(-1), '11m closed alert{host="a"} low 2', 'the window after the last has joined');
  const late = [...opened, '2m finding anomaly closed cpu{host="a"} low', '30m finding anomaly closed ram{host="a"} low'];
  t.strictSame(run({}, late).at(-1), '35m closed alert{host="a"} low 2', 'the time of duplicates after the last has closed');
  t.strictSame(run({}, [...late, 'watermark 34m', '35m finding anomaly opened net{host="a"} low']).slice(-2), ['35m closed alert{host="a"} low 2', '35m opened alert{host="a"} low 1']);
  t.strictSame(run({}, opened).length, 2, 'never while something is open');
});

await t.test('the same again is held back, unless it is worse or comes later', async (t) => {
  const again = (at: string, severity: string): string[] => [
    '0s finding anomaly opened cpu{host="a"} medium',
    '1m finding anomaly opened ram{host="a"} low',
    '2m finding anomaly closed cpu{host="a"} medium',
    `${at} finding anomaly opened cpu{host="a"} ${severity}`,
    '40m finding anomaly closed cpu{host="a"} medium',
    '50m finding anomaly closed ram{host="a"} low',
  ];
  const last = (lines: readonly string[]): unknown[] => alertsOf({}, parseMessages(lines)).map(({ count, suppressed, severity, members }) => [count, suppressed, severity, members.length]);
  t.strictSame(last(again('7m', 'medium')), [[1, 0, 'medium', 1], [2, 0, 'medium', 2], [2, 1, 'medium', 2]]);
  t.strictSame(last(again('7m', 'critical')), [[1, 0, 'medium', 1], [2, 0, 'medium', 2], [2, 1, 'critical', 2], [2, 1, 'critical', 2]]);
  t.strictSame(last(again('7m1s', 'medium')), [[1, 0, 'medium', 1], [2, 0, 'medium', 2], [3, 0, 'medium', 3], [3, 0, 'medium', 3]]);
});

await t.test('severity: below the least no alert; one that grows past it opens, one that rises revises', async (t) => {
  const input = [
    '1m finding anomaly opened cpu{host="a"} low',
    '2m finding anomaly grew cpu{host="a"} medium',
    '3m finding anomaly grew cpu{host="a"} medium',
    '4m finding anomaly grew cpu{host="a"} critical',
    '5m finding anomaly grew cpu{host="a"} low',
    '6m finding anomaly opened ram{host="b"} low',
    '7m finding anomaly closed cpu{host="a"} low',
    '8m finding anomaly closed ram{host="b"} low',
  ];
  t.strictSame(run({ min_severity: 'medium' }, input), ['2m opened alert{host="a"} medium 1', '4m grew alert{host="a"} critical 1', '12m closed alert{host="a"} critical 1']);
});

await t.test('what finds no room is counted in one further alert', async (t) => {
  const input = ['a', 'b', 'c', 'd'].flatMap((host, i) => [`${i}m finding anomaly opened cpu{host="${host}"} low`, `2h finding anomaly closed cpu{host="${host}"} low`]);
  t.strictSame(run({ max_alerts: 2 }, input), [
    '0s opened alert{host="a"} low 1',
    '1m opened alert{host="b"} low 1',
    '2m opened alert low 1',
    '3m grew alert low 2',
    '2h5m closed alert{host="a"} low 1',
    '2h5m closed alert{host="b"} low 1',
    '2h5m closed alert low 2',
  ]);
});

await t.test('the same that opens again though it was never closed is a duplicate, however late; only the last one closes it', async (t) => {
  const alerts = new Alerts({ window: MINUTE, duplicates: MINUTE, minSeverity: 0, maxAlerts: 10 }, () => {});
  const observe = (id: string, state: 'opened' | 'closed', time: number): void =>
    alerts.observe({ id, key: 'key', kind: 'anomaly', state, time, severity: 1, explanation: '', labels: { host: 'a' }, holds: true });
  observe('first', 'opened', 0);
  observe('second', 'opened', 60 * MINUTE);
  observe('first', 'closed', 61 * MINUTE);
  t.equal(alerts.due, Infinity);
  observe('second', 'closed', 62 * MINUTE);
  t.equal(alerts.due, 63 * MINUTE);
  t.match(JSON.parse(alerts.save()!), [{ count: 1, suppressed: 1, members: ['first'] }]);
});

await t.test('a storm: members are listed and waited for up to a bound, and counted beyond', async (t) => {
  // One for each listed, then at 128, 256, ... 16384.
  let revisions = 0;
  const alerts = new Alerts({ window: MINUTE, duplicates: MINUTE, minSeverity: 0, maxAlerts: 10 }, () => (revisions += 1));
  const observe = (n: number, state: 'opened' | 'closed', time: number): void =>
    alerts.observe({ id: `${n}`, key: `key${n}`, kind: 'anomaly', state, time, severity: 1, explanation: '', labels: { host: 'a' }, holds: true });
  for (let n = 0; n < 30_000; n++) observe(n, 'opened', n);
  const [alert] = JSON.parse(alerts.save()!) as { count: number; members: string[]; tracked: object }[];
  t.match({ count: alert!.count, listed: alert!.members.length, tracked: Object.keys(alert!.tracked).length, revisions }, { count: 30_000, listed: 100, tracked: 20_000, revisions: 100 + 8 });
  for (let n = 0; n < 30_000; n++) observe(n, 'closed', 30_000 + n);
  t.equal(alerts.due, 49_999 + MINUTE, 'the last that is waited for');
  alerts.settle(Infinity);
  t.strictSame([alerts.save(), alerts.due], [undefined, Infinity]);
});

// Random findings: each series opens, grows and closes by its own.

interface Step {
  readonly gap: number;
  readonly subject: number;
  readonly severity: number;
  readonly closes: boolean;
  readonly watermark: boolean;
}

const steps = fc.array(
  fc.record<Step>({
    gap: fc.oneof(fc.nat(MINUTE), fc.nat(5 * MINUTE), fc.nat(60 * MINUTE)),
    subject: fc.nat(11),
    severity: fc.nat(severities.length - 1),
    closes: fc.boolean(),
    watermark: fc.boolean(),
  }),
  { maxLength: 60 },
);

function findingsOf(drawn: readonly Step[]): Finding[] {
  const open = new Map<string, Finding>();
  let time = MINUTE;
  const findings: Finding[] = [];
  const tell = (subject: number, severity: Severity, closes: boolean): void => {
    const labels = [{ host: 'a' }, { host: 'b' }, { host: 'a', service: 'x' }, { host: 'b', service: 'x' }, { service: 'y' }, {}][subject % 6]!;
    const forecast = subject >= 10;
    const series = makeSeries(subject < 6 ? 'cpu' : 'ram', labels as Record<string, string>);
    const text = seriesText(series.name, series.labels);
    const kind = forecast ? 'forecast' : 'anomaly';
    const key = `${kind} ${text}`;
    const before = open.get(key);
    const [template] = parseMessages([`1s finding ${kind} opened ${text} ${severity}`]) as [Extract<Message, { type: 'finding' }>];
    const openedAt = before?.openedAt ?? time;
    const state = before === undefined ? 'opened' : closes ? 'closed' : 'grew';
    const finding = { ...template.finding, id: findingId('input', kind, text, openedAt), revision: (before?.revision ?? 0) + 1, state, openedAt, time } as Finding;
    findings.push(finding);
    if (state === 'closed') open.delete(key);
    else open.set(key, finding);
  };
  for (const { gap, subject, severity, closes } of drawn) {
    time += gap + 1;
    tell(subject, severities[severity]!, closes);
  }
  for (let subject = 0; subject < 12; subject++) {
    time += MINUTE;
    tell(subject, 'info', true);
    if (findings.at(-1)!.state !== 'closed') tell(subject, 'info', true);
  }
  return findings;
}

function messagesOf(findings: readonly Finding[], watermarks: (index: number) => boolean): Message[] {
  return findings.flatMap((finding, i): Message[] => {
    const message: Message = { type: 'finding', port: 0, finding };
    return watermarks(i) ? [message, { type: 'watermark', time: finding.time + 1 }] : [message];
  });
}

const config = { min_severity: 'low', max_alerts: 3, window: '10m', duplicates: '5m' };

await t.test('alerts do not depend on how the findings are cut by watermarks, nor on restarts after every call', async (t) => {
  const parsed = definition.config.parse(config);
  fc.assert(
    fc.property(steps, (drawn) => {
      const findings = findingsOf(drawn);
      const expected = JSON.stringify(runReference(definition, parsed, messagesOf(findings, () => false)).findings);
      const cut = messagesOf(findings, (i) => drawn[i]?.watermark === true);
      if (JSON.stringify(runReference(definition, parsed, cut).findings) !== expected) throw new Error('cut in another way');
      if (JSON.stringify(runReference(restarting(definition), parsed, cut).findings) !== expected) throw new Error('restarted');
    }),
    { numRuns: 200 },
  );
  t.pass();
});

await t.test('each finding is in one alert or held back; an alert opens, grows and closes in order', async (t) => {
  fc.assert(
    fc.property(steps, (drawn) => {
      const findings = findingsOf(drawn);
      const alerts = alertsOf(config, messagesOf(findings, (i) => drawn[i]?.watermark === true));
      const byId = new Map<string, Alert[]>();
      for (const alert of alerts) byId.set(alert.id, [...(byId.get(alert.id) ?? []), alert]);
      const told = new Map<string, string>();
      let counted = 0;
      for (const [id, revisions] of byId) {
        revisions.forEach(({ revision, state, time }, i) => {
          if (revision !== i + 1) throw new Error(`${id}: revision ${revision} after ${i}`);
          if (state !== (i === 0 ? 'opened' : i === revisions.length - 1 ? 'closed' : 'grew')) throw new Error(`${id}: ${state} at ${i} of ${revisions.length}`);
          if (i > 0 && time < revisions[i - 1]!.time) throw new Error(`${id}: goes back`);
        });
        const last = revisions.at(-1)!;
        counted += last.count + last.suppressed;
        if (last.members.length !== last.count) throw new Error(`${id}: lists ${last.members.length} of ${last.count}`);
        for (const member of last.members) {
          if (told.has(member)) throw new Error(`${member} is in two alerts`);
          told.set(member, id);
          const of = findings.filter((finding) => finding.id === member);
          const closed = of.at(-1)!;
          if (closed.time + 5 * MINUTE > last.time) throw new Error(`${id} closes before its member ${member} at ${closed.time}`);
          for (const [label, value] of Object.entries(last.labels)) if (label !== 'metric' && closed.labels[label] !== value) throw new Error(`${member} does not share ${label} ${value}`);
          const worst = Math.max(...of.filter(({ state }) => state !== 'closed').map(({ severity }) => severities.indexOf(severity)));
          if (worst > severities.indexOf(last.severity)) throw new Error(`${id} is less severe than ${member}`);
        }
      }
      const severe = new Set(findings.filter(({ severity, state }) => severity !== 'info' && state !== 'closed').map(({ id }) => id));
      if (counted !== severe.size) throw new Error(`${counted} of ${severe.size} counted`);
    }),
    { numRuns: 200 },
  );
  t.pass();
});
