import { z } from 'zod';
import type { Batch } from '../../engine/batch.js';
import { defineOperator } from '../../engine/operator.js';
import { operators as shipped } from '../../operators/list.js';
import { rekey } from './rekey.js';

const ALPHA = 0.05;
/** Later than every sample: a timer set to it fires when the input has ended. */
const END = 8_640_000_000_000_000;

/** Updates by rows from `from` on, up to one that is a series' first or is far out: the index of that, or the length. It calls nothing, so that the compiler keeps the arrays at hand. */
function follow(moments: Float64Array, { slot, value, length }: Batch, from: number): number {
  for (let i = from; i < length; i++) {
    const at = 3 * slot[i]!;
    const d = value[i]! - moments[at]!;
    const variance = moments[at + 1]!;
    const seen = moments[at + 2]!;
    if (seen === 0 || (seen >= 10 && variance > 0 && d * d > 9 * variance)) return i;
    // As `update`, which would read again what is at hand: a seventh of W3.
    moments[at]! += ALPHA * d;
    moments[at + 1] = (1 - ALPHA) * (variance + ALPHA * d * d);
    moments[at + 2] = seen + 1;
  }
  return length;
}

function update(moments: Float64Array, slot: number, value: number): void {
  const at = 3 * slot;
  const d = value - moments[at]!;
  moments[at]! += ALPHA * d;
  moments[at + 1] = (1 - ALPHA) * (moments[at + 1]! + ALPHA * d * d);
  moments[at + 2]! += 1;
}

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
      for (let i = follow(moments, batch, 0); i < batch.length; i = follow(moments, batch, i + 1)) {
        const s = slot[i]!;
        const v = value[i]!;
        if (moments[3 * s + 2] === 0) out.wake(s, END);
        else {
          const row = out.row(time[i]!, s, v);
          out.columns.z[row] = Math.abs(v - moments[3 * s]!) / Math.sqrt(moments[3 * s + 1]!);
          out.columns.mean[row] = NaN;
          out.columns.variance[row] = NaN;
        }
        update(moments, s, v);
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
