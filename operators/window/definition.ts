import { KEEP_SERIES_MS } from '../../engine/limits.js';
import { defineOperator, type Operator, type StateSchema } from '../../engine/operator.js';
import { aggregateColumns } from './aggregates.js';
import { Counts, spanOfCounts } from './counts.js';
import { spanColumns } from './pane-store.js';
import { Panes } from './panes.js';
import { Sessions, spanOfSessions } from './sessions.js';
import { config, shapeOf, type Config, type Shape } from './settings.js';
import { Windows } from './windows.js';

function panesOf({ size, slide }: Extract<Shape, { sort: 'time' }>, lateness: number, lead: number): Panes {
  return new Panes(size, slide, lateness, lead);
}

export default defineOperator<Config, StateSchema, string>({
  name: 'window',
  version: 3,
  summary: 'Counts, means, extremes, quantiles and rates over windows of time, over sessions, or over so many rows.',
  description: `
Gives one row for each window and series, once. Say what makes a window: \`size\`, \`gap\` or \`rows\`.

**Windows of time: \`size\`.** One begins at every multiple of \`slide\` since the epoch. The time of its row is its
end; it holds the samples from its start (inclusive) to its end (exclusive). A window without samples gives no row.
Without \`slide\` windows follow each other; with it they overlap, and a sample still costs the same.

**Sessions: \`gap\`.** Samples less than \`gap\` apart; a silence as long as \`gap\` ends a session. The time of its
row is its end: the last sample + \`gap\`. A sample between two sessions that is less than \`gap\` from both makes them
one. A session that would last longer than \`max\` is cut, and ends, at the last multiple of half of \`max\` since the epoch
that is within \`max\` of its first sample. So it does not depend on the order of arrival where that is, and what is
shorter than half of \`max\` is never cut. At the end of the stream all sessions close.

**Windows of rows: \`rows\`.** So many samples, counted in order of time, those of equal time in order of arrival, from the
first sample of a series. The time of its row is that of its last sample. Without \`every\` windows follow each other; with it
one ends with every so many samples, from the first full window on. Samples that don't fill a window until the stream ends, or
until their series has been silent for 7 days, give no row: it would have to lie behind the watermark, or to have another count than all others.

Sessions and windows of rows have two columns more: \`start\`, the time of the first sample in milliseconds since the epoch, and
\`duration\`, the seconds from the first sample to the last.

**Out of order.** A window closes when the watermark reaches its end + \`lateness\`. Until then samples may come in any order and
change nothing in the result. A sample that comes too late goes to the output \`late\` and is in no window. Too late is:
for windows of time, after the first of its windows has closed; for sessions, older than watermark - \`lateness\`
and not within a session that is open; for windows of rows, older than watermark - \`lateness\`.
Samples that the state has no room for (see below) go there too, counted as ahead.
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
watermark - \`lateness\` is late even if its window is open, and samples wait for the watermark, as they do for windows of rows:
at most 16,384 of a series, 16 bytes each.

**Memory.** A series takes panes × (24 + 8 for \`sum\` + 16 for \`min\`, \`max\` + 32 for \`first\`, \`last\` + 40 for
\`increase\`, \`rate\`) bytes, and further:

| | bytes | panes |
| --- | --- | --- |
| windows of time | 17 | (size + lateness + lead) / slide + 1, rounded up; one more where windows overlap. A sample so far in the future that there is none for it is ahead |
| sessions | 10 + panes × 24 | as many sessions as may be open at once, at most 64: r / gap + 2 r / max + 2, rounded up, where r is gap + lateness + lead. A sample that would begin one more is ahead |
| windows of rows | 8 + panes × 16 | rows / every; one more where windows overlap |

lead is how far the sources may be ahead of the watermark. Quantiles add a sketch for each pane with samples: 8 bytes a sample up
to 32, beyond that about half a kB for values of one order of magnitude, at most 16 KiB.`,
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
    {
      title: 'Sessions: bursts of requests that 30 seconds of silence end. The sample of 35 s comes last and makes two bursts one',
      config: { gap: '30s', aggregates: ['count', 'sum'] },
      input: ['0s requests 5', '20s requests 7', '55s requests 2', '35s requests 1', 'watermark 85s', '2m requests 4', '2m30s requests 6'],
      output: [
        '1m25s requests 4 count=4 sum=15 start=0 duration=55',
        '2m30s requests 1 count=1 sum=4 start=120000 duration=0',
        '3m requests 1 count=1 sum=6 start=150000 duration=0',
      ],
    },
    {
      title: 'Sessions of at most a minute',
      config: { gap: '20s', max: '1m', aggregates: ['count', 'max'] },
      input: ['10s load 1', '25s load 2', '40s load 5', '55s load 3', '1m10s load 4', 'watermark 1m15s', '20s load 9', '1m14s load 8'],
      output: ['1m load 4 count=4 max=5 start=10000 duration=45', '1m34s load 2 count=2 max=8 start=70000 duration=4', '20s late load 9'],
    },
    {
      title: 'Every two rows the last four, in order of time',
      config: { rows: 4, every: 2, aggregates: ['mean', 'count', 'first', 'last'] },
      input: ['1s latency 10', '2s latency 20', '4s latency 40', '3s latency 30', '5s latency 50', '6s latency 60', 'watermark 6s', '2s latency 99', '7s latency 70'],
      output: [
        '4s latency 25 mean=25 count=4 first=10 last=40 start=1000 duration=3',
        '6s latency 45 mean=45 count=4 first=30 last=60 start=3000 duration=3',
        '2s late latency 99',
      ],
    },
  ],
  ports: (settings) => ({ input: { rows: [] }, output: { rows: [...settings.aggregates, ...(shapeOf(settings).sort === 'time' ? [] : spanColumns)], late: true } }),
  bounded: true,
  state: (settings, lead): StateSchema => {
    const shape = shapeOf(settings);
    const { lateness, aggregates } = settings;
    switch (shape.sort) {
      case 'time':
        return { open: 'u8', next: 'f64', newest: 'f64', ...aggregateColumns(aggregates, panesOf(shape, lateness, lead).perSlot) };
      case 'sessions': {
        const span = spanOfSessions({ ...shape, lateness }, lead);
        return { open: 'u8', current: 'u8', next: 'f64', span, ...aggregateColumns(aggregates, span.planes) };
      }
      case 'rows': {
        const span = spanOfCounts(shape);
        return { missing: 'u32', filling: 'u32', span, ...aggregateColumns(aggregates, span.planes) };
      }
      default:
        return shape satisfies never;
    }
  },
  // Where a pane lies, and what is kept of it.
  meaning: (settings, lead) => {
    const shape = shapeOf(settings);
    const names = settings.aggregates.toSorted().join(', ');
    if (shape.sort === 'rows') return `${names} of ${shape.rows} rows every ${shape.every}`;
    const waits = `lateness ${settings.lateness} ms, sources up to ${lead} ms ahead`;
    if (shape.sort === 'sessions') return `${names} of sessions ended by ${shape.gap} ms, at most ${shape.max} ms, ${waits}`;
    return `${names} of ${shape.size} ms every ${shape.slide} ms, ${waits}`;
  },
  delay: ({ lateness }) => lateness,
  keep: (settings) => {
    const shape = shapeOf(settings);
    const length = shape.sort === 'time' ? shape.size : shape.sort === 'sessions' ? shape.gap : 0;
    return Math.max(KEEP_SERIES_MS, length + settings.lateness);
  },
  create: (settings, { lead }): Operator => {
    const shape = shapeOf(settings);
    const { lateness, aggregates } = settings;
    switch (shape.sort) {
      case 'time':
        return new Windows(panesOf(shape, lateness, lead), aggregates) as Operator;
      case 'sessions':
        return new Sessions({ ...shape, lateness, aggregates }, lead) as Operator;
      case 'rows':
        return new Counts({ ...shape, lateness, aggregates }) as Operator;
      default:
        return shape satisfies never;
    }
  },
});
