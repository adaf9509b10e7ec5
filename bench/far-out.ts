import { z } from 'zod';
import { defineOperator } from '../engine/operator.js';
import { operators as shipped } from '../operators/list.js';

/**
 * The keyed state of workload W3, as one would write it in one's own project: an exponentially weighted
 * mean and variance (alpha .05), and a row where |z| > 3 before the update, once ten samples were seen.
 */
const farOut = defineOperator({
  name: 'far-out',
  version: 1,
  summary: 'Rows beyond three exponentially weighted deviations',
  description: 'Workload W3 of the benchmarks.',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: ['z'] } }),
  state: () => ({ mean: 'f64', variance: 'f64', seen: 'u32' }),
  create: () => ({
    push(batch, state, out) {
      const { time, slot, value } = batch;
      const { mean, variance, seen } = state;
      for (let i = 0; i < batch.length; i++) {
        const s = slot[i]!;
        const v = value[i]!;
        const d = v - mean[s]!;
        const q = variance[s]!;
        const n = seen[s]!;
        if (n >= 10 && q > 0 && d * d > 9 * q) {
          const row = out.row(time[i]!, s, v);
          out.columns.z[row] = d / Math.sqrt(q);
        }
        mean[s] = mean[s]! + 0.05 * d;
        variance[s] = 0.95 * (q + 0.05 * d * d);
        seen[s] = n + 1;
      }
    },
  }),
});

export const operators = [...shipped, farOut];
