import { defineOperator } from '../../engine/operator.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { config, state } from './config.js';
import { GroupForest } from './group-forest.js';
import { train } from './model.js';
import { SeriesForest } from './series-forest.js';

/** Samples of a minute each. */
const cpu = [50, 52, 49, 51, 50, 48, 50, 53, 51, 49, 50, 52, 51, 50, 49, 51, 50, 52];
const warmingUp = 'score=0 raw=NaN expected=NaN lower=NaN upper=NaN';

export default defineOperator({
  name: 'isolation-forest',
  version: 1,
  summary: 'Finds what an isolation forest sets apart: vectors of series that belong together, or of the last values of a series, unlike all that were before.',
  description: `
An isolation forest (Liu, Ting and Zhou 2008) splits the vectors it is trained on by random cuts; a vector that is alone after few of them is
unlike the rest, whatever their distribution. So it finds what no single series tells: values that are each usual, and never were
at the same time.

**Groups: \`by\`.** Series with the same values of these labels are a group, whose series is \`as\` with these labels. A vector is the last value of
each member in a \`step\`; it is judged when the watermark reaches the step's end, and a step in which no member has a value is passed
over. Where one has none, its last value stands in, if it is no older than \`hold\` at the step's end; else the group is not judged,
and all columns are NaN, as long as the forest knows that member. A stale marker ends a member at once. One that the forest does not know
is left out. When members have come or gone, another forest is asked for, \`warmup\` vectors after the last. At most 64 members
make a vector, the first by their text.

What the forest sees of a vector is how far each member is above what the others let expect, linearly, and what they have in common, their first
principal component: a forest cuts by one number at a time, and would hardly see in the values themselves that two have parted.

**Single series: without \`by\`.** A vector is made of the value, the step from the one before, mean and standard deviation of the last
\`shingle\` values, and so many \`lags\`, values before. All rows come out as they came in.

| column | |
| --- | --- |
| \`score\` | 0 to 1. A score above 1 − p comes on a share p of the rows in which nothing is unusual: up to 0.999 by what this series or group does, beyond by one scale for all, kept for what exceeds the last that was so far out, which fades to a third within 17 hours. 0 until there is a forest |
| \`raw\` | the forest's own score, in (0, 1): 2 to the power of minus the mean path length, over that in random data. Of groups also the value of the row |
| \`expected\`, \`lower\`, \`upper\` | of groups, of the forest score: its median and least among the vectors trained on, and where an anomaly begins. Of single series, of the value: its median there, and what a hundredth is below and above |

**Training.** After \`warmup\` vectors a forest is trained off the stream, on the last \`history\` vectors (of a group, those in which all members that
are there have values). It takes effect \`train\` after the vector that it was asked for at. Another is asked for after \`retrain\` vectors, the first ones whenever vectors have doubled;
and, after \`warmup\`, on drift: when half of the last 32 or so are as unusual as a tenth of those trained on. Its seed is made of the graph's and the series.

**Anomalies.** How far out a vector is goes by the odds of its forest score, s / (1 − s), above those of the median: scores crowd near 1, their odds
don't. The edge is \`sensitivity\` times as far out as what a hundredth of the vectors exceed. An anomaly opens after \`for\` vectors in succession beyond
it (one twice as far out counts as two), grows when its severity rises, and closes after \`close_for\` within the share \`close\` of the
edge, or after \`adapt\` vectors: then history and warm-up begin anew. While one is open, vectors are kept from history. Severity: low; from 1.5 times as
far out as the edge medium, from 2 high, from 4 critical. The explanation names what contributes most: by how much the forest score falls where
a number is as expected (occlusion), as a share of all that falls.

A forest alone can't tell how far outside of all that it knows a vector is. So its splits have a chance to part such a vector at once, that of a
cut drawn evenly from the box around those it was trained on and this one: the score rises to nearly 1 the further out it is.

Samples of a step that has been judged, and those older than the last one of their single series, go to the output \`late\`. Values that
are not finite change nothing; of single series their rows come out with NaN in all columns.

**Cost.** A forest of 100 trees takes up to 450 kB, 150 of which it is saved by; history 8 bytes a value of each series or member; columns 111 bytes,
and 24 for each step that a member's samples wait in. A vector takes a few µs. So this is for series and groups that are worth it: choose them with \`select\`.`,
  config,
  examples: [
    {
      title: 'Answers go up and down with the load, until they part: each value is usual by itself',
      config: { by: ['job'], trees: 64, sample: 32, warmup: 16, history: 32, close_for: 1 },
      input: [
        ...Array.from({ length: 16 }, (_, m) => {
          const load = [10, 30, 50, 70, 90, 70, 50, 30][m % 8]! + (m % 3);
          return [`${m}m load{job="api"} ${load}`, `${m}m answers{job="api"} ${2 * load + (m % 5)}`];
        }).flat(),
        'watermark 17m',
        '17m load{job="api"} 91',
        '17m answers{job="api"} 20',
        'watermark 18m',
        '15m load{job="api"} 30',
        '18m load{job="api"} 12',
        '19m load{job="api"} 52',
        '19m answers{job="api"} 106',
        '25m load{job="api"} 30',
      ],
      output: [
        ...Array.from({ length: 16 }, (_, m) => `${m + 1}m isolation_forest{job="api"} NaN ${warmingUp}`),
        '18m isolation_forest{job="api"} 0.800714 score=0.999845 raw=0.800714 expected=0.492139 lower=0.449914 upper=0.644175',
        '19m isolation_forest{job="api"} 0.688601 score=0.9992 raw=0.688601 expected=0.492139 lower=0.449914 upper=0.649371',
        '20m isolation_forest{job="api"} 0.461383 score=0 raw=0.461383 expected=0.492139 lower=0.449914 upper=0.649371',
        '26m isolation_forest{job="api"} NaN score=NaN raw=NaN expected=NaN lower=NaN upper=NaN',
        '18m anomaly opened isolation_forest{job="api"} high: isolation_forest{job="api"} is unlike the 16 vectors that its forest knows: forest score 0.80, usually 0.49 and up to 0.64; answers{job="api"} 20 makes 52 % of it (182.1 to 186.1 is usual), load{job="api"} 91 makes 48 % (8.3 to 10.5 is usual)',
        '20m anomaly closed isolation_forest{job="api"} high: isolation_forest{job="api"} is as usual again after 2m: forest score 0.46, at its furthest 0.80, usually 0.49 and up to 0.65',
        '15m late isolation_forest{job="api"} 30',
      ],
    },
    {
      title: 'A series by itself: forests know its values, and steps between them',
      config: { shingle: 4, trees: 64, sample: 32, warmup: 16, history: 32, close_for: 1 },
      input: [...cpu.map((value, m) => `${m}m cpu_usage{host="a"} ${value}`), 'watermark 18m', '18m cpu_usage{host="a"} 93', '19m cpu_usage{host="a"} 94', '20m cpu_usage{host="a"} 51', '21m cpu_usage{host="a"} 50', '22m cpu_usage{host="a"} 50', '23m cpu_usage{host="a"} 51', '12m cpu_usage{host="a"} 50', '24m cpu_usage{host="a"} NaN'],
      output: [
        ...cpu.map((value, m) => `${m === 0 ? '0s' : `${m}m`} cpu_usage{host="a"} ${value} ${warmingUp}`),
        '18m cpu_usage{host="a"} 93 score=0.999704 raw=0.834915 expected=50 lower=48 upper=52',
        '19m cpu_usage{host="a"} 94 score=0.9992 raw=0.796299 expected=50 lower=48 upper=52',
        '20m cpu_usage{host="a"} 51 score=0.9992 raw=0.794231 expected=50 lower=48 upper=52',
        '21m cpu_usage{host="a"} 50 score=0.9992 raw=0.727703 expected=50 lower=48 upper=52',
        '22m cpu_usage{host="a"} 50 score=0.999188 raw=0.721346 expected=50 lower=48 upper=52',
        '23m cpu_usage{host="a"} 51 score=0.145395 raw=0.502267 expected=50 lower=48 upper=52',
        '24m cpu_usage{host="a"} NaN score=NaN raw=NaN expected=NaN lower=NaN upper=NaN',
        '18m anomaly opened cpu_usage{host="a"} high: cpu_usage{host="a"} is unlike the 13 vectors that its forest knows: forest score 0.83, usually 0.49 and up to 0.72; deviation of 4 18.2 makes 27 % of it (0.83 to 1.79 is usual), value 93 makes 25 % (48 to 52 is usual), step 41 makes 25 % (-2 to 2 is usual)',
        '23m anomaly closed cpu_usage{host="a"} high: cpu_usage{host="a"} is as usual again after 5m: forest score 0.50, at its furthest 0.83, usually 0.49 and up to 0.73',
        '12m late cpu_usage{host="a"} 50',
      ],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: ['score', 'raw', 'expected', 'lower', 'upper'], findings: ['anomaly'], late: true } }),
  route: ({ by }) => (by === undefined ? 'series' : 'group'),
  series: ({ by, as }) => (of) => {
    if (by === undefined) return [{ series: of }];
    const shared: Record<string, string> = {};
    for (const label of by) {
      const value = of.labels[label];
      if (value === undefined) return [];
      shared[label] = value;
    }
    return [{ series: makeSeries(as, shared), member: seriesText(of.name, of.labels) }];
  },
  state: () => state,
  // How long rings are, and what vectors are made of.
  meaning: ({ by, step, history, shingle, lags }) => (by === undefined ? `${history} values, shingles of ${shingle} and ${lags} lags` : `${history} vectors, one in ${step} ms, by ${by.join(', ')}`),
  tasks: { train },
  create: (of, context) => (of.by === undefined ? new SeriesForest(of, context) : new GroupForest(of, context)),
});
