import { z } from 'zod';
import { KEEP_SERIES_MS } from '../../engine/limits.js';
import { defineOperator } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { aggregateNames, needsOf, quantileOf } from './aggregates.js';
import { Panes } from './panes.js';
import type { WindowSchema } from './state.js';
import { Windows } from './windows.js';

/** Panes of a window, and slides of its lateness: an hour by the second. */
const MAX_PANES = 3_600;

const aggregate = z.string().refine((name) => (aggregateNames as readonly string[]).includes(name) || quantileOf(name) !== undefined, {
  error: ({ input }) => `${String(input)} is none of ${aggregateNames.join(', ')} or a quantile such as p50, p99 or p99.9`,
});

const config = z
  .strictObject({
    size: duration({ min: '100ms' }).describe('Length of a window.'),
    slide: duration({ min: '100ms' }).optional().describe('A window begins at every multiple of this; must divide `size`. Default: `size`, so that windows follow each other without overlap.'),
    lateness: duration().prefault('0s').describe('How long after its end (by the watermark) a window waits for rows that are out of order.'),
    aggregates: z
      .array(aggregate)
      .min(1)
      .default(['mean', 'count', 'stddev'])
      .describe('What to compute: `count`, `sum`, `mean`, `stddev`, `variance`, `min`, `max`, `first`, `last`, `increase`, `rate`, or quantiles such as `p50`, `p99` or `p99.9`. The first becomes the value.'),
  })
  .superRefine(({ size, slide = size, lateness, aggregates }, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (!Number.isInteger(size)) refuse('size', 'must be whole milliseconds');
    if (!Number.isInteger(slide) || size % slide !== 0) refuse('slide', 'must divide the size of the window');
    if (size / slide > MAX_PANES) refuse('slide', `a window can't be more than ${MAX_PANES} times as long as its slide`);
    if (lateness / slide > MAX_PANES) refuse('lateness', `can't be more than ${MAX_PANES} times as long as the slide`);
    const repeated = aggregates.find((name, i) => aggregates.indexOf(name) < i);
    if (repeated !== undefined) refuse('aggregates', `${repeated} is there twice`);
  });

type Config = z.output<typeof config>;

function panesOf({ size, slide = size, lateness }: Config, lead: number): Panes {
  return new Panes(size, slide, lateness, lead);
}

export default defineOperator<Config, WindowSchema, string>({
  name: 'window',
  version: 2,
  summary: 'Counts, means, extremes, quantiles and rates over windows of time.',
  description: `
Cuts time into windows of \`size\`, one from every multiple of \`slide\` since the epoch, and gives one row for each
window and series. Its time is the end of the window, which holds the samples from its start (inclusive) to its end
(exclusive). A window without samples gives no row. Without \`slide\` windows follow each other; with it they overlap,
and a sample still costs the same.

A window closes once, when the watermark reaches its end + \`lateness\`. Until then samples may come in any order and
change nothing in the result. A sample that comes after the first of its windows has closed goes to the output \`late\`
and is in none of them. So does a sample further in the future than the state has room for, which the sources prevent.
Values that are not a number, and stale markers, are passed over.

| aggregate | what it is |
| --- | --- |
| \`count\`, \`sum\`, \`mean\`, \`min\`, \`max\` | of the values |
| \`variance\`, \`stddev\` | of the population: divided by the count |
| \`first\`, \`last\` | value with the earliest and with the latest time |
| \`increase\` | growth of a counter from the first to the last sample; a value smaller than the one before is a reset to 0. NaN where all samples have one time |
| \`rate\` | \`increase\` per second between these samples, not extrapolated |
| \`p50\` ... \`p99.9\` | quantiles: of n values the one with rank floor(q (n - 1)), from 0; exact up to 32 samples, beyond that to within 1 % of the value (DDSketch) |

Growth can only be told in order of time. So where \`increase\` or \`rate\` is asked for, a sample older than
watermark - \`lateness\` is late even if its window is open, and at most 1,024 samples of a series may wait for the watermark.

A series takes 17 + panes × (24 + 8 for \`sum\` + 16 for \`min\`, \`max\` + 32 for
\`first\`, \`last\` + 40 for \`increase\`, \`rate\`) bytes. There are (size + lateness + lead) / slide + 1 panes, rounded up,
and one more where windows overlap; lead is how far the sources may be ahead of the watermark. Quantiles add a
sketch for each pane with samples: 8 bytes a sample up to 32, beyond that about half a kB for values of one order
of magnitude, at most 16 KiB. The waiting samples of \`increase\` and \`rate\` take 16 bytes each.`,
  config,
  examples: [
    {
      title: 'Ten seconds each; of the samples out of order one is in time, as its window is open, and one is late',
      config: { size: '10s', aggregates: ['mean', 'count', 'stddev', 'max'] },
      input: ['1s cpu_usage 10', '9s cpu_usage 30', '4s cpu_usage 20', '12s cpu_usage 50', 'watermark 20s', '21s cpu_usage 60', '15s cpu_usage 70'],
      output: [
        '10s cpu_usage 20 mean=20 count=3 stddev=8.16497 max=30',
        '20s cpu_usage 50 mean=50 count=1 stddev=0 max=50',
        '30s cpu_usage 60 mean=60 count=1 stddev=0 max=60',
        '15s late cpu_usage 70',
      ],
    },
    {
      title: 'One minute, every 20 seconds: growth of a counter that starts again at 40 s',
      config: { size: '1m', slide: '20s', aggregates: ['rate', 'increase'] },
      input: ['0s requests_total 100', '10s requests_total 140', '30s requests_total 180', '40s requests_total 20', '50s requests_total 60'],
      output: [
        '20s requests_total 4 rate=4 increase=40',
        '40s requests_total 2.66667 rate=2.66667 increase=80',
        '1m requests_total 2.8 rate=2.8 increase=140',
        '1m20s requests_total 3 rate=3 increase=60',
        '1m40s requests_total 4 rate=4 increase=40',
      ],
    },
    {
      title: 'Quantiles',
      config: { size: '1m', aggregates: ['p50', 'p99'] },
      input: ['1s latency 10', '2s latency 11', '3s latency 12', '4s latency 13', '5s latency 200'],
      output: ['1m latency 12 p50=12 p99=13'],
    },
  ],
  ports: ({ aggregates }) => ({ input: { rows: [] }, output: { rows: aggregates, late: true } }),
  state: (settings, lead) => {
    const needs = needsOf(settings.aggregates);
    const { perSlot } = panesOf(settings, lead);
    const f64 = (needed: boolean, name: keyof WindowSchema, each: number) => (needed ? { [name]: { type: 'f64', per: each, planes: perSlot } } : {});
    return {
      open: 'u8',
      next: 'f64',
      newest: 'f64',
      moments: { type: 'f64', per: 3, planes: perSlot },
      ...f64(needs.sum, 'sum', 1),
      ...f64(needs.extremes, 'extremes', 2),
      ...f64(needs.ends, 'ends', 4),
      ...f64(needs.counter, 'counter', 5),
      // What is not asked for is not there, and no part reads it.
    } as WindowSchema;
  },
  // Where a pane lies in the ring, and what is kept of it.
  meaning: ({ size, slide = size, lateness, aggregates }, lead) => `${[...aggregates].sort().join(', ')} of ${size} ms every ${slide} ms, lateness ${lateness} ms, sources up to ${lead} ms ahead`,
  delay: ({ lateness }) => lateness,
  keep: ({ size, lateness }) => Math.max(KEEP_SERIES_MS, size + lateness),
  create: (settings, { lead }) => new Windows(panesOf(settings, lead), settings.aggregates),
});
