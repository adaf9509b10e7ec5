import { z } from 'zod';
import { defineOperator } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';

/** Sums each series in panes of ten seconds; a row behind the watermark is late. */
export const sum = defineOperator({
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
export const hosts = defineOperator({
  name: 'hosts',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: ['members'] } }),
  route: () => 'group',
  series: () => (of) => [{ series: makeSeries(of.name), member: of.labels['host'] ?? '' }],
  state: () => ({ sum: 'f64', end: 'f64', rows: 'u32' }),
  create: (_, { names }) => ({
    push(batch, { sum, end, rows }, out) {
      for (let i = 0; i < batch.length; i++) {
        const group = names.group(batch.slot[i]!);
        sum[batch.slot[i]!]! += batch.value[i]!;
        rows[batch.slot[i]!]! += 1;
        // The minute that the watermark is in: what is behind it has been told.
        end[group] = 60_000 * (Math.floor(Math.max(0, out.watermark) / 60_000) + 1);
        out.wake(group, end[group]);
      }
    },
    advance(watermark, from, to, { sum, end, rows }, out) {
      for (let group = from; group < to; group++) {
        if (end[group] === 0 || end[group]! > watermark) continue;
        let text = '';
        let total = 0;
        for (const member of names.members(group)) {
          // It is known before its first row comes.
          if (rows[member] === 0) continue;
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
export const echo = defineOperator({
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

/** Counts the rows of each metric in panes of ten seconds, whatever their host; what is behind the watermark is late. */
export const panes = defineOperator({
  name: 'panes',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: [], late: true } }),
  route: () => 'group',
  series: () => (of) => [{ series: makeSeries(of.name), member: of.labels['host'] ?? '' }],
  create: (_, { names }) => {
    const counts = new Map<number, Map<number, number>>();
    return {
      push(batch, _state, out) {
        for (let i = 0; i < batch.length; i++) {
          const time = batch.time[i]!;
          const group = names.group(batch.slot[i]!);
          if (time < out.watermark!) {
            out.late(batch, i, 'late');
            continue;
          }
          const ends = counts.get(group) ?? new Map<number, number>();
          counts.set(group, ends);
          const end = (Math.floor(time / 10_000) + 1) * 10_000;
          ends.set(end, (ends.get(end) ?? 0) + 1);
          out.wake(group, Math.min(...ends.keys()));
        }
      },
      wake(group, end, _state, out) {
        const ends = counts.get(group)!;
        out.row(end, group, ends.get(end)!);
        ends.delete(end);
        out.wake(group, Math.min(...ends.keys()));
      },
      save(slot) {
        const ends = counts.get(slot);
        return ends === undefined ? undefined : Buffer.from(JSON.stringify([...ends]));
      },
      restore(slot, saved) {
        counts.set(slot, new Map(JSON.parse(Buffer.from(saved).toString()) as [number, number][]));
      },
      release: (slot) => void counts.delete(slot),
    };
  },
});

/** Writes down which finding it saw as which, all in one place. */
export const diary = defineOperator({
  name: 'diary',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { findings: ['anomaly', 'burn'] }, output: { findings: ['anomaly', 'burn'] } }),
  route: () => 'one',
  state: () => ({ seen: 'u32' }),
  create: (_, { self }) => ({
    receive(finding, { seen }, out) {
      seen[self]! += 1;
      out.finding({ ...finding, explanation: `the ${seen[self]}th` });
    },
  }),
});

/** Asks at the first row, and gives a row as soon as it has learnt the answer, at the time it was due. */
export const prompt = defineOperator({
  name: 'prompt',
  version: 1,
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: [] } }),
  state: () => ({ due: 'f64', learnt: 'u8' }),
  tasks: { length: (input) => Uint8Array.of(input.length) },
  create: () => ({
    push(batch, { due }, out) {
      for (let i = 0; i < batch.length; i++) {
        const slot = batch.slot[i]!;
        if (due[slot] !== 0) continue;
        due[slot] = batch.time[i]! + 5_000;
        out.ask(slot, 'length', new Uint8Array(7), due[slot]!);
      }
    },
    learn(slot, answer, { due, learnt }, out) {
      learnt[slot] = answer[0]!;
      out.wake(slot, due[slot]!);
    },
    wake: (slot, time, { learnt }, out) => void out.row(time, slot, learnt[slot]!),
  }),
});
