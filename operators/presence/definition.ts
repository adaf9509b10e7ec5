import { defineOperator } from '../../engine/operator.js';
import { KEEP_SERIES_MS } from '../../engine/limits.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { config, state } from './config.js';
import { Watch } from './watch.js';

const hosts = 'a b c d e f g h i j'.split(' ');
const values = [20, 21, 20, 22, 21, 23, 22, 21, 20, 21, 22, 20];

export default defineOperator({
  name: 'presence',
  version: 1,
  summary: 'Tells when a series gives no samples any more, or always the same value, by what is usual for it.',
  description: `
A row comes out as it came in, with all its columns and

| column | |
| --- | --- |
| \`silence\` | seconds since the sample before |
| \`silence_limit\` | how long a silence would be told; NaN in the first \`warmup\` intervals |
| \`same\` | samples that the value has been the same |
| \`same_limit\` | how many would be told; NaN before \`warmup\` changes |
| \`score\` | 0 to 1, how unusual the two are. A score above 1 − p comes on a share p of the rows of a series that neither falls silent nor freezes |

**Silence.** A series is silent when its last sample is longer ago than \`times\` the longest interval that is usual for it, and \`min_silence\`. The
longest usual interval rises with each that is longer (one that was told counts no more than double) and falls to half in a week. Silences are found by
the watermark, that is in event time: a live source that is away is silent too, a replay is not for being slow; at the end of the stream nothing is.

They are told at the second multiple of \`hold\` that follows, unless they are over by then. An anomaly grows at 4, 16 and 64 times the limit (medium, high, critical), and
closes when the series is back, or after \`forget\`, or twice the limit where that is longer: then the series has ended, and begins anew if it comes again. Its value is the
seconds of silence.

**Many at once.** The series of a metric that have the same values of the labels \`by\` are a group. Where ten of them and the share \`together\` are silent
when one of them would be told, that is one anomaly of the group; those that fall silent while it is open are part of it. It closes when fewer than half of that share
are silent; these are told one by one then.

**Frozen.** A series that has changed \`warmup\` times is frozen when its value has been the same for \`times\` as many samples as ever is usual,
and \`min_same\`. A run that was told is usual from then on: a counter that rests at night is told once. It falls to half in a week too. The anomaly closes with another value.

Samples older than the last one of their series go to the output \`late\`. Stale markers and values that are not finite are no samples:
they are passed on with NaN in all columns.

**Cost.** A series and a group take 177 bytes each, and a silence that waits to be told, or is told together, 72. A sample is O(1); where silences are told, a look
at all series of the group follows. A group is on one shard: give \`by\` where a metric has millions of series.`,
  config,
  examples: [
    {
      title: 'A series that gives a sample every ten seconds is silent for four minutes',
      config: { watch: ['silence'] },
      input: [...values.map((value, i) => `${i * 10}s temperature{room="a"} ${value}`), 'watermark 3m', 'watermark 5m', '6m temperature{room="a"} 21', '6m10s temperature{room="a"} 22'],
      output: [
        '0s temperature{room="a"} 20 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '10s temperature{room="a"} 21 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s temperature{room="a"} 20 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '30s temperature{room="a"} 22 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '40s temperature{room="a"} 21 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '50s temperature{room="a"} 23 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '1m temperature{room="a"} 22 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '1m10s temperature{room="a"} 21 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '1m20s temperature{room="a"} 20 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '1m30s temperature{room="a"} 21 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '1m40s temperature{room="a"} 22 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '1m50s temperature{room="a"} 20 score=0.72 silence=10 silence_limit=50 same=1 same_limit=30',
        '6m temperature{room="a"} 21 score=0.99996 silence=250 silence_limit=50 same=1 same_limit=30',
        '6m10s temperature{room="a"} 22 score=0.346229 silence=10 silence_limit=100 same=1 same_limit=30',
        '3m30s anomaly opened temperature{room="a"} low: temperature{room="a"} has been silent for 1m40s, since 1970-01-01T00:01:50.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '5m10s anomaly grew temperature{room="a"} medium: temperature{room="a"} has been silent for 3m20s, since 1970-01-01T00:01:50.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '6m anomaly closed temperature{room="a"} medium: temperature{room="a"} is back after a silence of 4m10s; it gives a sample every 10s',
      ],
    },
    {
      title: 'Of a sensor that is stuck the value is always the same',
      config: { watch: ['frozen'], min_same: 5 },
      input: [...values, ...Array.from({ length: 6 }, () => 20), 21].map((value, i) => `${i}m temperature{room="a"} ${value}`),
      output: [
        '0s temperature{room="a"} 20 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '1m temperature{room="a"} 21 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '2m temperature{room="a"} 20 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '3m temperature{room="a"} 22 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '4m temperature{room="a"} 21 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '5m temperature{room="a"} 23 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '6m temperature{room="a"} 22 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '7m temperature{room="a"} 21 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '8m temperature{room="a"} 20 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '9m temperature{room="a"} 21 score=0 silence=60 silence_limit=NaN same=1 same_limit=NaN',
        '10m temperature{room="a"} 22 score=0 silence=60 silence_limit=NaN same=1 same_limit=5',
        '11m temperature{room="a"} 20 score=0.72 silence=60 silence_limit=300 same=1 same_limit=5',
        '12m temperature{room="a"} 20 score=0.999 silence=60 silence_limit=300 same=2 same_limit=5',
        '13m temperature{room="a"} 20 score=0.9992 silence=60 silence_limit=300 same=3 same_limit=5',
        '14m temperature{room="a"} 20 score=0.9992 silence=60 silence_limit=300 same=4 same_limit=5',
        '15m temperature{room="a"} 20 score=0.9992 silence=60 silence_limit=300 same=5 same_limit=5',
        '16m temperature{room="a"} 20 score=0.999306 silence=60 silence_limit=300 same=6 same_limit=5',
        '17m temperature{room="a"} 20 score=0.99949 silence=60 silence_limit=300 same=7 same_limit=5',
        '18m temperature{room="a"} 21 score=0.0793805 silence=60 silence_limit=300 same=1 same_limit=35',
        '15m anomaly opened temperature{room="a"} low: temperature{room="a"} has been 20 for 5 samples (4m); it is not the same for more than 1',
        '18m anomaly closed temperature{room="a"} low: temperature{room="a"} changes again after 7 samples of 20 (7m)',
      ],
    },
    {
      title: 'Ten hosts fall silent together, as when their source is away: one anomaly, until most are back',
      config: { warmup: 3, hold: '10s' },
      input: [
        ...[0, 10, 20, 30].flatMap((time) => hosts.map((host, h) => `${time}s load{host="${host}"} ${(h * 7 + time / 10) % 5}`)),
        'watermark 90s',
        ...hosts.map((host, h) => `${95 + h}s load{host="${host}"} ${h % 5}`),
        'watermark 2m',
      ],
      output: [
        '0s load{host="a"} 0 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="b"} 2 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="c"} 4 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="d"} 1 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="e"} 3 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="f"} 0 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="g"} 2 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="h"} 4 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="i"} 1 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '0s load{host="j"} 3 score=0 silence=0 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="a"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="b"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="c"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="d"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="e"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="f"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="g"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="h"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="i"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '10s load{host="j"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="a"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="b"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="c"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="d"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="e"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="f"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="g"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="h"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="i"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '20s load{host="j"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=NaN',
        '30s load{host="a"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="b"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="c"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="d"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="e"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="f"} 3 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="g"} 0 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="h"} 2 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="i"} 4 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '30s load{host="j"} 1 score=0 silence=10 silence_limit=NaN same=1 same_limit=30',
        '1m35s load{host="a"} 0 score=0.999408 silence=65 silence_limit=50 same=1 same_limit=30',
        '1m36s load{host="b"} 1 score=0.999426 silence=66 silence_limit=50 same=1 same_limit=30',
        '1m37s load{host="c"} 2 score=0.999443 silence=67 silence_limit=50 same=2 same_limit=30',
        '1m38s load{host="d"} 3 score=0.999459 silence=68 silence_limit=50 same=1 same_limit=30',
        '1m39s load{host="e"} 4 score=0.999475 silence=69 silence_limit=50 same=1 same_limit=30',
        '1m40s load{host="f"} 0 score=0.99949 silence=70 silence_limit=50 same=1 same_limit=30',
        '1m41s load{host="g"} 1 score=0.999504 silence=71 silence_limit=50 same=1 same_limit=30',
        '1m42s load{host="h"} 2 score=0.999518 silence=72 silence_limit=50 same=2 same_limit=30',
        '1m43s load{host="i"} 3 score=0.999531 silence=73 silence_limit=50 same=1 same_limit=30',
        '1m44s load{host="j"} 4 score=0.999543 silence=74 silence_limit=50 same=1 same_limit=30',
        '1m40s anomaly opened load{host="g"} low: load{host="g"} has been silent for 1m10s, since 1970-01-01T00:00:30.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '1m40s anomaly opened load{host="h"} low: load{host="h"} has been silent for 1m10s, since 1970-01-01T00:00:30.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '1m40s anomaly opened load{host="f"} low: load{host="f"} has been silent for 1m10s, since 1970-01-01T00:00:30.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '1m40s anomaly closed load{host="f"} low: load{host="f"} is back after a silence of 1m10s; it gives a sample every 10s',
        '1m40s anomaly opened load{host="j"} low: load{host="j"} has been silent for 1m10s, since 1970-01-01T00:00:30.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '1m40s anomaly opened load{host="i"} low: load{host="i"} has been silent for 1m10s, since 1970-01-01T00:00:30.000Z; it gives a sample every 10s, and is not silent for more than 10s',
        '1m41s anomaly closed load{host="g"} low: load{host="g"} is back after a silence of 1m11s; it gives a sample every 10s',
        '1m42s anomaly closed load{host="h"} low: load{host="h"} is back after a silence of 1m12s; it gives a sample every 10s',
        '1m43s anomaly closed load{host="i"} low: load{host="i"} is back after a silence of 1m13s; it gives a sample every 10s',
        '1m44s anomaly closed load{host="j"} low: load{host="j"} is back after a silence of 1m14s; it gives a sample every 10s',
      ],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: ['score', 'silence', 'silence_limit', 'same', 'same_limit'], passes: true, findings: ['anomaly'], late: true } }),
  route: () => 'group',
  series: ({ by }) => (of) => {
    const shared: Record<string, string> = {};
    for (const label of by) if (of.labels[label] !== undefined) shared[label] = of.labels[label];
    return [{ series: makeSeries(of.name, shared), member: seriesText(of.name, of.labels), gives: of }];
  },
  state: () => state,
  keep: ({ forget }) => Math.max(KEEP_SERIES_MS, 2 * forget),
  create: (of, context) => new Watch(of, context),
});
