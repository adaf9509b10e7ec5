import fc from 'fast-check';
import t from 'tap';
import type { AnyOperator } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';
import definition from '../../operators/burn-rate/definition.js';
import { fires } from '../../operators/burn-rate/burn.js';
import { Monitor } from '../../operators/burn-rate/monitor.js';
import { pairsOf } from '../../operators/burn-rate/slo.js';
import { runReference } from '../kit/reference.js';
import { formatOutcome, parseMessages, type Message, type Outcome } from '../kit/text.js';
import { restarting } from './restarting.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ratio = {
  name: 'api',
  sli: { name: 'success', type: 'availability', query: 'rate(ok_total[5m]) / rate(all_total[5m])' },
  target_percentage: 99,
  time_period: '7d',
  burn_rate_thresholds: { critical: 10, high: 5, warning: 2 },
};
const measured = { ...ratio, sli: { name: 'success', type: 'availability', target_value: 0.99 } };

/** What comes out, also where everything but the saved state is forgotten after each call. */
function run(slos: readonly object[], lines: readonly string[]): string[] {
  const outcome = (operator: AnyOperator): string[] => formatOutcome(runReference(operator, definition.config.parse({ slos }), parseMessages(lines)));
  const once = outcome(definition);
  const restarted = outcome(restarting(definition));
  if (restarted.join('\n') !== once.join('\n')) throw new Error(`restarted\n${restarted.join('\n')}\nexpected\n${once.join('\n')}`);
  return once;
}

/** Lines of findings without their explanation. */
const findings = (lines: readonly string[]): string[] => lines.filter((line) => line.includes(' burn ')).map((line) => line.split(':', 1)[0]!);

await t.test('counters: what is before the first sample does not count, a drop is a restart from zero', async (t) => {
  const rows = run([ratio], ['0s ok_total 500', '0s all_total 1000', '10s ok_total 590', '10s all_total 1100', '20s ok_total 9', '20s all_total 10', '30s ok_total NaN', '30s all_total stale', '40s all_total -5']);
  // 90 + 9 good of 100 + 10.
  t.strictSame(rows.filter((line) => line.includes('compliance')), ['1m slo{slo="api"} 10 compliance=90 budget_remaining=-900 burn_rate=10']);
});

await t.test('all series of a side count together, a series may be on both sides', async (t) => {
  const slo = { ...ratio, sli: { ...ratio.sli, query: 'rate(all_total{code!="500"}[5m]) / rate(all_total[5m])' } };
  const input = ['200', '201', '500'].flatMap((code, i) => [`0s all_total{code="${code}"} 7`, `${i + 1}s all_total{code="${code}"} ${7 + [50, 30, 20][i]!}`]);
  t.match(run([slo], input), ['1m slo{slo="api"} 20 compliance=80 budget_remaining=-1900 burn_rate=20']);
});

await t.test('an SLO is known before it has traffic, and no traffic burns nothing', async (t) => {
  const quiet = ['0s ok_total 5', '0s all_total 5', 'watermark 2m', '5m ok_total 5', '5m all_total 5', 'watermark 1d'];
  t.strictSame(run([ratio], quiet), ['1m slo{slo="api"} 0 compliance=100 budget_remaining=100 burn_rate=0']);
});

await t.test('good events beyond the total are no credit', async (t) => {
  const rows = run([ratio], ['0s ok_total 0', '0s all_total 0', '1s ok_total 20', '1s all_total 10', '61s ok_total 20', '61s all_total 20']);
  t.match(rows, [/^1m .*compliance=100 /, /^2m .*compliance=100 /]);
});

await t.test('measurements are judged by target_value; for latency at or below it', async (t) => {
  const values = [0.99, 0.98, 1].map((value, i) => `${i}s sli_measurement{sli_name="success"} ${value}`);
  t.match(run([measured], values), [/compliance=66\.6667/, / burn opened /]);
  t.match(run([{ ...measured, sli: { ...measured.sli, type: 'latency' } }], values), [/compliance=66\.6667/, / burn opened /]);
  t.strictSame(run([measured], ['1s sli_measurement{sli_name="other"} 0', '1s sli_measurement 0', '1s success 0']), []);
});

await t.test('measurements and counters of one SLO add up', async (t) => {
  const both = { ...ratio, sli: { ...ratio.sli, target_value: 0.5 } };
  const rows = run([both], ['0s ok_total 0', '0s all_total 0', '1s ok_total 9', '1s all_total 9', '2s sli_measurement{sli_name="success",host="a"} 0.1']);
  t.match(rows, [/compliance=90 /]);
});

await t.test('a finding gets worse, eases, and ends though nothing arrives any more', async (t) => {
  const steady = [...Array(300).keys()].flatMap((i) => [`${i * 60}s ok_total ${i * 100}`, `${i * 60}s all_total ${i * 100}`]);
  // 5 hours of 100 good events a minute; then 6 % bad for a minute, then all bad for one, then nothing.
  const lines = run([ratio], [...steady, '18000s ok_total 29994', '18000s all_total 30000', '18060s ok_total 29994', '18060s all_total 34000', 'watermark 2d']);
  t.strictSame(findings(lines), [
    '5h2m burn opened slo{slo="api"} critical',
    '5h7m burn grew slo{slo="api"} high',
    '5h32m burn grew slo{slo="api"} medium',
    '11h2m burn closed slo{slo="api"} critical',
  ]);
  t.match(lines.find((line) => line.includes('closed')), /has recovered after 6h: the burn rate is 0 over 6h, no longer above 2; /);
});

await t.test('old measurements: an SLO without events begins with them, however old, and is judged at its own time', async (t) => {
  const lines = run([measured], ['watermark 2025-01-01T00:00:00Z', '2024-01-15T10:30:00Z sli_measurement{sli_name="success"} 0.999', 'watermark 2025-01-01T00:01:00Z']);
  t.match(lines[0], '2024-01-15T10:31:00Z slo{slo="api"} 0 compliance=100 budget_remaining=100 burn_rate=0');
  t.match(lines.at(-1), /^2024-01-18T10:3\d:00Z .*compliance=100 /, 'rests when its burn windows are empty');
});

await t.test('old measurements: the last are judged at the end', async (t) => {
  const lines = run([measured], ['10d sli_measurement{sli_name="success"} 1', 'watermark 10d2m', '9d sli_measurement{sli_name="success"} 0']);
  t.match(lines, [/^10d1m .* compliance=100 /, /^10d2m .* compliance=50 /]);
});

await t.test('old measurements: they count where they fall within the period, and are late beyond it', async (t) => {
  const lines = run(
    [measured],
    ['10d sli_measurement{sli_name="success"} 1', 'watermark 10d2m', '9d sli_measurement{sli_name="success"} 0', '2d sli_measurement{sli_name="success"} 0', 'watermark 10d5m'],
  );
  t.match(lines, [/^10d1m .* 0 compliance=100 /, /^10d2m .* 0 compliance=50 /, '2d late slo{slo="api"} 0']);
});

await t.test('a sample of a counter older than its last is late; an equal time is followed', async (t) => {
  const lines = run([ratio], ['0s all_total 0', '10s all_total 10', '5s all_total 7', '10s all_total 12', '10s ok_total 0', '11s ok_total 6']);
  t.match(lines, ['1m slo{slo="api"} 50 compliance=50 budget_remaining=-4900 burn_rate=50', / burn opened /, '5s late slo{slo="api"} 7']);
});

await t.test('old measurements: an SLO that had no traffic yet follows them too', async (t) => {
  const both = { ...ratio, sli: { ...ratio.sli, target_value: 0.5 } };
  const lines = run([both], ['30d ok_total 5', '30d all_total 5', 'watermark 31d', '2d sli_measurement{sli_name="success"} 0', '10d sli_measurement{sli_name="success"} 1', 'watermark 31d1m']);
  t.match(lines, [/^2d1m .*compliance=0 /]);
  t.strictSame(lines.filter((line) => line.includes('late')), []);
});

await t.test('a pair begins above both limits, goes on with the short one, and ends at it', async (t) => {
  const pair = { long: HOUR, short: 5 * MINUTE, threshold: 10, severity: 'critical' } as const;
  t.strictSame([fires(pair, false, 11, 10), fires(pair, false, 10, 11), fires(pair, false, 11, 11)], [false, false, true]);
  t.strictSame([fires(pair, true, 9, 11), fires(pair, true, 11, 10)], [true, false]);
});

await t.test('windows of one SLO take 29 kB, however much is counted', async (t) => {
  const { slos } = definition.config.parse({ slos: [{ ...ratio, time_period: '30d' }] });
  t.equal(Monitor.bytes(pairsOf(slos[0]!), 30 * DAY, MINUTE), 28_848);
  t.ok(Monitor.bytes(pairsOf(slos[0]!), 30 * DAY, 1_000) < 64 * 1024, 'the finest interval');
  const monitor = new Monitor(pairsOf(slos[0]!), 0.99, 30 * DAY, MINUTE);
  for (let time = 0; time < 40 * DAY; time += 7 * MINUTE) {
    monitor.count(time, 1, 2);
    while (monitor.due <= time) monitor.judge();
  }
  t.ok(monitor.save().length < 2 * 28_848 + 1024, 'saved');
});

// A naive account of the same: everything is recomputed from all samples at every minute.

interface Sample {
  readonly gap: number;
  readonly member: number;
  readonly step: number;
  readonly reset: boolean;
  readonly watermark: boolean;
}

const samples = fc.array(
  fc.record<Sample>({
    gap: fc.oneof(fc.nat(5_000), fc.nat(5 * MINUTE), fc.nat(3 * HOUR), fc.nat(2 * DAY)),
    member: fc.nat(3),
    step: fc.oneof(fc.nat(50), fc.double({ min: 0, max: 10, noNaN: true })),
    reset: fc.boolean(),
    watermark: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Four counters, two a side; times go up, a watermark may follow each. */
function messagesOf(drawn: readonly Sample[]): Message[] {
  const names = ['ok_total{i="a"}', 'ok_total{i="b"}', 'all_total{i="a"}', 'all_total{i="b"}'];
  const values = [0, 0, 0, 0];
  const messages: Message[] = [];
  let time = 3 * HOUR;
  for (const { gap, member, step, reset, watermark } of drawn) {
    time += gap;
    values[member] = reset ? step : values[member]! + step;
    const [name, i] = names[member]!.split(/[{}]/) as [string, string];
    messages.push({ type: 'row', port: 0, row: { time, series: makeSeries(name, { i: i.slice(3, -1) }), value: values[member], flags: 0, columns: {} } });
    if (watermark) messages.push({ type: 'watermark', time });
  }
  messages.push({ type: 'watermark', time: time + 4 * DAY });
  return messages;
}

interface NaiveEvent {
  readonly time: number;
  readonly good: number;
  readonly total: number;
}

function naiveEvents(messages: readonly Message[]): NaiveEvent[] {
  const last = new Map<string, number>();
  const events: NaiveEvent[] = [];
  for (const message of messages) {
    if (message.type !== 'row') continue;
    const { series, value, time } = message.row;
    const key = `${series.name} ${series.labels['i']}`;
    const before = last.get(key);
    last.set(key, value);
    const rise = before === undefined ? 0 : value < before ? value : value - before;
    events.push({ time, good: series.name === 'ok_total' ? rise : 0, total: series.name === 'all_total' ? rise : 0 });
  }
  return events;
}

function naiveRatio(events: readonly NaiveEvent[], length: number, now: number): number {
  const pane = Math.max(1, Math.ceil(length / 720 / MINUTE)) * MINUTE;
  let good = 0;
  let total = 0;
  for (const event of events) {
    if (event.time >= now || (Math.floor(event.time / pane) + 1) * pane <= now - length) continue;
    good += event.good;
    total += event.total;
  }
  // The operator reads counters to a millionth.
  return total < 1e-5 ? 0 : Math.min(1, Math.max(0, (total - good) / total));
}

const naivePairs = [
  { long: HOUR, short: 5 * MINUTE, threshold: 10, severity: 'critical' },
  { long: 6 * HOUR, short: 30 * MINUTE, threshold: 5, severity: 'high' },
  { long: 72 * HOUR, short: 6 * HOUR, threshold: 2, severity: 'medium' },
];

await t.test('rows and findings are those of a naive account from all samples, minute by minute', async (t) => {
  fc.assert(
    fc.property(samples, (drawn) => {
      // Whole steps: then both accounts are exact, and no threshold is met by one alone.
      const messages = messagesOf(drawn.map((sample) => ({ ...sample, step: Math.floor(sample.step) })));
      const { rows, findings } = runReference(definition, definition.config.parse({ slos: [ratio] }), messages);
      const events = naiveEvents(messages);
      const end = Math.max(...messages.map((message) => (message.type === 'watermark' ? message.time : 0)));
      const byTime = new Map(rows.map((row) => [row.time, row]));
      const fired = [false, false, false];
      let firing = -1;
      let peak = -1;
      let shown = 0;
      const expected: string[] = [];
      for (let now = Math.floor(events[0]!.time / MINUTE) * MINUTE + MINUTE; now <= end; now += MINUTE) {
        const near = events.filter(({ time }) => time > now - 8 * DAY);
        const burn = (length: number): number => naiveRatio(near, length, now) / 0.01;
        const row = byTime.get(now);
        if (row !== undefined) {
          byTime.delete(now);
          shown = row.columns['burn_rate']!;
          const period = naiveRatio(near, 7 * DAY, now);
          close(row.columns['compliance']!, 100 * (1 - period), `compliance at ${now}`);
          close(row.columns['budget_remaining']!, 100 * (1 - period / 0.01), `budget at ${now}`);
          close(row.value, burn(HOUR), `value at ${now}`);
        }
        close(shown, burn(HOUR), `burn rate at ${now}`);
        naivePairs.forEach(({ long, short, threshold }, i) => {
          fired[i] = above(burn(short), threshold) && (fired[i]! || above(burn(long), threshold));
        });
        const next = fired.indexOf(true);
        if (next === firing) continue;
        peak = firing === -1 ? next : next === -1 ? peak : Math.min(peak, next);
        const state = firing === -1 ? 'opened' : next === -1 ? 'closed' : 'grew';
        expected.push(`${now} ${state} ${naivePairs[next === -1 ? peak : next]!.severity}`);
        firing = next;
      }
      if (byTime.size > 0) throw new Error(`rows at ${[...byTime.keys()].join()}`);
      const got = findings.map(({ time, state, severity }) => `${time} ${state} ${severity}`);
      if (got.join('\n') !== expected.join('\n')) throw new Error(`findings\n${got.join('\n')}\nexpected\n${expected.join('\n')}`);
    }),
    { numRuns: 60 },
  );
  t.pass();
});

function close(got: number, expected: number, what: string): void {
  if (Math.abs(got - expected) > 1e-6 * Math.max(1, Math.abs(expected))) throw new Error(`${what}: ${got}, expected ${expected}`);
}

/** Both accounts divide the same whole numbers, but not in the same order: at the threshold itself they may differ by a rounding. */
function above(rate: number, threshold: number): boolean {
  return rate > threshold * (1 + 1e-12);
}

await t.test('the order of series between watermarks, and restarts after every call, change nothing', async (t) => {
  fc.assert(
    fc.property(samples, fc.boolean(), (drawn, old) => {
      const messages = messagesOf(drawn);
      // The first rows old ones: before the watermark, out of their period or not.
      if (old) messages.unshift({ type: 'watermark', time: 9 * DAY }, { type: 'row', port: 0, row: { time: 8 * DAY, series: makeSeries('all_total', { i: 'z' }), value: 1, flags: 0, columns: {} } });
      if (old) for (let i = 2; i < messages.length; i++) if (messages[i]!.type === 'watermark') messages[i] = { type: 'watermark', time: Math.max(9 * DAY, (messages[i] as { time: number }).time) };
      const config = definition.config.parse({ slos: [ratio] });
      const outcome = exactly(runReference(definition, config, messages));
      const other = exactly(runReference(definition, config, byMember(messages)));
      if (other !== outcome) throw new Error(`in another order\n${other}\nexpected\n${outcome}`);
      const again = exactly(runReference(restarting(definition), config, messages));
      if (again !== outcome) throw new Error(`restarted\n${again}\nexpected\n${outcome}`);
    }),
    { numRuns: 100 },
  );
  t.pass();
});

/** With all digits. */
function exactly({ rows, findings, late }: Outcome): string {
  const lines = (things: readonly { readonly time: number }[]): string[] => things.toSorted((a, b) => a.time - b.time).map((thing) => JSON.stringify(thing));
  return [...lines(rows), ...lines(findings), ...lines(late).sort()].join('\n');
}

/** Between watermarks all rows of one series after those of the other, in reverse order of the series. */
function byMember(messages: readonly Message[]): Message[] {
  const sorted: Message[] = [];
  let rows: Extract<Message, { type: 'row' }>[] = [];
  const flush = (): void => {
    const key = ({ row }: { row: { series: { name: string; labels: Readonly<Record<string, string>> } } }): string => `${row.series.name}${row.series.labels['i']}`;
    sorted.push(...rows.sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0)));
    rows = [];
  };
  for (const message of messages) {
    if (message.type === 'row') rows.push(message);
    else {
      flush();
      sorted.push(message);
    }
  }
  flush();
  return sorted;
}

await t.test('state is taken over where windows have changed', async (t) => {
  const { slos } = definition.config.parse({ slos: [ratio] });
  const before = new Monitor(pairsOf(slos[0]!), 0.99, 7 * DAY, MINUTE);
  for (let time = 0; time < 5 * DAY; time += 13 * MINUTE) {
    before.count(time, 9, 10);
    while (before.due <= time) before.judge();
  }
  const after = new Monitor(pairsOf(slos[0]!), 0.99, 30 * DAY, 30_000);
  after.restore(before.save());
  after.count(5 * DAY, 9, 10);
  while (after.due < 5 * DAY) after.judge();
  const { compliance, burnRate } = after.judge();
  t.match({ compliance: compliance.toFixed(6), burnRate: burnRate.toFixed(6) }, { compliance: '90.000000', burnRate: '10.000000' });
});
