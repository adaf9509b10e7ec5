import fc from 'fast-check';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import type { Names } from '../../engine/operator.js';
import type { Anomaly } from '../../engine/finding.js';
import detect from '../../operators/detect/definition.js';
import { Maintenance, maintenance } from '../../operators/detect/maintenance.js';
import { runReference } from '../kit/reference.js';
import type { Message } from '../kit/text.js';

const HOSTS = ['db-1', 'db-2', 'web-1'];
const names = { series: (slot: number) => ({ name: 'cpu', labels: { host: HOSTS[slot]! } }) } as unknown as Names;
const windows = (...list: object[]): Maintenance => new Maintenance(maintenance.parse(list), names);
const at = (text: string): number => Date.parse(text);

await t.test('times by the day, in a time zone, when clocks are set', async (t) => {
  const nightly = windows({ schedule: '30 2 * * *', duration: '2h', time_zone: 'Europe/Berlin' });
  for (const [from, to] of [
    ['2024-01-15T01:30:00Z', '2024-01-15T03:30:00Z'],
    ['2024-07-15T00:30:00Z', '2024-07-15T02:30:00Z'],
    // Half past two does not come: it begins when the clock is set.
    ['2024-03-31T01:00:00Z', '2024-03-31T03:00:00Z'],
    // It comes twice: the first one.
    ['2024-10-27T00:30:00Z', '2024-10-27T02:30:00Z'],
  ] as const) {
    t.strictSame([-1, 0, 3_600_000].map((after) => nightly.covers(0, at(from) + after)), [false, true, true], from);
    t.strictSame([-1, 0].map((after) => nightly.covers(0, at(to) + after)), [true, false], to);
  }
  const once = windows({ from: '2024-06-01T12:00:00+02:00', to: '2024-06-01T12:30:00+02:00' });
  t.strictSame([-1, 0, 1_799_999, 1_800_000].map((after) => once.covers(0, at('2024-06-01T10:00:00Z') + after)), [false, true, true, false]);
  const weekend = windows({ schedule: '0 22 * * FRI', duration: '50h' });
  t.strictSame(['2024-01-19T21:59:59Z', '2024-01-19T22:00:00Z', '2024-01-21T23:59:59.999Z', '2024-01-22T00:00:00Z'].map((time) => weekend.covers(0, at(time))), [false, true, true, false]);
  t.equal(windows({ schedule: '*/10 * * * *', duration: '20m' }).covers(0, 12_345), true, 'longer than the time between');
});

await t.test('the order in which times are asked for changes nothing', async (t) => {
  const list = [
    { schedule: '15 3 * * *', duration: '90m' },
    { schedule: '0 9 * * MON-FRI', duration: '30m' },
    { from: '2024-01-17T00:00:00Z', to: '2024-01-17T05:00:00Z' },
  ];
  const naive = (time: number): boolean => {
    const day = Math.floor(time / 86_400_000);
    const within = (hour: number, minutes: number): boolean => time - day * 86_400_000 - hour * 3_600_000 >= 0 && time - day * 86_400_000 - hour * 3_600_000 < minutes * 60_000;
    const weekday = (day + 4) % 7;
    return within(3.25, 90) || (weekday >= 1 && weekday <= 5 && within(9, 30)) || (time >= at(list[2]!.from!) && time < at(list[2]!.to!));
  };
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: at('2024-01-10T00:00:00Z'), max: at('2024-01-24T00:00:00Z') }), { maxLength: 60 }), (times) => {
        const asked = windows(...list);
        for (const time of times) if (asked.covers(0, time) !== naive(time)) throw new Error(new Date(time).toISOString());
      }),
    ),
  );
  t.equal(naive(at('2024-01-17T09:10:00Z')) && naive(at('2024-01-20T03:20:00Z')) && !naive(at('2024-01-20T09:10:00Z')), true);
});

await t.test('only the series that it is for, also when a slot is of another one', async (t) => {
  const hosts = [...HOSTS];
  const only = new Maintenance(maintenance.parse([{ from: '1970-01-01T00:00:00Z', to: '1970-01-02T00:00:00Z', where: '{host=~"db-.*"}' }]), { series: (slot: number) => ({ name: 'cpu', labels: { host: hosts[slot]! } }) } as unknown as Names);
  t.strictSame(HOSTS.map((_, slot) => only.covers(slot, 5)), [true, true, false]);
  hosts[0] = 'web-2';
  only.release(0);
  t.equal(only.covers(0, 5), false);
});

interface Row {
  readonly time: number;
  readonly value: number;
}

const follow = (rows: readonly Row[], config: object) =>
  runReference(detect, detect.config.parse(config), rows.map(({ time, value }): Message => ({ type: 'row', port: 0, row: { time, series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } })));

await t.test('what comes in maintenance is not judged, and not learned: all that follows is as if it had never been', async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20_240_115);
  t.comment(`MILLRACE_SEED=${seed}`);
  const random = seeded(seed);
  for (let run = 0; run < 20; run++) {
    const calm = Array.from({ length: 400 }, (_, i): Row => ({ time: i * 60_000, value: 50 + Math.sin(i * 2.4) + random() }));
    const [from, to] = [100 + Math.floor(random() * 100), 230 + Math.floor(random() * 100)];
    const rows = calm.map((row, i) => (i >= from && i < to ? { ...row, value: row.value * (random() < 0.5 ? 1 : 20 * random()) } : i === 380 ? { ...row, value: 90 } : row));
    const config = { maintenance: [{ from: new Date(from * 60_000).toISOString(), to: new Date(to * 60_000).toISOString() }] };
    const all = follow(rows, config);
    const without = follow(rows.filter((_, i) => i < from || i >= to), {});
    t.strictSame(all.rows.filter(({ columns }) => !Number.isNaN(columns['score'])), without.rows);
    t.strictSame(all.rows.filter(({ columns }) => Object.values(columns).every(Number.isNaN)).map(({ time }) => time), rows.slice(from, to).map(({ time }) => time));
    t.strictSame(all.findings, without.findings);
    t.ok(all.findings.some(({ openedAt }) => openedAt === 380 * 60_000));
  }
});

await t.test('an open anomaly is closed by the first row of it', async (t) => {
  const rows = Array.from({ length: 120 }, (_, i): Row => ({ time: i * 60_000, value: i >= 98 && i < 110 ? 90 : 50 + Math.sin(i * 2.4) }));
  const { findings } = follow(rows, { maintenance: [{ schedule: '40 1 * * *', duration: '5m' }] });
  t.strictSame((findings as Anomaly[]).map(({ state, time, openedAt, value }) => [state, time / 60_000, openedAt / 60_000, value]), [
    ['opened', 98, 98, 90],
    ['closed', 100, 98, 90],
    ['opened', 105, 105, 90],
    ['closed', 114, 105, 90],
  ]);
  t.match(findings[1]!.explanation, /^m is in maintenance: the anomaly is closed after 2m; it was 90 at its furthest; [\d.]+ to [\d.]+ is usual/);
});

await t.test('what can not be meant is refused, with where', async (t) => {
  const problems = (window: object): string[] => maintenance.safeParse([window]).error?.issues.flatMap((issue) => (issue.code === 'invalid_union' ? issue.errors.flat() : [issue]).map(({ path, message }) => `${path.join('.')}: ${message}`)) ?? [];
  for (const [window, wrong] of [
    [{ schedule: '61 2 * * *', duration: '1h' }, /schedule: .*minute: 61/],
    [{ schedule: '0 2 * *', duration: '1h' }, /schedule: /],
    [{ schedule: '0 0 2 * * *', duration: '1h' }, /schedule: /],
    [{ schedule: '? 2 * * *', duration: '1h' }, /schedule: .*\?/],
    [{ schedule: '0 0 30 2 *', duration: '1h' }, /never begins/],
    [{ schedule: '0 2 * * *', duration: '1h', time_zone: 'Mars/Base' }, /time_zone: there is no time zone Mars\/Base/],
    [{ schedule: '0 2 * * *', duration: '90d' }, /duration: /],
    [{ from: '2024-01-02T00:00:00Z', to: '2024-01-01T00:00:00Z' }, /to: must be after/],
    [{ from: 'tomorrow', to: '2024-01-01T00:00:00Z' }, /from: /],
    [{ schedule: '0 2 * * *', duration: '1h', where: 'cpu{' }, /where: .*selector/],
  ] as const) {
    t.match(problems(window).join('\n'), wrong, JSON.stringify(window));
  }
});
