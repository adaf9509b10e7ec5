import { defineOperator } from '../../engine/operator.js';
import { config, stateOf } from './config.js';
import { Detector } from './detector.js';

export default defineOperator({
  name: 'density',
  version: 1,
  summary: 'Finds windows of a series whose mean and spread together are like none of its recent ones (DBSCAN).',
  description: `
Each \`rows\` samples of a series are a window, and a window is a point: its mean, and its standard deviation. One row comes out for each, at the time of
its last sample; its value is the mean, and it has

| column | |
| --- | --- |
| \`stddev\` | the standard deviation of the window |
| \`expected\` | the mean of the nearest of the windows before |
| \`lower\`, \`upper\` | the means that are within ε of that |
| \`score\` | 0 to 1, how unusual the distance from the nearest windows is. A score above 1 − p comes on a share p of the rows of a series in which nothing is unusual |

**Noise**, by DBSCAN (Ester et al. 1996) among the last \`history\` windows and itself, exactly, is a window that has not \`min_points\` windows at a distance of at
most ε, itself among them, nor is that close to one that has. So what has been some times is known, however many kinds of it there are, and however far apart: a queue that is either empty and
calm or full and busy is unusual when it is half full, or full and calm, which is inside of every band.

Distances are in usual steps: the mean difference of one window and the next, of means and of standard deviations each for itself; at least
\`min_deviation\` and \`min_relative\` of the mean. **ε is found by itself** unless given: \`sensitivity\` times the usual distance to the \`min_points\` − 1 nearest windows, and two steps at least.

**Anomalies** open after \`for\` windows in succession that are noise, grow when their severity rises, and close after \`close_for\` that are not. Severity: low; where the nearest windows are 1.5 ε away
medium, from 2 high, from 4 critical. Where the same comes again, it is known from the \`min_points\`th time on. A level that drifts is near to where it was a window before:
that is for \`detect\` and \`shifts\`.

Samples older than the last one of their series go to the output \`late\`. Stale markers and values that are not finite are passed over.

**Cost.** A series takes 119 bytes, and 16 for each window of the history (5 kB with the default). A window is O(\`history\`) where it is in the thick of a cluster, else at most
\`min_points\` times that; a sample else a few additions.`,
  config,
  examples: [
    {
      title: 'A queue is empty and calm, or full and busy; full and calm it never was',
      config: { rows: 2, history: 40, warmup: 14, min_points: 3, for: 1, close_for: 1 },
      input: Array.from({ length: 52 }, (_, i) => {
        const full = (i >> 3) % 2 === 1;
        const value = i === 44 || i === 45 ? 90 : full ? 90 + (i % 2 === 0 ? 12 : -12) + (i % 3) : 4 + (i % 2) + (i % 3) / 4;
        return `${i}m queue_length ${value}`;
      }),
      output: [
        '1m queue_length 4.625 score=0 stddev=0.625 expected=4.625 lower=4.5325 upper=4.7175',
        '3m queue_length 4.75 score=0 stddev=0.25 expected=4.625 lower=4.53 upper=4.72',
        '5m queue_length 4.875 score=0 stddev=0.625 expected=4.75 lower=4.5 upper=5',
        '7m queue_length 4.625 score=0 stddev=0.625 expected=4.625 lower=4 upper=5.25',
        '9m queue_length 91 score=0 stddev=13 expected=4.875 lower=-0.303224 upper=10.0532',
        '11m queue_length 91.5 score=0 stddev=11.5 expected=91 lower=83.19 upper=98.81',
        '13m queue_length 90.5 score=0 stddev=11.5 expected=91.5 lower=80.6855 upper=102.315',
        '15m queue_length 91 score=0 stddev=13 expected=91 lower=80.6132 upper=101.387',
        '17m queue_length 4.875 score=0 stddev=0.625 expected=4.875 lower=0.307684 upper=9.44232',
        '19m queue_length 4.625 score=0 stddev=0.625 expected=4.625 lower=-0.565814 upper=9.81581',
        '21m queue_length 4.75 score=0 stddev=0.25 expected=4.75 lower=0.401119 upper=9.09888',
        '23m queue_length 4.875 score=0 stddev=0.625 expected=4.875 lower=1.1048 upper=8.6452',
        '25m queue_length 90.5 score=0 stddev=11.5 expected=90.5 lower=83.6343 upper=97.3657',
        '27m queue_length 91 score=0 stddev=13 expected=91 lower=84.2527 upper=97.7473',
        '29m queue_length 91.5 score=0.35928 stddev=11.5 expected=91.5 lower=85.2375 upper=97.7625',
        '31m queue_length 90.5 score=0 stddev=11.5 expected=90.5 lower=84.3951 upper=96.6049',
        '33m queue_length 4.75 score=0 stddev=0.25 expected=4.75 lower=1.43028 upper=8.06972',
        '35m queue_length 4.875 score=0 stddev=0.625 expected=4.875 lower=1.37373 upper=8.37627',
        '37m queue_length 4.625 score=0 stddev=0.625 expected=4.625 lower=1.48268 upper=7.76732',
        '39m queue_length 4.75 score=0 stddev=0.25 expected=4.75 lower=1.87426 upper=7.62574',
        '41m queue_length 91.5 score=0 stddev=11.5 expected=91.5 lower=86.952 upper=96.048',
        '43m queue_length 90.5 score=0 stddev=11.5 expected=90.5 lower=86.2266 upper=94.7734',
        '45m queue_length 90 score=0.9992 stddev=0 expected=90.5 lower=86.4526 upper=94.5474',
        '47m queue_length 91.5 score=0 stddev=11.5 expected=91.5 lower=87.011 upper=95.989',
        '49m queue_length 4.625 score=0 stddev=0.625 expected=4.625 lower=1.65261 upper=7.59739',
        '51m queue_length 4.75 score=0 stddev=0.25 expected=4.75 lower=1.66408 upper=7.83592',
        '45m anomaly opened queue_length high: queue_length: 2 samples of mean 90 and spread 0 are like none of 22 such windows before: the nearest are 2.8 times as far as those of one kind are apart',
        '47m anomaly closed queue_length high: queue_length is again as it was before, after 2m; at its furthest the nearest windows were 2.8 times as far as those of one kind are apart',
      ],
    },
    {
      title: 'ε is given, in usual steps; an old sample is late',
      config: { rows: 2, history: 20, warmup: 10, eps: 4, min_points: 2, for: 1, close_for: 2 },
      input: [...Array.from({ length: 28 }, (_, i) => `${i}m load ${i >= 22 && i < 24 ? 30 : 10 + (i % 3)}`), '3m load 5'],
      output: [
        '1m load 10.5 score=0 stddev=0.5 expected=10.5 lower=10.08 upper=10.92',
        '3m load 11 score=0 stddev=1 expected=10.5 lower=10.06 upper=10.94',
        '5m load 11.5 score=0 stddev=0.5 expected=11 lower=9 upper=13',
        '7m load 10.5 score=0 stddev=0.5 expected=10.5 lower=8.5 upper=12.5',
        '9m load 11 score=0 stddev=1 expected=11 lower=8.33333 upper=13.6667',
        '11m load 11.5 score=0 stddev=0.5 expected=11.5 lower=9 upper=14',
        '13m load 10.5 score=0 stddev=0.5 expected=10.5 lower=8.1 upper=12.9',
        '15m load 11 score=0 stddev=1 expected=11 lower=8.33333 upper=13.6667',
        '17m load 11.5 score=0 stddev=0.5 expected=11.5 lower=8.92857 upper=14.0714',
        '19m load 10.5 score=0 stddev=0.5 expected=10.5 lower=8 upper=13',
        '21m load 11 score=0 stddev=1 expected=11 lower=8.33333 upper=13.6667',
        '23m load 30 score=0.999823 stddev=0 expected=11.5 lower=8.9 upper=14.1',
        '25m load 10.5 score=0 stddev=0.5 expected=10.5 lower=7.42727 upper=13.5727',
        '27m load 11 score=0 stddev=1 expected=11 lower=7.41515 upper=14.5848',
        '23m anomaly opened load critical: load: 2 samples of mean 30 and spread 0 are like none of 11 such windows before: the nearest are 7.1 times as far as those of one kind are apart',
        '27m anomaly closed load critical: load is again as it was before, after 4m; at its furthest the nearest windows were 7.1 times as far as those of one kind are apart',
        '3m late load 5',
      ],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: ['score', 'stddev', 'expected', 'lower', 'upper'], findings: ['anomaly'], late: true } }),
  state: (of) => stateOf(of),
  meaning: ({ rows, history }) => `the last ${history} windows of ${rows} samples`,
  create: (of, context) => new Detector(of, context),
});
