import { z } from 'zod';
import { STALE } from '../../engine/batch.js';
import { defineOperator } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { ENDED, follow, FOLLOWED } from './follow.js';

const config = z.strictObject({
  per: duration({ min: '1ms' }).prefault('1s').describe('Unit of time of the rate: `1s` gives growth per second, `1m` per minute.'),
});

/** 17 bytes a series. */
const state = { time: 'f64', value: 'f64', seen: 'u8' } as const;

export default defineOperator({
  name: 'rate',
  version: 1,
  summary: 'Turns a counter into its growth per second.',
  description: `
Gives, for each sample of a counter, how fast it grew since the sample before: (value - value before) / time between, per
second. A value smaller than the one before is a reset, and the counter has grown from 0 since, as in Prometheus' \`rate\`.
Nothing is extrapolated: the result is the rate between two samples, at the time of the later one. For the rate
over a window of time use \`window\` with the aggregate \`rate\`.

The first sample of a series gives nothing, and so does a value that is not a number. A stale marker ends the series and is handed
on; the sample after it is a first one again. A sample that is not later than the last of its series goes to the output \`late\`.`,
  config,
  examples: [
    {
      title: 'Requests per second; the counter starts again at the third sample',
      config: {},
      input: ['0s requests_total 100', '10s requests_total 150', '20s requests_total 30', '30s requests_total 30'],
      output: ['10s requests_total 5', '20s requests_total 3', '30s requests_total 0'],
    },
    {
      title: 'Errors per minute; a stale marker ends the series, and an old sample is late',
      config: { per: '1m' },
      input: ['0s errors_total 1', '30s errors_total 3', '20s errors_total 2', '40s errors_total stale', '60s errors_total 5', '90s errors_total 6'],
      output: ['30s errors_total 4', '40s errors_total stale', '1m30s errors_total 2', '20s late errors_total 2'],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: [], late: true } }),
  state: () => state,
  create: ({ per }) => ({
    push(batch, counters, out) {
      const { length, time, slot, value, flags } = batch;
      for (let i = 0; i < length; i++) {
        const s = slot[i]!;
        const v = value[i]!;
        if (counters.seen[s] !== 0 && time[i]! <= counters.time[s]!) out.late(batch, i, 'late');
        else if ((flags[i]! & STALE) !== 0) {
          if (counters.seen[s] === FOLLOWED) out.row(time[i]!, s, NaN, STALE);
          if (counters.seen[s] !== 0) counters.seen[s] = ENDED;
        } else if (!Number.isNaN(v)) {
          const rate = follow(counters, s, time[i]!, v);
          if (!Number.isNaN(rate)) out.row(time[i]!, s, rate * per);
        }
      }
    },
  }),
});
