import t from 'tap';
import { judge, rowsOf } from '../../cli/judge.js';
import detect from '../../operators/detect/definition.js';
import { runReference } from '../kit/reference.js';
import type { Message } from '../kit/text.js';

/** A wave with a jump, its rows `step` ms apart, some of equal time. */
function wave(series: string, step: number, from: number) {
  const rows = 400;
  return {
    series,
    times: Float64Array.from({ length: rows }, (_, i) => from + step * (i % 7 === 0 ? i : i - (i % 2))),
    values: Float64Array.from({ length: rows }, (_, i) => 50 + Math.sin(i * 2.4) + (i >= 300 && i < 310 ? 40 : 0)),
  };
}

await t.test('series judged together come out as each by itself', async (t) => {
  const recorded = [wave('m{file="a"}', 1_000, 0), wave('m{file="b"}', 700, 50_000), { ...wave('m{file="c"}', 300, 20_000), values: Float64Array.from({ length: 400 }, (_, i) => (i === 50 ? NaN : i % 10)) }];
  const together = await judge(recorded, { warmup: 20 });
  for (const [i, { series, times, values }] of recorded.entries()) {
    const messages = Array.from(times, (time, row): Message => ({ type: 'row', port: 0, row: { time, series: { name: 'm', labels: { file: series.slice(8, 9) } }, value: values[row]!, flags: 0, columns: {} } }));
    const { rows, late } = runReference(detect, detect.config.parse({ warmup: 20 }), messages);
    const kept = Array.from(times.keys()).filter((row) => !late.some((of) => of.time === times[row] && Object.is(of.value, values[row])));
    for (const column of ['score', 'expected', 'lower', 'upper'] as const) t.strictSame(kept.map((row) => together[i]!.columns[column][row]), rows.map(({ columns }) => columns[column]), `${series}, ${column}`);
    t.ok(rows.length > 200);
  }
  const [a] = together;
  t.match(rowsOf(recorded[0]!, a!.anomalies)[0], { first: 300 });
});

await t.test('a config that detect does not take is refused', async (t) => {
  await t.rejects(judge([wave('m', 1_000, 0)], { sensitivty: 3 }), /sensitivty/);
});
