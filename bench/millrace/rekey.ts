import { z } from 'zod';
import { BATCH_ROWS } from '../../engine/limits.js';
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
  create: (_, { names }) => {
    const slots = new Uint32Array(BATCH_ROWS);
    return {
      push(batch, _state, out) {
        const { length, slot } = batch;
        for (let i = 0; i < length; i++) slots[i] = names.group(slot[i]!);
        out.extend({ ...batch, slot: slots });
      },
    };
  },
});
