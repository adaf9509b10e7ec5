import { defineOperator } from '../../engine/operator.js';
import { config, stateOf } from './config.js';
import { Forecaster } from './forecaster.js';

export default defineOperator({
  name: 'forecast',
  version: 1,
  summary: 'Predicts a series from its trend, with intervals, dates at which thresholds are breached, and what to do about it.',
  description: `
Draws a straight line (least squares) through the means of the last \`buckets\` parts of \`history\` and reads it off at
\`horizon\`. With the first sample in each \`every\` a row comes out: the sample, and

| column | |
| --- | --- |
| \`predicted\` | the value expected at the horizon |
| \`lower80\`, \`upper80\`, \`lower95\`, \`upper95\` | prediction intervals (Student's t; widened where neighbouring buckets are alike) |
| \`confidence\` | 0 to 1: the share of the history that there is, divided by 1 + half the 80 % interval over the value |

It is a mean over a bucket that is predicted: single samples vary more. A daily or weekly rhythm counts as noise, so let
\`history\` be a whole number of them.

Each series has one finding, opened with its first forecast, that recommends

| action | when | severity |
| --- | --- | --- |
| \`immediate_scale_up_required\` | the line passes \`critical\` within \`immediate\` | critical |
| \`plan_scale_up\` | it passes \`critical\` within the horizon | medium |
| \`monitor_closely\` | it passes \`warning\` within the horizon, or grows by more than the share \`growth\` | low |
| \`consider_scale_down\` | up to the horizon the 95 % interval stays below the share \`idle\` of \`warning\` | info |
| \`maintain_current_capacity\` | else | info |

The first that applies. Growth is (predicted - current) / |current|, the current value being the mean of the newest
whole bucket. Where \`critical\` is less than \`warning\` low values are the bad ones, falling counts as growth, and nothing is scaled down.

The finding gets a new revision when the action becomes more urgent; when it is less urgent in three forecasts in succession;
and when a date of breach moves by more than a tenth of the horizon. It is closed by a stale marker.

Samples older than the last of their series go to the output \`late\`; values that are not finite are passed over.`,
  config,
  examples: [
    {
      title: 'A disk that fills by 1 % an hour',
      config: { history: '10h', buckets: 10, min_buckets: 4, horizon: '1d', every: '2h', immediate: '6h', warning: 80, critical: 90 },
      input: [...Array.from({ length: 9 }, (_, i) => `${i}h disk_used{host="a"} ${70 + i + (i % 2 === 0 ? 0.1 : -0.1)}`)],
      output: [
        '4h disk_used{host="a"} 74.1 predicted=96.94 lower80=94.1008 upper80=99.7792 lower95=90.4614 upper95=103.419 confidence=0.388618',
        '6h disk_used{host="a"} 76.1 predicted=99.5286 lower80=98.3324 upper80=100.725 lower95=97.3625 upper95=101.695 confidence=0.592875',
        '8h disk_used{host="a"} 78.1 predicted=101.729 lower80=100.995 upper80=102.463 lower95=100.481 upper95=102.976 confidence=0.79427',
        '4h forecast opened disk_used{host="a"} medium: disk_used{host="a"} is 72.9 and heads for 96.9 in 24h (90.5 to 103, 95 %); it passes critical 90 in 17h and passes warning 80 in 6h: plan to scale up',
      ],
    },
    {
      title: 'Free memory that is hardly used: low values would be the bad ones. The series ends',
      config: { history: '8m', buckets: 8, min_buckets: 4, horizon: '10m', every: '1m', warning: 20, critical: 10 },
      input: ['0m memory_free 64', '1m memory_free 64', '2m memory_free 64', '3m memory_free 64', '4m memory_free 64', '1m memory_free 64', '5m memory_free stale'],
      output: [
        '4m memory_free 64 predicted=64 lower80=64 upper80=64 lower95=64 upper95=64 confidence=0.5',
        '4m forecast opened memory_free info: memory_free is 64 and heads for 64 in 10m (64 to 64, 95 %): capacity is right',
        '5m forecast closed memory_free info: memory_free is 64 and heads for 64 in 10m (64 to 64, 95 %): capacity is right',
        '1m late memory_free 64',
      ],
    },
  ],
  ports: () => ({
    input: { rows: [] },
    output: { rows: ['predicted', 'lower80', 'upper80', 'lower95', 'upper95', 'confidence'], findings: ['forecast'], late: true },
  }),
  state: ({ buckets }) => stateOf(buckets),
  // Which buckets there are, and where they lie.
  meaning: ({ history, buckets }) => `${buckets} buckets of ${history} ms`,
  keep: ({ history, every }) => Math.max(history, every),
  create: (of, context) => new Forecaster(of, context),
});
