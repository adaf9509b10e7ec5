import t from 'tap';
import { z } from 'zod';
import { defineOperator, type AnyOperator, type OperatorDefinition } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';
import { runExample, runReference } from './reference.js';
import { formatMessage, formatOutcome, parseMessages } from './text.js';

/** Sums each series in panes of ten seconds; a row behind the watermark is late. */
const sum = defineOperator({
  name: 'sum',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({ pane: z.number().default(10_000) }),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: ['count'], late: true } }),
  state: () => ({ sum: 'f64', count: 'u32', end: 'f64' }),
  create: ({ pane }) => ({
    push(batch, { sum, count, end }, out) {
      for (let i = 0; i < batch.length; i++) {
        const slot = batch.slot[i]!;
        const close = (Math.floor(batch.time[i]! / pane) + 1) * pane;
        if (end[slot] !== 0 && close !== end[slot]) {
          out.late(batch, i, close < end[slot]! ? 'late' : 'ahead');
          continue;
        }
        end[slot] = close;
        sum[slot]! += batch.value[i]!;
        count[slot]! += 1;
        out.wake(slot, close);
      }
    },
    wake(slot, time, { sum, count, end }, out) {
      const i = out.row(time, slot, sum[slot]!);
      out.columns.count[i] = count[slot]!;
      sum[slot] = count[slot] = end[slot] = 0;
    },
  }),
});

/** The same by blocks, for the hosts of a group, folded in order of their text. */
const hosts = defineOperator({
  name: 'hosts',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: ['members'] } }),
  route: () => 'group',
  series: () => (of) => [{ series: makeSeries(of.name), member: of.labels['host'] ?? '' }],
  state: () => ({ sum: 'f64', end: 'f64' }),
  create: (_, { names }) => ({
    push(batch, { sum, end }, out) {
      for (let i = 0; i < batch.length; i++) {
        const group = names.group(batch.slot[i]!);
        sum[batch.slot[i]!]! += batch.value[i]!;
        end[group] = 60_000;
        out.wake(group, 60_000);
      }
    },
    advance(watermark, from, to, { sum, end }, out) {
      for (let group = from; group < to; group++) {
        if (end[group] === 0 || end[group]! > watermark) continue;
        let text = '';
        let total = 0;
        for (const member of names.members(group)) {
          text += names.member(member);
          total += sum[member]!;
        }
        const i = out.row(end[group]!, group, total);
        out.columns.members[i] = text.length;
        end[group] = 0;
      }
    },
  }),
});

/** Hands on findings as alerts, and asks for a number at each row that it learns ten seconds later. */
const echo = defineOperator({
  name: 'echo',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [], findings: ['anomaly'] }, output: { rows: [], findings: ['anomaly'] } }),
  state: () => ({ learnt: 'f64' }),
  tasks: { double: (input) => input.map((byte) => byte * 2) },
  create: () => ({
    push(batch, { learnt }, out) {
      for (let i = 0; i < batch.length; i++) {
        out.row(batch.time[i]!, batch.slot[i]!, learnt[batch.slot[i]!]!);
        out.ask(batch.slot[i]!, 'double', Uint8Array.of(batch.value[i]!), batch.time[i]! + 10_000);
      }
    },
    receive(finding, _state, out) {
      out.finding({ ...finding, explanation: `${finding.explanation}, seen` });
    },
    learn(slot, answer, { learnt }) {
      learnt[slot] = answer[0]!;
    },
  }),
});

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
