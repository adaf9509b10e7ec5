import fc from 'fast-check';
import t from 'tap';
import rate from '../../operators/rate/definition.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message } from '../kit/text.js';

function run(config: Record<string, unknown>, lines: readonly string[]): { rows: unknown[]; late: unknown[] } {
  const { rows, late } = runReference(rate, rate.config.parse(config), parseMessages(lines));
  return { rows: rows.map(({ time, value }) => [time, value]), late: late.map(({ time, reason }) => [time, reason]) };
}

await t.test('series are followed apart', async (t) => {
  const { rows } = runReference(rate, rate.config.parse({}), parseMessages(['0s a 1', '0s b 100', '1s a 2', '2s b 104', '3s a 8']));
  t.strictSame(
    rows.map(({ time, series, value }) => [time, series, value]),
    [
      [1_000, 'a', 1],
      [2_000, 'b', 2],
      [3_000, 'a', 3],
    ],
  );
});

await t.test('what is not later than the last sample is late', async (t) => {
  t.strictSame(run({}, ['5s a 1', '5s a 2', '4s a 2', '6s a 3']), {
    rows: [[6_000, 2]],
    late: [
      [5_000, 'late'],
      [4_000, 'late'],
    ],
  });
});

await t.test('a stale marker ends the series, a value that is no number is passed over', async (t) => {
  t.strictSame(run({}, ['1s a stale', '2s a 1', '3s a stale', '3500ms a stale', '2s a 1', '4s a 9', '5s a NaN', '6s a 11']), { rows: [[3_000, NaN], [6_000, 1]], late: [[2_000, 'late']] });
});

await t.test('a zero and a reset', async (t) => {
  t.strictSame(run({ per: '1m' }, ['0s a 0', '1s a 0', '2s a 5', '3s a 0', '4s a 1']), { rows: [[1_000, 0], [2_000, 300], [3_000, 0], [4_000, 60]], late: [] });
});

await t.test('rates times their lengths add up to all that was counted', async () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 100_000 }), grow: fc.integer({ min: 0, max: 1_000 }), reset: fc.boolean() }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(steps, (samples) => {
      let time = 0;
      let value = 7;
      let counted = 0;
      const messages: Message[] = [];
      const push = (): void => void messages.push({ type: 'row', port: 0, row: { time, series: { name: 'c', labels: {} }, value, flags: 0, columns: {} } });
      push();
      for (const { gap, grow, reset } of samples) {
        time += gap;
        // A reset that the counter has outgrown again can't be seen.
        if (reset && grow < value) value = 0;
        value += grow;
        counted += grow;
        push();
      }
      let before = 0;
      let sum = 0;
      for (const row of runReference(rate, rate.config.parse({}), messages).rows) {
        sum += (row.value * (row.time - before)) / 1_000;
        before = row.time;
      }
      return Math.abs(sum - counted) < 1e-6 * Math.max(1, counted);
    }),
  );
});
