import fc from 'fast-check';
import t from 'tap';
import type { Forecast } from '../../engine/finding.js';
import { stateOf } from '../../operators/forecast/config.js';
import forecast from '../../operators/forecast/definition.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message } from '../kit/text.js';

const HOUR = 3_600_000;
const day = { history: '1d', buckets: 24, min_buckets: 4, horizon: '1d', every: '1h', immediate: '6h' };

function follow(config: Record<string, unknown>, values: readonly number[]) {
  const messages = values.map((value, i): Message => ({ type: 'row', port: 0, row: { time: i * HOUR, series: { name: 'disk', labels: {} }, value, flags: 0, columns: {} } }));
  const { rows, findings } = runReference(forecast, forecast.config.parse({ ...day, ...config }), messages);
  return { rows, findings: findings as Forecast[] };
}

const told = (findings: readonly Forecast[]): string[] => findings.map(({ time, state, revision, action }) => `${time / HOUR} ${state} ${revision} ${action}`);

const hours = (from: number, to: number, value: (hour: number) => number): number[] => Array.from({ length: to - from }, (_, i) => value(from + i));

await t.test('a straight line is continued exactly', async (t) => {
  const { rows, findings } = follow({ warning: 60, critical: 110 }, hours(0, 30, (hour) => 10 + 2 * hour));
  const last = rows.at(-1)!;
  t.ok(Math.abs(last.columns['predicted']! - (10 + 2 * (29 + 24))) < 1e-6, `${last.columns['predicted']}`);
  t.ok(last.columns['upper95']! - last.columns['lower95']! < 1e-3);
  t.ok(last.columns['confidence']! > 0.999);
  t.equal(last.value, 68, 'its value is the sample');
  const first = findings[0]!;
  t.strictSame([first.time, first.severity, first.action, first.warningAt, first.criticalAt], [4 * HOUR, 'low', 'monitor_closely', 25 * HOUR, undefined]);
  t.equal(first.growth, (first.predicted - first.current) / first.current);
});

await t.test('a row every `every`, none before there is history', async (t) => {
  const { rows } = follow({ every: '3h', min_buckets: 6 }, hours(0, 20, (hour) => hour % 3));
  t.strictSame(rows.map(({ time }) => time / HOUR), [6, 9, 12, 15, 18]);
  const quick = follow({ every: '1s' }, hours(0, 10, (hour) => hour % 3));
  t.strictSame(quick.rows.map(({ time }) => time / HOUR), [4, 5, 6, 7, 8, 9]);
});

await t.test('intervals hold one another, about what is predicted', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 5, maxLength: 60 }), (values) => {
      for (const { columns } of follow({}, values).rows) {
        const { predicted, lower80, upper80, lower95, upper95, confidence } = columns as Record<string, number>;
        const ordered = lower95! <= lower80! && lower80! <= predicted! && predicted! <= upper80! && upper80! <= upper95!;
        if (!ordered || !(confidence! >= 0 && confidence! <= 1)) throw new Error(JSON.stringify(columns));
      }
    }),
  );
});

await t.test('nothing looks ahead: a prefix gives the prefix of the output', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 5, maxLength: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const thresholds = { warning: 70, critical: 90 };
      const length = Math.floor(values.length * share);
      const whole = follow(thresholds, values);
      const part = follow(thresholds, values.slice(0, length));
      const isEarly = ({ time }: { time: number }): boolean => time < length * HOUR;
      const prefix = { rows: whole.rows.filter(isEarly), findings: whole.findings.filter(isEarly) };
      if (JSON.stringify(part) !== JSON.stringify(prefix)) throw new Error(`differs with ${length} of ${values.length} rows`);
    }),
  );
});

await t.test('more urgent is told at once, less urgent after three times', async (t) => {
  const steady = hours(0, 30, () => 40);
  const climb = hours(0, 30, (hour) => 40 + 2 * hour);
  const { findings } = follow({ warning: 80, critical: 90 }, [...steady, ...climb, ...hours(0, 60, () => 20)]);
  const texts = told(findings);
  t.match(texts[0], /^4 opened 1 maintain_current_capacity/);
  const worse = texts.findIndex((text) => text.endsWith('plan_scale_up'));
  const worst = texts.findIndex((text) => text.endsWith('immediate_scale_up_required'));
  t.ok(worse > 0 && worst > worse, texts.join('\n'));
  t.match(texts.at(-1), /consider_scale_down/);
  findings.forEach((finding, i) => t.equal(finding.revision, i + 1));
  t.equal(new Set(findings.map(({ id }) => id)).size, 1);
  const relief = findings.findIndex(({ action }, i) => i > worst && action !== 'immediate_scale_up_required');
  const rank = { immediate_scale_up_required: 0, plan_scale_up: 1, monitor_closely: 2, consider_scale_down: 3, maintain_current_capacity: 4 };
  for (let i = 1; i < findings.length; i++) {
    const [before, after] = [findings[i - 1]!, findings[i]!];
    if (rank[after.action] > rank[before.action]) t.ok(after.time >= before.time + 3 * HOUR, `${texts[i]} after ${texts[i - 1]}`);
    t.equal(after.state, 'grew', 'nothing closes it');
  }
  t.ok(relief > worst);
});

await t.test('a date of breach is told again when it has moved by more than a tenth of the horizon', async (t) => {
  const { findings } = follow({ warning: 1_000, critical: 100, horizon: '10d' }, hours(0, 50, (hour) => 2_000 - hour));
  t.strictSame(told(findings), ['4 opened 1 maintain_current_capacity']);
  const slower = follow({ critical: 300, horizon: '10d' }, [...hours(0, 30, (hour) => 10 + 2 * hour), ...hours(0, 40, (hour) => 70 + hour)]).findings;
  t.ok(slower.length > 2, told(slower).join('\n'));
  slower.slice(1).forEach((finding, i) => {
    const gap = Math.abs(finding.criticalAt! - slower[i]!.criticalAt!);
    t.ok(finding.action !== slower[i]!.action || gap > 24 * HOUR, `moved by ${gap / HOUR} h`);
  });
});

await t.test('where critical is less than warning, low values are the bad ones', async (t) => {
  const { findings } = follow({ warning: 50, critical: 20 }, hours(0, 10, (hour) => 100 - 3 * hour));
  t.strictSame([findings[0]!.action, findings[0]!.warningAt! / HOUR > 16, findings[0]!.criticalAt! / HOUR > 26], ['plan_scale_up', true, true]);
  t.match(findings[0]!.explanation, /^disk is 91 and heads for 16 in 24h .*; it passes critical 20 in 23h and passes warning 50 in 13h: plan to scale up$/);
});

await t.test('a stale marker closes; a new forecast opens another', async (t) => {
  const lines = [...hours(0, 6, () => 5).map((value, i) => `${i}h disk ${value}`), '6h disk stale', '7h disk stale', '8h disk 5', '9h disk 5'];
  const { findings } = runReference(forecast, forecast.config.parse(day), parseMessages(lines));
  t.strictSame(told(findings as Forecast[]), ['4 opened 1 maintain_current_capacity', '6 closed 2 maintain_current_capacity', '8 opened 1 maintain_current_capacity']);
  t.not(findings[0]!.id, findings[2]!.id);
});

await t.test('each series has its own time; late and odd samples', async (t) => {
  const old = hours(0, 8, (hour) => hour).map((value, i) => `${i}h old ${value}`);
  const run = (lines: readonly string[]) => runReference(forecast, forecast.config.parse(day), parseMessages(lines));
  const result = run(['900d new 1', 'watermark 900d', ...old.slice(0, 4), '2h old 99', '3h old NaN', '3h old 1e200', ...old.slice(4)]);
  t.strictSame(result.rows, run(old).rows);
  t.strictSame(result.late.map(({ series, time, reason }) => `${series} ${time / HOUR} ${reason}`), ['old 2 late']);
});

await t.test('old buckets leave the history', async (t) => {
  const { rows } = follow({}, [...hours(0, 30, (hour) => hour * 100), ...hours(0, 30, () => 7)]);
  t.ok(Math.abs(rows.at(-1)!.columns['predicted']! - 7) < 1e-9);
});

await t.test('a series costs 83 bytes and 16 for each bucket', async (t) => {
  const bytes = { f64: 8, u32: 4, i32: 4, u8: 1 };
  const total = Object.values(stateOf(84)).reduce((sum, spec) => sum + (typeof spec === 'string' ? bytes[spec] : bytes[spec.type] * spec.per), 0);
  t.equal(total, 83 + 16 * 84);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => forecast.config.parse({ warning: 80, critical: 80 }), /must differ from `warning`/);
  t.throws(() => forecast.config.parse({ buckets: 8, min_buckets: 9 }), /at most `buckets`/);
  t.throws(() => forecast.config.parse({ horizon: 30 }), /not a duration/);
});
