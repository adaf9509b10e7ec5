import { defineOperator } from '../../engine/operator.js';
import { config, state } from './config.js';
import { lookForPeriod } from './found-season.js';
import { columnNames, Detector } from './detector.js';

export default defineOperator({
  name: 'detect',
  version: 1,
  summary: 'Marks what is unusual for a series: a score, the expected value and a band on every row, and anomalies that open and close.',
  description: `
A row comes out as it came in, with all its columns and

| column | |
| --- | --- |
| \`expected\` | the level: a robust mean of about the last \`memory\` samples, before this one; and what the time of the hour, of day, or of the week, adds to it where that predicts the series better |
| \`lower\`, \`upper\` | the band: \`sensitivity\` deviations to either side |
| \`score\` | 0 to 1, how unusual the row is by the chosen \`methods\` together, see below |
| \`agree\` | how many of the methods find the row unusual by themselves |

**The score** is made from four views that fail in different ways:

| method | | unusual |
| --- | --- | --- |
| \`deviation\` | distance from what is expected, in standard deviations: by level, time of hour (where samples come at least every five minutes), of day or of week, or of a period of its own (\`seasons\` with \`found\`), whichever has predicted this series best | from \`sensitivity\` on |
| \`change\` | the step from the sample before, less what a clear season makes of it, in standard deviations of the steps | from \`sensitivity\` on |
| \`residual\` | the mean of about the last ten distances from what is expected, against what such means have been: what stays a little off | when it is 1.4 times \`sensitivity\` standard deviations off |
| \`novelty\` | distance from all values that the series, or its short-term mean, ever had; it takes part where the deviation is 3 at least, and more while the series is young | when it takes part |

Deviation and change count as the smaller of the two, residual as 0.7 of itself. **A score above 1 − p comes on a share p of the rows of a series in which
nothing is unusual**, whatever its distribution and season: up to 0.999 it goes by what this series does. Beyond, from four
deviations on, one scale holds for all series, so that one threshold fits them; and such scores are kept for what is a surprise: a row
has to exceed the last peak, which fades to a third within 17 hours. Above 0.99997 the series has never been there before. Take
0.99997 for a few calls a month, 0.9995 to see all that is odd.

**What a deviation is.** The scale of the bulk of the values, or of their rarest thousandth where that is larger: so a
metric that has bursts gets the band that holds its bursts, and stays outside of it about one row in a thousand. Values outside the
band do not enter the baseline. While a series is young the band is wider: it is divided by the confidence, n / (n + \`warmup\`)
after n samples. It is never narrower than \`min_deviation\` and \`min_relative\` say.

**Anomalies** open after \`for\` samples in succession outside the band (one twice as far out counts as two, and so does a
\`surprise\`, a sample with that score, wherever it lies), grow when their
severity rises, and close after \`close_for\` samples in succession within the share \`close\` of the band, or after \`adapt\`
samples: what stays that long is the new normal. One that opens within \`refractory\` samples after that is the
same one, open again. They carry the value furthest out. Severity: low; from 1.5 times
\`sensitivity\` on medium, from 2 high, from 4 critical. Of a series that has always been 0 any
other value is at the edge of the band, however large: how far out it is can't be told.

**Contributions.** An anomaly says what it is told for: shares of the methods that add up to 1, by how many nines of a score each would
give the row alone.

**Feedback.** Name a source of type \`feedback\` in \`from\`, and what people say of an anomaly changes the threshold of its series: the
width of the band, and the nines of the score that makes a surprise, are multiplied by a factor from 1/2 to 4. A false alarm raises it to 1.1
times what the anomaly reached at its furthest, so that it would not have opened, but to twice what it was at most; where an anomaly is right, it falls to 0.9 of what it was. Series of
the same metric that are followed then get the fourth root of that. It stays until it is undone, and is then as if it had never been said;
of what was said of a series, the last 32 can be undone. It does not change the score.

**Maintenance.** In the times of \`maintenance\`, which go by the time of the samples, rows are passed on unjudged, with NaN in all
columns, and nothing is learned from them: what is usual is afterwards what it was before. An anomaly that is open is closed by the first
of them. What has changed by the maintenance and stays is an anomaly then, and after \`adapt\` samples the new normal.

    maintenance:
      - schedule: '0 2 * * SUN'     # cron: minute, hour, day, month, day of the week; also L, W and #
        duration: 3h
        time_zone: Europe/Berlin    # default UTC
        where: '{host=~"db-.*"}'    # default: all series
      - from: 2026-12-24T18:00:00Z
        to: 2026-12-27T06:00:00Z

Each series is judged by its own time: samples older than its last one go to the output \`late\`, those of equal time are
followed in their order. Values that are not finite, and stale markers, are passed on with NaN in all columns and change nothing.`,
  config,
  examples: [
    {
      title: 'A spike, twice as far out as the band is wide, opens an anomaly at once',
      config: { warmup: 10, close_for: 2 },
      input: [
        ...[50, 51, 49, 50, 52, 48, 50, 51, 49, 50, 51, 50].map((value, i) => `${i}s cpu_usage{host="a"} ${value}`),
        '12s cpu_usage{host="a"} 97.2',
        '13s cpu_usage{host="a"} 50',
        '14s cpu_usage{host="a"} 51',
      ],
      output: [
        '0s cpu_usage{host="a"} 50 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '1s cpu_usage{host="a"} 51 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '2s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.6667 lower=40.7672 upper=60.5662',
        '3s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8333 lower=36.2208 upper=63.4458',
        '4s cpu_usage{host="a"} 52 score=0 agree=0 expected=49.9 lower=41.325 upper=58.475',
        '5s cpu_usage{host="a"} 48 score=0 agree=0 expected=50.6 lower=38.5975 upper=62.6025',
        '6s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8571 lower=35.6627 upper=64.0516',
        '7s cpu_usage{host="a"} 51 score=0 agree=0 expected=49.8929 lower=38.6854 upper=61.1004',
        '8s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.1389 lower=40.2903 upper=59.9875',
        '9s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.9111 lower=40.808 upper=59.0142',
        '10s cpu_usage{host="a"} 51 score=0.45 agree=0 expected=49.9273 lower=42.1218 upper=57.7327',
        '11s cpu_usage{host="a"} 50 score=0.0892491 agree=0 expected=50.1061 lower=42.6612 upper=57.551',
        '12s cpu_usage{host="a"} 97.2 score=0.999905 agree=2 expected=50.0897 lower=43.5073 upper=56.6722',
        '13s cpu_usage{host="a"} 50 score=0.359325 agree=0 expected=50.0897 lower=43.5073 upper=56.6722',
        '14s cpu_usage{host="a"} 51 score=0.0539735 agree=0 expected=50.0897 lower=43.5073 upper=56.6722',
        '12s anomaly opened cpu_usage{host="a"} critical: cpu_usage{host="a"} was 97.2; 43.5 to 56.7 is usual (expected 50.1); 25.0 deviations above; 2 of 4 methods agree (deviation, change)',
        '14s anomaly closed cpu_usage{host="a"} critical: cpu_usage{host="a"} is back to usual after 2s; it was 97.2 at its furthest; 43.5 to 56.7 is usual (expected 50.1); 25.0 deviations above',
      ],
    },
    {
      title: 'A constant series does not fire on a small change. A larger one opens an anomaly; it stays, and so becomes the new normal. An old sample is late',
      config: { warmup: 10, min_relative: 0.05, adapt: 3 },
      input: [
        ...Array.from({ length: 10 }, (_, i) => `${i}m queue_length 100`),
        ...[104, 140, 141, 142, 141].map((value, i) => `${10 + i}m queue_length ${value}`),
        '3m queue_length 100',
        '15m queue_length NaN',
      ],
      output: [
        '0s queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '1m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '2m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '3m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '4m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '5m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '6m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '7m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '8m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '9m queue_length 100 score=0 agree=0 expected=100 lower=95 upper=105',
        '10m queue_length 104 score=0.9924 agree=0 expected=100 lower=95 upper=105',
        '11m queue_length 140 score=0.999888 agree=2 expected=100.667 lower=90.706 upper=110.627',
        '12m queue_length 141 score=0.349475 agree=0 expected=100.667 lower=90.706 upper=110.627',
        '13m queue_length 142 score=0.318708 agree=0 expected=100.667 lower=90.706 upper=110.627',
        '14m queue_length 141 score=0.437813 agree=0 expected=141.333 lower=130.029 upper=152.638',
        '15m queue_length NaN score=NaN agree=NaN expected=NaN lower=NaN upper=NaN',
        '11m anomaly opened queue_length high: queue_length was 140; 90.7 to 110.6 is usual (expected 100.7); 13.8 deviations above; 2 of 4 methods agree (deviation, change)',
        '12m anomaly grew queue_length critical: queue_length was 141; 90.7 to 110.6 is usual (expected 100.7); 14.2 deviations above',
        '13m anomaly closed queue_length critical: queue_length has stayed away for 3 samples (2m), which is its new normal; it was 142 at its furthest; 90.7 to 110.6 is usual (expected 100.7) before; 14.5 deviations above',
        '3m late queue_length 100',
      ],
    },
    {
      title: 'In maintenance, which takes eight seconds from second 12 on, of one host: what was open is closed, and what comes then counts for nothing',
      config: { warmup: 10, for: 1, maintenance: [{ from: '1970-01-01T00:00:12Z', to: '1970-01-01T00:00:20Z', where: 'cpu_usage{host="a"}' }] },
      input: [
        ...[50, 51, 49, 50, 52, 48, 50, 51, 49, 50, 51].map((value, i) => `${i}s cpu_usage{host="a"} ${value}`),
        '11s cpu_usage{host="a"} 70',
        '12s cpu_usage{host="a"} 5',
        '19s cpu_usage{host="a"} 0',
        '20s cpu_usage{host="a"} 51',
      ],
      output: [
        '0s cpu_usage{host="a"} 50 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '1s cpu_usage{host="a"} 51 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '2s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.6667 lower=40.7672 upper=60.5662',
        '3s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8333 lower=36.2208 upper=63.4458',
        '4s cpu_usage{host="a"} 52 score=0 agree=0 expected=49.9 lower=41.325 upper=58.475',
        '5s cpu_usage{host="a"} 48 score=0 agree=0 expected=50.6 lower=38.5975 upper=62.6025',
        '6s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8571 lower=35.6627 upper=64.0516',
        '7s cpu_usage{host="a"} 51 score=0 agree=0 expected=49.8929 lower=38.6854 upper=61.1004',
        '8s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.1389 lower=40.2903 upper=59.9875',
        '9s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.9111 lower=40.808 upper=59.0142',
        '10s cpu_usage{host="a"} 51 score=0.45 agree=0 expected=49.9273 lower=42.1218 upper=57.7327',
        '11s cpu_usage{host="a"} 70 score=0.999694 agree=2 expected=50.1061 lower=42.6612 upper=57.551',
        '12s cpu_usage{host="a"} 5 score=NaN agree=NaN expected=NaN lower=NaN upper=NaN',
        '19s cpu_usage{host="a"} 0 score=NaN agree=NaN expected=NaN lower=NaN upper=NaN',
        '20s cpu_usage{host="a"} 51 score=0.258836 agree=0 expected=50.1061 lower=42.6612 upper=57.551',
        '11s anomaly opened cpu_usage{host="a"} high: cpu_usage{host="a"} was 70; 42.7 to 57.6 is usual (expected 50.1); 9.4 deviations above; 2 of 4 methods agree (deviation, change)',
        '12s anomaly closed cpu_usage{host="a"} high: cpu_usage{host="a"} is in maintenance: the anomaly is closed after 1s; it was 70 at its furthest; 42.7 to 57.6 is usual (expected 50.1); 9.4 deviations above',
      ],
    },
    {
      title: 'A false alarm: the same value again opens no anomaly, and another host needs more for one, too',
      config: { warmup: 10, for: 1, close_for: 1 },
      input: [
        ...[50, 51, 49, 50, 52, 48, 50, 51, 49, 50, 51, 50].flatMap((value, i) => [`${i}s cpu_usage{host="a"} ${value}`, `${i}s cpu_usage{host="b"} ${value}`]),
        '12s cpu_usage{host="a"} 70',
        '13s cpu_usage{host="a"} 50',
        'port 1: 14s finding feedback opened cpu_usage{host="a"} info toldBy=detect value=70 expected=50.1 lower=43.5 upper=56.7',
        'watermark 15s',
        '15s cpu_usage{host="a"} 70',
        '15s cpu_usage{host="b"} 57',
      ],
      output: [
        '0s cpu_usage{host="a"} 50 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '0s cpu_usage{host="b"} 50 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '1s cpu_usage{host="a"} 51 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '1s cpu_usage{host="b"} 51 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '2s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.6667 lower=40.7672 upper=60.5662',
        '2s cpu_usage{host="b"} 49 score=0 agree=0 expected=50.6667 lower=40.7672 upper=60.5662',
        '3s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8333 lower=36.2208 upper=63.4458',
        '3s cpu_usage{host="b"} 50 score=0 agree=0 expected=49.8333 lower=36.2208 upper=63.4458',
        '4s cpu_usage{host="a"} 52 score=0 agree=0 expected=49.9 lower=41.325 upper=58.475',
        '4s cpu_usage{host="b"} 52 score=0 agree=0 expected=49.9 lower=41.325 upper=58.475',
        '5s cpu_usage{host="a"} 48 score=0 agree=0 expected=50.6 lower=38.5975 upper=62.6025',
        '5s cpu_usage{host="b"} 48 score=0 agree=0 expected=50.6 lower=38.5975 upper=62.6025',
        '6s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8571 lower=35.6627 upper=64.0516',
        '6s cpu_usage{host="b"} 50 score=0 agree=0 expected=49.8571 lower=35.6627 upper=64.0516',
        '7s cpu_usage{host="a"} 51 score=0 agree=0 expected=49.8929 lower=38.6854 upper=61.1004',
        '7s cpu_usage{host="b"} 51 score=0 agree=0 expected=49.8929 lower=38.6854 upper=61.1004',
        '8s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.1389 lower=40.2903 upper=59.9875',
        '8s cpu_usage{host="b"} 49 score=0 agree=0 expected=50.1389 lower=40.2903 upper=59.9875',
        '9s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.9111 lower=40.808 upper=59.0142',
        '9s cpu_usage{host="b"} 50 score=0 agree=0 expected=49.9111 lower=40.808 upper=59.0142',
        '10s cpu_usage{host="a"} 51 score=0.45 agree=0 expected=49.9273 lower=42.1218 upper=57.7327',
        '10s cpu_usage{host="b"} 51 score=0.45 agree=0 expected=49.9273 lower=42.1218 upper=57.7327',
        '11s cpu_usage{host="a"} 50 score=0.0892491 agree=0 expected=50.1061 lower=42.6612 upper=57.551',
        '11s cpu_usage{host="b"} 50 score=0.0892491 agree=0 expected=50.1061 lower=42.6612 upper=57.551',
        '12s cpu_usage{host="a"} 70 score=0.999741 agree=2 expected=50.0897 lower=43.5073 upper=56.6722',
        '13s cpu_usage{host="a"} 50 score=0.363223 agree=0 expected=50.0897 lower=43.5073 upper=56.6722',
        '15s cpu_usage{host="a"} 70 score=0.97442 agree=0 expected=50.0897 lower=23.76 upper=76.4195',
        '15s cpu_usage{host="b"} 57 score=0.996063 agree=2 expected=50.0897 lower=42.2619 upper=57.9176',
        '12s anomaly opened cpu_usage{host="a"} high: cpu_usage{host="a"} was 70; 43.5 to 56.7 is usual (expected 50.1); 10.6 deviations above; 2 of 4 methods agree (deviation, change)',
        '13s anomaly closed cpu_usage{host="a"} high: cpu_usage{host="a"} is back to usual after 1s; it was 70 at its furthest; 43.5 to 56.7 is usual (expected 50.1); 10.6 deviations above',
      ],
    },
    {
      title: 'The false alarm is undone: the same value opens another anomaly',
      config: { warmup: 10, for: 1, close_for: 1 },
      input: [
        ...[50, 51, 49, 50, 52, 48, 50, 51, 49, 50, 51, 50].map((value, i) => `${i}s cpu_usage{host="a"} ${value}`),
        '12s cpu_usage{host="a"} 70',
        '13s cpu_usage{host="a"} 50',
        'port 1: 14s finding feedback opened cpu_usage{host="a"} info toldBy=detect value=70 expected=50.1 lower=43.5 upper=56.7',
        'watermark 15s',
        'port 1: 15s finding feedback closed cpu_usage{host="a"} info toldBy=detect value=70 expected=50.1 lower=43.5 upper=56.7',
        'watermark 16s',
        '16s cpu_usage{host="a"} 70',
      ],
      output: [
        '0s cpu_usage{host="a"} 50 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '1s cpu_usage{host="a"} 51 score=0 agree=0 expected=50 lower=49.5 upper=50.5',
        '2s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.6667 lower=40.7672 upper=60.5662',
        '3s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8333 lower=36.2208 upper=63.4458',
        '4s cpu_usage{host="a"} 52 score=0 agree=0 expected=49.9 lower=41.325 upper=58.475',
        '5s cpu_usage{host="a"} 48 score=0 agree=0 expected=50.6 lower=38.5975 upper=62.6025',
        '6s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.8571 lower=35.6627 upper=64.0516',
        '7s cpu_usage{host="a"} 51 score=0 agree=0 expected=49.8929 lower=38.6854 upper=61.1004',
        '8s cpu_usage{host="a"} 49 score=0 agree=0 expected=50.1389 lower=40.2903 upper=59.9875',
        '9s cpu_usage{host="a"} 50 score=0 agree=0 expected=49.9111 lower=40.808 upper=59.0142',
        '10s cpu_usage{host="a"} 51 score=0.45 agree=0 expected=49.9273 lower=42.1218 upper=57.7327',
        '11s cpu_usage{host="a"} 50 score=0.0892491 agree=0 expected=50.1061 lower=42.6612 upper=57.551',
        '12s cpu_usage{host="a"} 70 score=0.999741 agree=2 expected=50.0897 lower=43.5073 upper=56.6722',
        '13s cpu_usage{host="a"} 50 score=0.363223 agree=0 expected=50.0897 lower=43.5073 upper=56.6722',
        '16s cpu_usage{host="a"} 70 score=0.97442 agree=0 expected=50.0897 lower=36.9249 upper=63.2546',
        '12s anomaly opened cpu_usage{host="a"} high: cpu_usage{host="a"} was 70; 43.5 to 56.7 is usual (expected 50.1); 10.6 deviations above; 2 of 4 methods agree (deviation, change)',
        '13s anomaly closed cpu_usage{host="a"} high: cpu_usage{host="a"} is back to usual after 1s; it was 70 at its furthest; 43.5 to 56.7 is usual (expected 50.1); 10.6 deviations above',
        '16s anomaly opened cpu_usage{host="a"} medium: cpu_usage{host="a"} was 70; 37 to 63 is usual (expected 50); 5.3 deviations above',
      ],
    },
  ],
  ports: () => ({ input: { rows: [], findings: ['feedback'] }, output: { rows: [...columnNames], passes: true, findings: ['anomaly'], late: true } }),
  state: () => state,
  tasks: { period: lookForPeriod },
  create: (of, context) => new Detector(of, context),
});
