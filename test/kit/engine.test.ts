import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { defineOperator, type AnyOperator } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';
import { messagesLike } from './cases.js';
import type { Subject } from './engine.js';
import { differs, interleaved, modes } from './modes.js';
import { diary, echo, hosts, panes, prompt, sum } from './samples.js';
import { parseMessages } from './text.js';

const input = [
  '1s cpu{host="a"} 1',
  '2s cpu{host="b"} 5',
  '1s memory{host="a"} 3',
  'watermark 3s',
  '9s cpu{host="c"} 2',
  'watermark 10s',
  '12s cpu{host="a"} 7',
  '3s cpu{host="a"} 9',
  'watermark 15s',
  '25s cpu{host="b"} 9',
];
const findings = ['5s finding anomaly opened cpu{host="a"} low', '5s finding anomaly opened cpu{host="b"} high', '7s finding anomaly closed cpu{host="b"} high', '8s finding burn opened slo high'];

const RUNS = 20;
const INTERLEAVINGS = 400;

/** Throws, with the seed, where a mode gives something else than the reference. */
function check(definition: AnyOperator, lines: readonly string[], endOnFailure = false): void {
  const config: unknown = definition.config.parse({});
  fc.assert(
    fc.property(messagesLike({ title: '', config: {}, input: lines, output: [] }, 30), fc.nat(), (messages, seed) => {
      const different = differs({ definition, config, messages }, [...modes, interleaved(seed), interleaved(seed + 1), interleaved(seed + 2)]);
      if (different !== undefined) throw new Error(JSON.stringify(different, undefined, 1));
    }),
    { numRuns: RUNS, endOnFailure, includeErrorInReport: true },
  );
}

await t.test('operators of every sort give what the reference says, in all modes', async (t) => {
  t.doesNotThrow(() => check(sum, input), 'by series, with a late output');
  t.doesNotThrow(() => check(hosts, input), 'a fold over the members of a group');
  t.doesNotThrow(() => check(panes, input), 'a group whose state is not in columns, judging lateness by the watermark');
  t.doesNotThrow(() => check(echo, [...input, ...findings]), 'training tasks and findings');
  t.doesNotThrow(() => check(prompt, input), 'an answer that sets a timer');
  t.doesNotThrow(() => check(diary, [...findings, ...findings.map((line) => `port 1: ${line} operator=other`)]), 'findings of two inputs in one order');
});

const faulty = { version: 1, summary: '', description: '', config: z.strictObject({}), examples: [], ports: () => ({ input: { rows: [] }, output: { rows: [] } }) } as const;

/** Once each was an error of the engine. */
await t.test('cases that chance finds too seldom', async (t) => {
  const subject = (definition: AnyOperator, lines: readonly string[]): Subject => ({ definition, config: {}, messages: parseMessages(lines) });

  const echoing = defineOperator({
    ...faulty,
    name: 'echoing',
    create: () => ({
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) out.wake(batch.slot[i]!, batch.time[i]!);
      },
      wake: (slot, time, _state, out) => void out.row(time, slot, 1),
    }),
  });
  t.equal(differs(subject(echoing, ['0s cpu 1', 'watermark 1s']), modes), undefined, 'a timer at the beginning of time');

  t.equal(differs(subject(echo, ['1s cpu 1', '1s cpu 2', 'watermark 12s', '12s cpu 3']), modes), undefined, 'two questions of one series at once');

  const seeds = Array.from({ length: INTERLEAVINGS }, (_, seed) => interleaved(seed));
  const late = ['22s cpu{host="a"} 1', 'watermark 19s', '16s cpu{host="b"} 1', '22s cpu{host="a"} 1'];
  t.equal(differs(subject(panes, late), seeds), undefined, 'a late row that comes by another shard than the watermark');
});

/** Keeps its state where the engine does not see it. */
const forgetful = defineOperator({
  ...faulty,
  name: 'forgetful',
  create: () => {
    const seen = new Map<number, number>();
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) {
          const count = (seen.get(batch.slot[i]!) ?? 0) + 1;
          seen.set(batch.slot[i]!, count);
          out.row(batch.time[i]!, batch.slot[i]!, count);
        }
      },
    };
  },
});

/** Sees how rows were batched. */
const curious = defineOperator({
  ...faulty,
  name: 'curious',
  create: () => ({
    push(batch, _state, out) {
      for (let i = 0; i < batch.length; i++) out.row(batch.time[i]!, batch.slot[i]!, batch.length);
    },
  }),
});

/** Folds a group in the order of arrival. */
const impatient = defineOperator({
  ...faulty,
  name: 'impatient',
  route: () => 'group',
  series: () => (of) => [{ series: makeSeries(of.name), member: of.labels['host'] ?? '' }],
  state: () => ({ total: 'f64' }),
  create: (_, { names }) => ({
    push(batch, { total }, out) {
      for (let i = 0; i < batch.length; i++) {
        const group = names.group(batch.slot[i]!);
        total[group]! += batch.value[i]!;
        out.row(batch.time[i]!, group, total[group]!);
      }
    },
  }),
});

/** Tells series apart by their slots. */
const numbering = defineOperator({
  ...faulty,
  name: 'numbering',
  create: () => ({
    push(batch, _state, out) {
      for (let i = 0; i < batch.length; i++) out.row(batch.time[i]!, batch.slot[i]!, batch.slot[i]!);
    },
  }),
});

/** Keeps a batch that it was lent. */
const keeping = defineOperator({
  ...faulty,
  name: 'keeping',
  state: () => ({ seen: 'u8' }),
  create: () => {
    let last: { value: Float64Array } | undefined;
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) out.row(batch.time[i]!, batch.slot[i]!, last?.value[0] ?? 0);
        last = batch;
      },
    };
  },
});

/** Takes the state's arrays for its own. */
const holding = defineOperator({
  ...faulty,
  name: 'holding',
  state: () => ({ count: 'f64' }),
  create: () => {
    let own: Float64Array | undefined;
    return {
      push(batch, { count }, out) {
        own ??= count;
        for (let i = 0; i < batch.length; i++) {
          const slot = batch.slot[i]!;
          own[slot] = (own[slot] ?? 0) + 1;
          out.row(batch.time[i]!, slot, own[slot]);
        }
      },
    };
  },
});

await t.test('an operator that is not what it should be is found out', async (t) => {
  for (const definition of [forgetful, curious, impatient, numbering, keeping, holding]) t.throws(() => check(definition, input, true), /Counterexample/, definition.name);
});
