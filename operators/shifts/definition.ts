import { defineOperator } from '../../engine/operator.js';
import { config, stateOf } from './config.js';
import { Watcher } from './watcher.js';

export default defineOperator({
  name: 'shifts',
  version: 1,
  summary: 'Finds where a series changes for good: its level, its spread or its trend.',
  description: `
A row comes out as it came in, with all its columns and

| column | |
| --- | --- |
| \`expected\` | what comes next in the present regime: the line of about the last \`memory\` samples, and what the time of the \`period\` adds to it where that predicts better |
| \`lower\`, \`upper\` | three standard deviations to either side |
| \`score\` | 0 to 1, how unusual the evidence for a shift is. A score above 1 − p comes on a share p of the rows of a series that does not shift |

**Evidence** is gathered by cumulative sums (Page 1954), upwards and downwards, of each sample's deviation from what was expected and of the
size of that deviation. Deviations are in standard deviations, without what is left of the one before (so correlated noise is judged as other noise), and
count three at most (so that one far out is no shift). What is less than half a deviation is not gathered.

**A shift** is told when there is evidence of \`limit\` and it has lasted \`for\` samples, by a look at these:

| | told where |
| --- | --- |
| level | their median after the best step is \`min_shift\` standard deviations away, or four of a mean of so many samples where they are correlated; not less than \`min_deviation\` and \`min_relative\`; and the last quarter is still there |
| trend | so it is, and they are nearer to a line (Sen 1968) than to any step |
| spread | the mean size of their deviations is \`min_ratio\` times as large, or as small |


Each shift that is told makes that by which the next has to be larger twice as much, up to 16 times, which falls to half in two weeks: a series whose nature it is
to shift to and fro, as by weekends, is told some times and then seldom. What is found, told or not, is the regime that comes next. What may be a shift is kept from level and spread while evidence grows.

**What comes back is no shift.** Nothing is told before two \`period\`s have been seen. From then on values are compared with the same time of the
period (in phases of an hour; of 168 at most) where that predicts better, and the size of their deviations with what it is at that time. A pattern that is longer, such as weekends with the
default of a day, is told as it comes and goes.

**How sure.** Of 960,000 samples of noise that is normal, uniform, exponential, heavy-tailed, of whole numbers, or correlated (up to 0.8 from one to the
next), 1 opened an anomaly; correlated to 0.95, 3 of 120,000; of a random walk, which has no level, 7. A shift of three standard deviations
is told after 30 samples at most where noise is not correlated, or to one half; correlated to 0.8, three in four are told.

**Anomalies** open with a shift, grow with further ones, and close when one leads back, or \`settle\` samples after the last: what
stays is the new normal. Severity by the furthest of them: low; from 4.5 standard deviations (spread: 3 times) on medium, 6 (4 times) high, 12 (8 times) critical.

Samples older than the last one of their series go to the output \`late\`. Stale markers and values that are not finite are passed on with NaN
in all columns.

**Cost.** A series takes 364 bytes, 16 more for each sample of \`for\` and 24 for each phase of the period. A sample is O(1); a look at
the last samples, O(n² log n) for n of them, follows only on evidence.`,
  config,
  examples: [
    {
      title: 'A level that rises and stays. Here after few samples, of a series without a period',
      config: { period: 'none', for: 8, warmup: 20, memory: 50, settle: 6 },
      input: Array.from({ length: 38 }, (_, i) => `${i}m cpu_usage{host="a"} ${(i < 22 ? 50 : 70) + [0, 1, -1, 2, 0, -2, 1, 0, -1][i % 9]!}`),
      output: [
        '0s cpu_usage{host="a"} 50 score=0 expected=50 lower=50 upper=50',
        '1m cpu_usage{host="a"} 51 score=0 expected=50 lower=50 upper=50',
        '2m cpu_usage{host="a"} 49 score=0 expected=52 lower=52 upper=52',
        '3m cpu_usage{host="a"} 52 score=0 expected=49 lower=40 upper=58',
        '4m cpu_usage{host="a"} 50 score=0 expected=51.5 lower=42.5 upper=60.5',
        '5m cpu_usage{host="a"} 48 score=0 expected=50.7 lower=42.9058 upper=58.4942',
        '6m cpu_usage{host="a"} 51 score=0 expected=49 lower=41.1282 upper=56.8718',
        '7m cpu_usage{host="a"} 50 score=0 expected=49.8571 lower=42.3224 upper=57.3919',
        '8m cpu_usage{host="a"} 49 score=0 expected=49.8571 lower=42.9767 upper=56.7376',
        '9m cpu_usage{host="a"} 50 score=0 expected=49.4167 lower=42.9729 upper=55.8604',
        '10m cpu_usage{host="a"} 51 score=0 expected=49.5333 lower=43.4741 upper=55.5926',
        '11m cpu_usage{host="a"} 49 score=0 expected=49.9818 lower=44.0838 upper=55.8798',
        '12m cpu_usage{host="a"} 52 score=0 expected=49.6364 lower=43.964 upper=55.3087',
        '13m cpu_usage{host="a"} 50 score=0 expected=50.3077 lower=44.4921 upper=56.1233',
        '14m cpu_usage{host="a"} 48 score=0 expected=50.2418 lower=44.6674 upper=55.8162',
        '15m cpu_usage{host="a"} 51 score=0 expected=49.6571 lower=43.9859 upper=55.3284',
        '16m cpu_usage{host="a"} 50 score=0 expected=49.95 lower=44.38 upper=55.52',
        '17m cpu_usage{host="a"} 49 score=0 expected=49.9485 lower=44.5673 upper=55.3298',
        '18m cpu_usage{host="a"} 50 score=0 expected=49.7255 lower=44.4668 upper=54.9842',
        '19m cpu_usage{host="a"} 51 score=0 expected=49.7544 lower=44.6488 upper=54.86',
        '20m cpu_usage{host="a"} 49 score=0.0177394 expected=49.9789 lower=44.9396 upper=55.0183',
        '21m cpu_usage{host="a"} 52 score=0.234023 expected=49.7868 lower=44.8353 upper=54.7383',
        '22m cpu_usage{host="a"} 70 score=0.776311 expected=50.1386 lower=45.0968 upper=55.1804',
        '23m cpu_usage{host="a"} 68 score=0.955027 expected=50.7956 lower=45.0839 upper=56.5072',
        '24m cpu_usage{host="a"} 71 score=0.994336 expected=51.3932 lower=45.1081 upper=57.6783',
        '25m cpu_usage{host="a"} 70 score=0.999096 expected=51.8784 lower=45.166 upper=58.5907',
        '26m cpu_usage{host="a"} 69 score=0.9992 expected=52.2135 lower=45.2533 upper=59.1738',
        '27m cpu_usage{host="a"} 70 score=0.9992 expected=52.3771 lower=45.3647 upper=59.3896',
        '28m cpu_usage{host="a"} 71 score=0.9992 expected=52.4948 lower=45.4823 upper=59.5073',
        '29m cpu_usage{host="a"} 69 score=0.0215807 expected=70.4707 lower=63.4583 upper=77.4832',
        '30m cpu_usage{host="a"} 72 score=0.0568258 expected=70.3204 lower=63.3907 upper=77.2501',
        '31m cpu_usage{host="a"} 70 score=0.000921546 expected=70.7171 lower=63.8502 upper=77.5841',
        '32m cpu_usage{host="a"} 68 score=0.111212 expected=70.7144 lower=63.9699 upper=77.4588',
        '33m cpu_usage{host="a"} 71 score=0 expected=70.4093 lower=63.6074 upper=77.2113',
        '34m cpu_usage{host="a"} 70 score=0.0454732 expected=70.6017 lower=63.9252 upper=77.2781',
        '35m cpu_usage{host="a"} 69 score=0.0342331 expected=70.6164 lower=64.06 upper=77.1727',
        '36m cpu_usage{host="a"} 70 score=0.137307 expected=70.4862 lower=63.9876 upper=76.9849',
        '37m cpu_usage{host="a"} 71 score=0.192615 expected=70.5154 lower=64.1319 upper=76.8989',
        '28m anomaly opened cpu_usage{host="a"} high: cpu_usage{host="a"}: level from 52.5 to 70.4 about 8 samples (8m) ago, 7.6 times its spread (2.3)',
        '34m anomaly closed cpu_usage{host="a"} high: cpu_usage{host="a"} has stayed at a level of 70.5 with a spread of 2.2 for 6 samples, 6m after the shift was found, which is its new normal',
      ],
    },
    {
      title: 'Values that spread, about the same level',
      config: { period: 'none', for: 8, warmup: 20, memory: 50, settle: 20, limit: 5 },
      input: [...Array.from({ length: 36 }, (_, i) => `${i}m latency ${50 + [0, 1, -1, 2, 0, -2, 1, 0, -1][i % 9]! * (i < 22 ? 1 : 6)}`), '30m latency 50', '37m latency NaN'],
      output: [
        '0s latency 50 score=0 expected=50 lower=50 upper=50',
        '1m latency 51 score=0 expected=50 lower=50 upper=50',
        '2m latency 49 score=0 expected=52 lower=52 upper=52',
        '3m latency 52 score=0 expected=49 lower=40 upper=58',
        '4m latency 50 score=0 expected=51.5 lower=42.5 upper=60.5',
        '5m latency 48 score=0 expected=50.7 lower=42.9058 upper=58.4942',
        '6m latency 51 score=0 expected=49 lower=41.1282 upper=56.8718',
        '7m latency 50 score=0 expected=49.8571 lower=42.3224 upper=57.3919',
        '8m latency 49 score=0 expected=49.8571 lower=42.9767 upper=56.7376',
        '9m latency 50 score=0 expected=49.4167 lower=42.9729 upper=55.8604',
        '10m latency 51 score=0 expected=49.5333 lower=43.4741 upper=55.5926',
        '11m latency 49 score=0 expected=49.9818 lower=44.0838 upper=55.8798',
        '12m latency 52 score=0 expected=49.6364 lower=43.964 upper=55.3087',
        '13m latency 50 score=0 expected=50.3077 lower=44.4921 upper=56.1233',
        '14m latency 48 score=0 expected=50.2418 lower=44.6674 upper=55.8162',
        '15m latency 51 score=0 expected=49.6571 lower=43.9859 upper=55.3284',
        '16m latency 50 score=0 expected=49.95 lower=44.38 upper=55.52',
        '17m latency 49 score=0 expected=49.9485 lower=44.5673 upper=55.3298',
        '18m latency 50 score=0 expected=49.7255 lower=44.4668 upper=54.9842',
        '19m latency 51 score=0 expected=49.7544 lower=44.6488 upper=54.86',
        '20m latency 49 score=0.0496703 expected=49.9789 lower=44.9396 upper=55.0183',
        '21m latency 52 score=0.653814 expected=49.7888 lower=44.8363 upper=54.7413',
        '22m latency 50 score=0.77296 expected=50.0844 lower=45.0555 upper=55.1133',
        '23m latency 38 score=0.990034 expected=50.0747 lower=45.1356 upper=55.0138',
        '24m latency 56 score=0.9992 expected=49.6637 lower=44.2943 upper=55.0331',
        '25m latency 50 score=0.992446 expected=49.7221 lower=44.2638 upper=55.1804',
        '26m latency 44 score=0.9992 expected=49.7198 lower=44.3061 upper=55.1336',
        '27m latency 50 score=0.994298 expected=49.6733 lower=44.2293 upper=55.1173',
        '28m latency 56 score=0.9992 expected=49.6681 lower=44.2567 upper=55.0795',
        '29m latency 44 score=0.9992 expected=49.6489 lower=44.2376 upper=55.0603',
        '30m latency 62 score=0.9992 expected=49.6298 lower=44.2184 upper=55.0412',
        '31m latency 50 score=0.405502 expected=49.6106 lower=20.5197 upper=78.7015',
        '32m latency 38 score=0.309472 expected=49.6309 lower=21.0054 upper=78.2565',
        '33m latency 56 score=0.203232 expected=48.4065 lower=19.5484 upper=77.2645',
        '34m latency 50 score=0.315598 expected=49.1453 lower=20.4811 upper=77.8095',
        '35m latency 44 score=0.0615951 expected=49.1929 lower=21.0093 upper=77.3764',
        '37m latency NaN score=NaN expected=NaN lower=NaN upper=NaN',
        '30m anomaly opened latency high: latency: spread from 1.8 to 9.7 about 8 samples (8m) ago',
        '30m late latency 50',
      ],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: ['score', 'expected', 'lower', 'upper'], passes: true, findings: ['anomaly'], late: true } }),
  state: (of) => stateOf(of),
  meaning: ({ for: per, period }) => `the last ${per} samples, a period of ${period}`,
  create: (of, context) => new Watcher(of, context),
});
