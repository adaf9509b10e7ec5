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
  // Mean, variance and how many were seen, side by side: a row touches one place.
  state: () => ({ moments: { type: 'f64', per: 3 } }),
  create: () => ({
    push(batch, state, out) {
      const { time, slot, value } = batch;
      const { moments } = state;
      for (let i = 0; i < batch.length; i++) {
        const at = 3 * slot[i]!;
        const v = value[i]!;
        const d = v - moments[at]!;
        const variance = moments[at + 1]!;
        if (moments[at + 2]! >= 10 && variance > 0 && d * d > 9 * variance) {
          const row = out.row(time[i]!, slot[i]!, v);
          out.columns.z[row] = d / Math.sqrt(variance);
        }
        moments[at]! += 0.05 * d;
        moments[at + 1] = 0.95 * (variance + 0.05 * d * d);
        moments[at + 2]! += 1;
      }
    },
  }),
});

export const operators = [...shipped, farOut];
