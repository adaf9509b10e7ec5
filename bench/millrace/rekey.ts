import { z } from 'zod';
import { defineOperator } from '../../engine/operator.js';
import { makeSeries } from '../../engine/series.js';

/**
 * Gives each series another name, by which it lies in another partition: so rows are exchanged between the shards, as
 * those of a grouping are. Each group has one member.
 */
export const rekey = defineOperator({
  name: 'rekey',
  version: 1,
  summary: 'Exchanges rows between shards',
  description: 'For the benchmarks.',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: [] } }),
  route: () => 'group',
  series: () => (of) => [{ series: makeSeries(`renamed_${of.name}`, of.labels), member: '' }],
  create: (_, { names }) => ({
    push({ length, time, slot, value, flags }, _state, out) {
      for (let i = 0; i < length; i++) out.row(time[i]!, names.group(slot[i]!), value[i]!, flags[i]!);
    },
  }),
});
