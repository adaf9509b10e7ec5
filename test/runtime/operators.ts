// What shards run in the tests of the runtime: all operators, and some that show what the engine does.
import { existsSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { z } from 'zod';
import { defineOperator, type AnyOperator } from '../../engine/operator.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { operators as all } from '../../operators/list.js';

const word = new Int32Array(new SharedArrayBuffer(4));
const rest = (ms: number): void => void Atomics.wait(word, 0, 0, ms);

const about = { summary: '', description: '', examples: [], version: 1 };

/** Throws at the first row from each of these times on: once, which files remember over restarts, or always. `ms`: rests at each batch, so that there is time for checkpoints; `wakes`: the same at a timer before the next. */
const crash = defineOperator({
  ...about,
  name: 'crash',
  config: z.strictObject({ at: z.array(z.number()).default([]), once: z.string().optional(), ms: z.number().default(0), wakes: z.number().default(0) }),
  ports: () => ({ input: { rows: [] }, output: { rows: [], passes: true } }),
  create: ({ at, once, ms, wakes }) => ({
    wake: () => rest(wakes),
    push(batch, _state, out) {
      if (ms > 0) rest(ms);
      if (wakes > 0) out.wake(batch.slot[0]!, batch.time[0]! + 1);
      for (const time of at) {
        for (let i = 0; i < batch.length; i++) {
          if (batch.time[i]! < time || (once !== undefined && existsSync(`${once}-${time}`))) continue;
          if (once !== undefined) writeFileSync(`${once}-${time}`, '');
          throw new Error(`the row at ${time} is too much`);
        }
      }
      out.extend(batch);
    },
  }),
});

/** Rests as many ms as a row's value says; throws after it where that is negative. */
const busy = defineOperator({
  ...about,
  name: 'busy',
  config: z.strictObject({}),
  ports: () => ({ input: { rows: [] }, output: { rows: [] } }),
  create: () => ({
    push(batch, _state, out) {
      for (let i = 0; i < batch.length; i++) {
        rest(Math.abs(batch.value[i]!));
        if (batch.value[i]! < 0) throw new Error('worn out');
      }
      out.extend(batch);
    },
  }),
});

/** Adds up the members of each group (all series with the same `by`), time by time. Values that wait are kept outside columns. */
const sumBy = defineOperator({
  ...about,
  name: 'sum-by',
  config: z.strictObject({ by: z.string() }),
  ports: () => ({ input: { rows: [] }, output: { rows: ['members'] } }),
  route: () => 'group' as const,
  series: ({ by }) => (of) => [{ series: makeSeries('total', { [by]: of.labels[by] ?? '' }), member: seriesText(of.name, of.labels) }],
  create(_config, { names }) {
    const waiting = new Map<number, Map<number, number>>();
    const next = (group: number): number => Math.min(...names.members(group).flatMap((member) => [...(waiting.get(member)?.keys() ?? [])]));
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) {
          const slot = batch.slot[i]!;
          const values = waiting.get(slot) ?? new Map<number, number>();
          waiting.set(slot, values);
          values.set(batch.time[i]!, batch.value[i]!);
          const group = names.group(slot);
          out.wake(group, next(group) + 1);
        }
      },
      wake(group, due, _state, out) {
        const time = due - 1;
        let sum = 0;
        let members = 0;
        for (const member of names.members(group)) {
          const value = waiting.get(member)?.get(time);
          if (value === undefined) continue;
          // Not associative, so that the order of the fold shows.
          sum = sum * 1.000_000_1 + value;
          members += 1;
          waiting.get(member)!.delete(time);
        }
        const i = out.row(time, group, sum);
        out.columns.members[i] = members;
        out.wake(group, next(group) + 1);
      },
      save(slot) {
        const values = waiting.get(slot);
        return values === undefined || values.size === 0 ? undefined : Buffer.from(JSON.stringify([...values]));
      },
      restore(slot, saved) {
        waiting.set(slot, new Map(JSON.parse(Buffer.from(saved).toString()) as [number, number][]));
      },
      release: (slot) => void waiting.delete(slot),
    };
  },
});

/** How long training takes: ms, and until a file is there. */
interface Training {
  readonly sum: number;
  readonly ms: number;
  readonly until?: string;
}

/** Trains a model (the sum of all values so far) at the next multiple of `every` ms after a row of each series; rows carry the model in use, so every difference in when it took effect shows. */
const train = defineOperator({
  ...about,
  name: 'train',
  config: z.strictObject({ every: z.number(), due: z.number(), ms: z.number().default(0), until: z.string().optional(), size: z.number().default(0) }),
  ports: () => ({ input: { rows: [] }, output: { rows: ['model', 'learnt'] } }),
  state: () => ({ sum: 'f64', model: 'f64', learnt: 'u32', awaits: 'u8' }),
  tasks: {
    add(input) {
      const { sum, ms, until } = JSON.parse(Buffer.from(input).toString().trimEnd()) as Training;
      rest(ms);
      while (until !== undefined && !existsSync(until)) rest(5);
      return Buffer.from(JSON.stringify(sum).padEnd(input.length));
    },
    thread: () => Buffer.from(String(threadId)),
    fail() {
      throw new Error('no model fits');
    },
  },
  create: ({ every, due, ms, until, size }) => ({
    push(batch, state, out) {
      const { model, learnt } = out.extend(batch);
      for (let i = 0; i < batch.length; i++) {
        const slot = batch.slot[i]!;
        if (state.awaits[slot] === 0) out.wake(slot, Math.floor(batch.time[i]! / every + 1) * every);
        state.awaits[slot] = 1;
        state.sum[slot]! += batch.value[i]!;
        model[i] = state.model[slot]!;
        learnt[i] = state.learnt[slot]!;
      }
    },
    wake(slot, time, state, out) {
      const training: Training = { sum: state.sum[slot]!, ms, ...(until === undefined ? {} : { until: `${until}-${time}` }) };
      out.ask(slot, Number.isNaN(state.sum[slot]) ? 'fail' : 'add', Buffer.from(JSON.stringify(training).padEnd(size)), time + due);
      state.awaits[slot] = 0;
    },
    learn(slot, answer, state) {
      state.model[slot] = Number(Buffer.from(answer).toString());
      state.learnt[slot]! += 1;
    },
  }),
});

export const operators: readonly AnyOperator[] = [...all, busy, crash, sumBy, train];
