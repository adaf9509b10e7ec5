import { z } from 'zod';
import { defineOperator } from '../../engine/operator.js';
import { operators as shipped } from '../../operators/list.js';
import { rekey } from './rekey.js';

/** Later than every sample: a timer set to it fires when the input has ended. */
const END = 8_640_000_000_000_000;

/**
 * The keyed state of workload W3, as one would write it in one's own project: an exponentially weighted
 * mean and variance (alpha .05), a row with |z| where it is beyond 3 before the update, once ten samples
 * were seen; and at the end of the input a row a series with what its mean and variance have become. What a
 * row has not is NaN.
 */
const farOut = defineOperator({
  name: 'far-out',
  version: 1,
  summary: 'Rows beyond three exponentially weighted deviations',
  description: 'Workload W3 of the benchmarks.',
  config: z.strictObject({}),
  examples: [],
  ports: () => ({ input: { rows: [] }, output: { rows: ['z', 'mean', 'variance'] } }),
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
        const seen = moments[at + 2]!;
        if (seen === 0) out.wake(slot[i]!, END);
        else if (seen >= 10 && variance > 0 && d * d > 9 * variance) {
          const row = out.row(time[i]!, slot[i]!, v);
          out.columns.z[row] = Math.abs(d) / Math.sqrt(variance);
          out.columns.mean[row] = NaN;
          out.columns.variance[row] = NaN;
        }
        moments[at]! += 0.05 * d;
        moments[at + 1] = 0.95 * (variance + 0.05 * d * d);
        moments[at + 2] = seen + 1;
      }
    },
    wake(slot, _time, { moments }, out) {
      const row = out.row(out.watermark, slot, moments[3 * slot + 2]!);
      out.columns.z[row] = NaN;
      out.columns.mean[row] = moments[3 * slot]!;
      out.columns.variance[row] = moments[3 * slot + 1]!;
    },
  }),
});

export const operators = [...shipped, farOut, rekey];
