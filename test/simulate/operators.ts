// Operators that show what real ones seldom do: a fold over series of several partitions, and training whose answer shows.
import { z } from 'zod';
import { defineOperator, type AnyOperator } from '../../engine/operator.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { operators as all } from '../../operators/list.js';

const about = { summary: '', description: '', examples: [], version: 1 };

/** Sums each second over all series with the same `service`, in the order of their text; the sums are series of the name `as`. Kept outside columns. */
const total = defineOperator({
  ...about,
  name: 'total',
  config: z.strictObject({ as: z.string() }),
  ports: () => ({ input: { rows: [] }, output: { rows: ['members'], late: true } }),
  route: () => 'group' as const,
  series: ({ as }) => (of) => [{ series: makeSeries(as, { service: of.labels['service'] ?? '' }), member: seriesText(of.name, of.labels) }],
  create(_config, { names }) {
    const waiting = new Map<number, Map<number, number>>();
    const next = (group: number): number => Math.min(...names.members(group).flatMap((member) => [...(waiting.get(member)?.keys() ?? [])]));
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) {
          const slot = batch.slot[i]!;
          const end = Math.floor(batch.time[i]! / 1_000 + 1) * 1_000;
          if (end <= out.watermark) {
            out.late(batch, i, 'late');
            continue;
          }
          const values = waiting.get(slot) ?? new Map<number, number>();
          waiting.set(slot, values);
          values.set(end, (values.get(end) ?? 0) + batch.value[i]!);
          const group = names.group(slot);
          out.wake(group, next(group));
        }
      },
      wake(group, end, _state, out) {
        let sum = 0;
        let members = 0;
        for (const member of names.members(group)) {
          const value = waiting.get(member)?.get(end);
          if (value === undefined) continue;
          // Not associative, so that the order of the fold shows.
          sum = sum * 1.000_000_1 + value;
          members += 1;
          waiting.get(member)!.delete(end);
        }
        const i = out.row(end, group, sum);
        out.columns.members[i] = members;
        out.wake(group, next(group));
      },
      save: (slot) => saved(waiting.get(slot)),
      restore: (slot, bytes) => void waiting.set(slot, restored(bytes)),
      release: (slot) => void waiting.delete(slot),
    };
  },
});

const saved = (values: ReadonlyMap<number, number> | undefined): Uint8Array | undefined => (values === undefined || values.size === 0 ? undefined : Buffer.from(JSON.stringify([...values])));
const restored = (bytes: Uint8Array): Map<number, number> => new Map(JSON.parse(Buffer.from(bytes).toString()) as [number, number][]);

/** A question as the trainer gets it: whose it is, and for which watermark. */
export interface Question {
  readonly node: string;
  readonly series: string;
  readonly asked: number;
  readonly sum: number;
}

export const questionOf = (input: Uint8Array): Question => JSON.parse(Buffer.from(input).toString()) as Question;

/** Sums each second of a series and has each sum trained; its rows carry the model in use, so that when an answer took effect shows in all that come after it. */
const learner = defineOperator({
  ...about,
  name: 'learner',
  config: z.strictObject({ due: z.number() }),
  ports: () => ({ input: { rows: [] }, output: { rows: ['model', 'learnt'], late: true } }),
  state: () => ({ model: 'f64', learnt: 'u32' }),
  tasks: { add: (input) => Buffer.from(String(questionOf(input).sum)) },
  create({ due }, { node, names }) {
    const waiting = new Map<number, Map<number, number>>();
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) {
          const slot = batch.slot[i]!;
          const end = Math.floor(batch.time[i]! / 1_000 + 1) * 1_000;
          if (end <= out.watermark) {
            out.late(batch, i, 'late');
            continue;
          }
          const sums = waiting.get(slot) ?? new Map<number, number>();
          waiting.set(slot, sums);
          sums.set(end, (sums.get(end) ?? 0) + batch.value[i]!);
          out.wake(slot, Math.min(...sums.keys()));
        }
      },
      wake(slot, end, state, out) {
        const sums = waiting.get(slot)!;
        const sum = sums.get(end)!;
        sums.delete(end);
        out.wake(slot, Math.min(...sums.keys()));
        const i = out.row(end, slot, sum);
        out.columns.model[i] = state.model[slot]!;
        out.columns.learnt[i] = state.learnt[slot]!;
        const question: Question = { node, series: names.text(slot), asked: end + due, sum };
        out.ask(slot, 'add', Buffer.from(JSON.stringify(question)), end + due);
      },
      learn(slot, answer, state) {
        state.model[slot] = Number(Buffer.from(answer).toString());
        state.learnt[slot]! += 1;
      },
      save: (slot) => saved(waiting.get(slot)),
      restore: (slot, bytes) => void waiting.set(slot, restored(bytes)),
      release: (slot) => void waiting.delete(slot),
    };
  },
});

export const operators: readonly AnyOperator[] = [...all, learner, total];
