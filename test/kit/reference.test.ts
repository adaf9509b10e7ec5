import t from 'tap';
import type { AnyOperator, OperatorDefinition } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';
import { runExample, runReference } from './reference.js';
import { echo, hosts, sum } from './samples.js';
import { formatMessage, formatOutcome, parseMessages } from './text.js';

function lines(definition: AnyOperator, input: readonly string[]): string[] {
  return runExample(definition, { title: '', config: {}, input, output: [] });
}

await t.test('timers fire at the watermark, and at the end', async (t) => {
  const input = ['1s cpu{host="a"} 1', '2s cpu{host="b c"} 5', '9s cpu{host="a"} 2.0000001', 'watermark 10s', '12s cpu{host="a"} 7', '3s cpu{host="a"} 9', '25s cpu{host="a"} 9'];
  t.strictSame(lines(sum, input), [
    '10s cpu{host="a"} 3 count=2',
    '10s cpu{host="b c"} 5 count=1',
    '20s cpu{host="a"} 7 count=1',
    '3s late cpu{host="a"} 9',
    '25s ahead cpu{host="a"} 9',
  ]);
});

await t.test('a group folds its members in the order of their text; more than a block of slots', async (t) => {
  const input = Array.from({ length: 100 }, (_, i) => `1s cpu{host="${String.fromCharCode(0x4e00 + i)}"} ${i}`);
  t.strictSame(lines(hosts, [...input, 'watermark 59s']), ['1m cpu 4950 members=100']);
});

await t.test('findings come once the watermark has passed them, in order; answers at their due', async (t) => {
  const input = [
    '10s finding anomaly opened cpu{host="b"} high',
    '5s finding anomaly opened cpu{host="a"} low operator=odd explanation="CPU is high" score=0.5',
    '20s finding anomaly closed cpu{host="b"} high',
    'watermark 10s',
    '11s cpu 3',
    'watermark 20s',
    '20s cpu 3',
    'watermark 21s',
    '21s cpu 3',
  ];
  t.strictSame(lines(echo, input), [
    '11s cpu 0',
    '20s cpu 0',
    '21s cpu 6',
    '5s anomaly opened cpu{host="a"} low: CPU is high, seen',
    '10s anomaly opened cpu{host="b"} high: anomaly of cpu{host="b"}, seen',
    '20s anomaly closed cpu{host="b"} high: anomaly of cpu{host="b"}, seen',
  ]);
  const { findings } = runReference(echo, {}, parseMessages(input));
  t.strictSame(
    findings.map(({ revision, openedAt }) => [revision, openedAt]),
    [
      [1, 5_000],
      [1, 10_000],
      [2, 10_000],
    ],
  );
});

await t.test('mistakes of an operator are told', async (t) => {
  const broken = (change: Partial<OperatorDefinition>): AnyOperator => ({ ...(sum as AnyOperator), ...change });
  const create = (push: NonNullable<ReturnType<AnyOperator['create']>['push']>): AnyOperator => broken({ create: () => ({ push }) });
  const run = (definition: AnyOperator) => (): unknown => lines(definition, ['1s cpu 1', 'watermark 50s', '60s cpu 1']);
  t.throws(
    run(create((batch, _state, out) => void out.row(batch.time[0]!, 0, 1))),
    /without setting its column count/,
  );
  t.throws(
    run(create((batch, _state, out) => (out.columns['count']![out.row(batch.time[0]! - 20_000, 0, 1)] = 1))),
    /see `delay`/,
  );
  t.throws(
    run(create((_batch, _state, out) => out.wake(0, 1))),
    /neither `wake` nor `advance`/,
  );
  t.throws(run(broken({ create: () => ({ push: (_batch, _state, out) => out.wake(0, 1), wake: (slot, time, _state, out) => out.wake(slot, time + 1) }) })), /without end/);
  t.throws(
    run(create((_batch, _state, out) => out.ask(0, 'train', Uint8Array.of(), 5))),
    /no task train/,
  );
  t.throws(run(broken({ create: () => ({}) })), /takes no rows/);
});

await t.test('two series cannot become one without being a group', async (t) => {
  const rename = { ...sum, series: () => () => [{ series: makeSeries('same') }] };
  const outcome = runReference(rename as AnyOperator, { pane: 1000 }, parseMessages(['1s a 1', '1s b 1', 'port 1: 1s a 1']));
  t.strictSame(outcome.refused, ['b']);
  t.strictSame(formatOutcome(outcome), ['2s same 2 count=2']);
});

await t.test('messages are read back from their text, and mistakes name the line', async (t) => {
  const input = ['10s cpu{a="x y",b="\\"}"} 0.5 mean=0.25', 'port 1: 2024-01-15T10:30:00Z cpu stale', 'watermark 1h30m', '1h30m finding burn opened slo critical'];
  t.strictSame(parseMessages(input).map(formatMessage), input);
  for (const [line, message] of [
    ['10 cpu 1', /line 1, "10 cpu 1": 10 is not a time/],
    ['10s cpu', /expected `TIME SERIES VALUE/],
    ['10s cpu x', /x is not a number/],
    ['10s 7cpu 1', /does not match/],
    ['10s cpu 1 mean', /expected name=value/],
    ['port 1: watermark 10s', /watermark is that of all ports/],
    ['10s finding anomaly closed cpu high', /is not open/],
    ['10s finding anomly opened cpu high', /no kind of finding/],
    ['10s finding anomaly opened cpu hihg', /none of info, low/],
    ['10s finding anomaly opened cpu high scor=1', /has no field scor/],
  ] as const) {
    t.throws(() => parseMessages([line]), message, line);
  }
  t.throws(() => parseMessages(['watermark 10s', 'watermark 9s']), /line 2.*never goes back/);
});
