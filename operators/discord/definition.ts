import { defineOperator } from '../../engine/operator.js';
import { config, stateOf } from './config.js';
import { Detector } from './detector.js';

export default defineOperator({
  name: 'discord',
  version: 1,
  summary: 'Finds shapes that a series never had before, whatever their level and size (left matrix profile).',
  description: `
A row comes out as it came in, with all its columns and

| column | |
| --- | --- |
| \`correlation\` | of the shape that ends here, the last \`length\` samples, with the nearest that came before it without overlap, within the last \`history\` samples. 1: the same but for level and size; NaN: there is none yet |
| \`expected\` | what that nearest shape has here, put to the level and size of this one |
| \`lower\`, \`upper\` | three standard deviations of a shape from its nearest |
| \`score\` | 0 to 1, how unusual the distance is. A score above 1 − p comes on a share p of the rows of a series without new shapes |

It is the left matrix profile (Yeh et al. 2016; Lu et al. 2022), exactly: a heart beat that comes otherwise, a batch that stops half-way, a day that is not like any day. The distance is
√(1 − \`correlation\`). Level and size of a shape do not count: for these there are \`detect\` and \`shifts\`.

**Unusual** is a shape whose distance from the nearest is \`sensitivity\` standard deviations more than the series' usual distance, and whose
correlation is less than \`min_correlation\`. **Anomalies** open after \`for\` samples in succession that end such a shape, and close after \`close_for\` that do
not. What was new once is known, and not new the next time within the history. Severity: low; from 1.5 times that distance on medium, from 2 high. A random walk repeats its shapes
by chance alone, and gives an anomaly now and then.

**Flat** is a shape that varies less than a twentieth of what is usual for the series, or than \`min_deviation\`. Flat shapes are alike, and correlate 0 with all others.

Shapes are of samples in succession, whatever the time between them. Samples older than the last one of their series go to the output \`late\`. Stale markers and values
that are not finite are passed on with NaN in all columns, and are in no shape.

**Feedback.** Name a source of type \`feedback\` in \`from\`: a false alarm multiplies how unlike a shape of that series has to be, as at [detect](detect.md),
and a little that of others of the metric.

**Cost.** This is a costly method: a series takes 115 bytes and 40 for each sample of the history (80 kB with the default), and a sample as much time as the history is
long (about 7 µs with the default, 2 µs with a history of 400). Let it follow the few series whose shape is known to matter, behind \`select\`, or at a slower pace, behind \`window\`.`,
  config,
  examples: [
    {
      title: 'A beat of six samples; one comes otherwise',
      config: { length: 6, history: 30, warmup: 18, close_for: 4 },
      input: Array.from({ length: 42 }, (_, i) => `${i}s heart_rate ${(i >= 25 && i < 29 ? [0, 1, 0, 1][i - 25]! : [0, 2, 9, 4, 1, 0][i % 6]!) + (i % 5) / 10}`),
      output: [
        '0s heart_rate 0 score=0 correlation=NaN expected=0 lower=0 upper=0',
        '1s heart_rate 2.1 score=0 correlation=NaN expected=0.35 lower=-2.74112 upper=3.44112',
        '2s heart_rate 9.2 score=0 correlation=NaN expected=1.88333 lower=-11.208 upper=14.9746',
        '3s heart_rate 4.3 score=0 correlation=NaN expected=2.6 lower=-10.0641 upper=15.2641',
        '4s heart_rate 1.4 score=0 correlation=NaN expected=2.83333 lower=-9.81248 upper=15.4791',
        '5s heart_rate 0 score=0 correlation=NaN expected=2.83333 lower=-10.7313 upper=16.398',
        '6s heart_rate 0.1 score=0 correlation=NaN expected=2.85 lower=-10.6528 upper=16.3528',
        '7s heart_rate 2.2 score=0 correlation=NaN expected=2.86667 lower=-10.6204 upper=16.3537',
        '8s heart_rate 9.3 score=0 correlation=NaN expected=2.88333 lower=-10.7448 upper=16.5114',
        '9s heart_rate 4.4 score=0 correlation=NaN expected=2.9 lower=-10.7602 upper=16.5602',
        '10s heart_rate 1 score=0 correlation=NaN expected=2.83333 lower=-10.9725 upper=16.6391',
        '11s heart_rate 0.1 score=0 correlation=0.998411 expected=-0.0210019 lower=-0.158452 upper=0.116448',
        '12s heart_rate 0.2 score=0 correlation=0.9984 expected=0.0794003 lower=-0.466123 upper=0.624923',
        '13s heart_rate 2.3 score=0 correlation=0.998398 expected=2.20752 lower=1.66155 upper=2.75349',
        '14s heart_rate 9.4 score=0 correlation=0.998431 expected=9.40374 lower=8.85173 upper=9.95576',
        '15s heart_rate 4 score=0 correlation=0.997331 expected=4.33735 lower=3.79118 upper=4.88352',
        '16s heart_rate 1.1 score=0 correlation=0.998401 expected=1.03637 lower=0.45958 upper=1.61316',
        '17s heart_rate 0.2 score=0 correlation=0.998386 expected=0.146118 lower=-0.423066 upper=0.715303',
        '18s heart_rate 0.3 score=0.108297 correlation=0.998371 expected=0.245115 lower=-0.318383 upper=0.808614',
        '19s heart_rate 2.4 score=0.108988 correlation=0.998367 expected=2.32282 lower=1.76195 upper=2.88369',
        '20s heart_rate 9 score=0.0732862 correlation=0.999269 expected=8.92899 lower=8.39342 upper=9.46455',
        '21s heart_rate 4.1 score=0.0487236 correlation=0.99968 expected=3.95576 lower=3.43761 upper=4.47392',
        '22s heart_rate 1.2 score=0.0490397 correlation=0.999679 expected=1.20831 lower=0.717655 upper=1.69897',
        '23s heart_rate 0.3 score=0.049081 correlation=0.999682 expected=0.3572 lower=-0.109679 upper=0.82408',
        '24s heart_rate 0.4 score=0.0491333 correlation=0.999684 expected=0.453639 lower=0.00706413 upper=0.900214',
        '25s heart_rate 0 score=0.521967 correlation=0.964724 expected=1.82586 lower=1.36747 upper=2.28425',
        '26s heart_rate 1.1 score=0.371324 correlation=0.982326 expected=0.968053 lower=0.75947 upper=1.17664',
        '27s heart_rate 0.2 score=0.999409 correlation=0.513044 expected=0.462237 lower=0.388503 upper=0.535971',
        '28s heart_rate 1.3 score=0.999364 correlation=0.547337 expected=1.51687 lower=1.43318 upper=1.60055',
        '29s heart_rate 0.4 score=0.99932 correlation=0.576781 expected=0.737024 lower=0.648107 upper=0.825941',
        '30s heart_rate 0 score=0.999286 correlation=0.596553 expected=0.219269 lower=0.113826 upper=0.324713',
        '31s heart_rate 2.1 score=0.999029 correlation=0.717794 expected=2.3023 lower=2.14105 upper=2.46355',
        '32s heart_rate 9.2 score=0.724743 correlation=0.896482 expected=8.68725 lower=7.91253 upper=9.46197',
        '33s heart_rate 4.3 score=0.11245 correlation=0.997533 expected=4.16989 lower=3.34179 upper=4.99798',
        '34s heart_rate 1.4 score=0.113088 correlation=0.99753 expected=1.18382 lower=0.364999 upper=2.00264',
        '35s heart_rate 0 score=0.0992154 correlation=0.998117 expected=0.112929 lower=-0.71388 upper=0.939738',
        '36s heart_rate 0.1 score=0.100438 correlation=0.99809 expected=0.217234 lower=-0.596316 upper=1.03078',
        '37s heart_rate 2.2 score=0.120813 correlation=0.997264 expected=2.36817 lower=1.56415 upper=3.17219',
        '38s heart_rate 9.3 score=0.101143 correlation=0.998102 expected=9.37102 lower=8.56228 upper=10.1798',
        '39s heart_rate 4.4 score=0.0893732 correlation=0.998532 expected=4.34835 lower=3.5454 upper=5.1513',
        '40s heart_rate 1 score=0.0625319 correlation=0.999289 expected=1.05545 lower=0.253691 upper=1.85721',
        '41s heart_rate 0.1 score=0.0630922 correlation=0.999283 expected=0.0934286 lower=-0.690413 upper=0.87727',
        '28s anomaly opened heart_rate medium: heart_rate: the shape of the last 6 samples is like none of the last 30: it correlates 0.513 with the nearest, 0.998 is usual',
        '35s anomaly closed heart_rate medium: heart_rate has a shape again that it had before, after 7s; that furthest from all others correlated 0.513 with the nearest, 0.996 is usual',
      ],
    },
    {
      title: 'The step to another level and size is a new shape, what follows is none; an old sample is late',
      config: { length: 4, history: 20, warmup: 12 },
      input: [...Array.from({ length: 24 }, (_, i) => `${i}m load ${(i < 16 ? 10 : 200) + [0, 1, 3, 1][i % 4]! * (i < 16 ? 1 : 20)}`), '3m load 5', '24m load NaN'],
      output: [
        '0s load 10 score=0 correlation=NaN expected=2.5 lower=-13.4099 upper=18.4099',
        '1m load 11 score=0 correlation=NaN expected=5.25 lower=-10.5713 upper=21.0713',
        '2m load 13 score=0 correlation=NaN expected=8.5 lower=-2.87431 upper=19.8743',
        '3m load 11 score=0 correlation=NaN expected=11.25 lower=6.62669 upper=15.8733',
        '4m load 10 score=0 correlation=NaN expected=11.25 lower=6.62669 upper=15.8733',
        '5m load 11 score=0 correlation=NaN expected=11.25 lower=6.62669 upper=15.8733',
        '6m load 13 score=0 correlation=NaN expected=11.25 lower=6.62669 upper=15.8733',
        '7m load 11 score=0 correlation=1 expected=11 lower=10.9538 upper=11.0462',
        '8m load 10 score=0 correlation=1 expected=10 lower=9.95377 upper=10.0462',
        '9m load 11 score=0 correlation=1 expected=11 lower=10.9538 upper=11.0462',
        '10m load 13 score=0 correlation=1 expected=13 lower=12.9538 upper=13.0462',
        '11m load 11 score=0 correlation=1 expected=11 lower=10.9538 upper=11.0462',
        '12m load 10 score=3.9984e-8 correlation=1 expected=10 lower=9.95377 upper=10.0462',
        '13m load 11 score=4.01849e-8 correlation=1 expected=11 lower=10.9538 upper=11.0462',
        '14m load 13 score=4.03869e-8 correlation=1 expected=13 lower=12.9538 upper=13.0462',
        '15m load 11 score=4.05898e-8 correlation=1 expected=11 lower=10.9538 upper=11.0462',
        '16m load 200 score=0.757806 correlation=0.923375 expected=189.72 lower=186.26 upper=193.18',
        '17m load 220 score=0.999175 correlation=0.73502 expected=270.394 lower=266.183 upper=274.605',
        '18m load 260 score=0.999255 correlation=0.613316 expected=150.76 lower=146.693 upper=154.827',
        '19m load 220 score=3.75438e-8 correlation=1 expected=220 lower=219.075 upper=220.925',
        '20m load 200 score=3.77325e-8 correlation=1 expected=200 lower=199.075 upper=200.925',
        '21m load 220 score=3.79221e-8 correlation=1 expected=220 lower=219.075 upper=220.925',
        '22m load 260 score=3.81126e-8 correlation=1 expected=260 lower=259.075 upper=260.925',
        '23m load 220 score=3.83042e-8 correlation=1 expected=220 lower=219.075 upper=220.925',
        '24m load NaN score=NaN correlation=NaN expected=NaN lower=NaN upper=NaN',
        '18m anomaly opened load low: load: the shape of the last 4 samples is like none of the last 20: it correlates 0.613 with the nearest, 1 is usual',
        '22m anomaly closed load low: load has a shape again that it had before, after 4m; that furthest from all others correlated 0.613 with the nearest, 1 is usual',
        '3m late load 5',
      ],
    },
  ],
  ports: () => ({ input: { rows: [], findings: ['feedback'] }, output: { rows: ['score', 'correlation', 'expected', 'lower', 'upper'], passes: true, findings: ['anomaly'], late: true } }),
  state: (of) => stateOf(of),
  meaning: ({ length, history }) => `shapes of ${length} samples in the last ${history}`,
  create: (of, context) => new Detector(of, context),
});
