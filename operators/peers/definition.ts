import { defineOperator } from '../../engine/operator.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { Comparison } from './comparison.js';
import { config, panesOf, stateOf } from './config.js';

export default defineOperator({
  name: 'peers',
  version: 1,
  summary: 'Compares series that should be alike, such as the hosts of a fleet, and finds the one that is unlike the others (DBSCAN).',
  description: `
Series that are alike but for the labels \`across\` are a group of peers. Once in each \`window\` every member that has samples gives a
row: its mean, at the end of the window, with

| column | |
| --- | --- |
| \`expected\` | the middle of the main cluster: the median of its members |
| \`lower\`, \`upper\` | how far that cluster reaches: what lies within is near enough to it |
| \`score\` | 0 to 1, how unusual the member's place is. A score above 1 − p comes on a share p of the rows of peers in which nothing is unusual: of a tenth and a hundredth as this member has it, of a thousandth as its group has; from twice as far out as the cluster reaches on, one scale holds for all |
| \`peers\` | members that have samples in this window |

**Clusters** are those of DBSCAN, exactly: a member with at least \`min_points\` members at a distance of at most ε, itself among them, is
a core; cores that close to each other are one cluster, with all that is that close to one of them. The main cluster is
the largest. With the default, more than half, there is one or none; where there is none, it is looked for with two, and if there
is none either, the median stands for it.

**ε is found by itself** unless given: \`sensitivity\` times the usual distance, which is the smallest at which half of the members are
cores, as a mean over the last \`memory\` windows. No window counts more than twice what was usual. The
present may widen it to twice (under load peers spread), and it is at least \`min_deviation\` and \`min_relative\` of the median.

**Anomalies** of a member open after \`for\` windows in succession outside of the main cluster's reach (one twice as far out counts as two, but
one window alone opens nothing unless \`for\` is 1), grow when their severity rises, and close after \`close_for\` windows in succession within the
share \`close\` of the way to the edge, or, where that is the member's place, after \`adapt\` windows. One of a member without samples
closes after \`close_for\` windows in which its peers have some. Severity: low; from 1.5 times as far out as the edge on medium, from 2 high, from 4 critical.

**When many deviate** that is told once, as an anomaly of the group, which names those furthest out: where the share \`together\` is away, and
while that is open, no member opens one. It closes when few are away for \`close_for\` windows, also because the usual distance has grown.

Members are compared by one number. To compare how much they vary, or their highest values, put a \`window\` with \`stddev\` or \`max\` before this, of the same length.

Samples of a window that has closed go to the output \`late\`. Stale markers and values that are not finite are passed over.

**Feedback.** Name a source of type \`feedback\` in \`from\`: a false alarm multiplies how far out that member, or that share of the group, has to be, as at
[detect](detect.md), and a little that of others of the metric. The band stays as it is.

**Cost.** A member takes 89 bytes, and 25 for each window that may be open at once: (\`window\` + \`lateness\` + lead) / \`window\` + 1, rounded
up, where lead is how far the sources may be ahead of the watermark. A sample is an addition; n peers are judged in O(n log n).
All members of a group are on one shard.`,
  config,
  examples: [
    {
      title: 'One host is unlike the others for two minutes',
      config: { window: '1m', warmup: 1, for: 2, close_for: 1 },
      input: [
        ...[50, 51, 49, 52].map((value, h) => `30s cpu_usage{host="${'abcd'[h]}",job="api"} ${value}`),
        ...[51, 50, 91, 50].map((value, h) => `90s cpu_usage{host="${'abcd'[h]}",job="api"} ${value}`),
        ...[50, 52, 97, 49].map((value, h) => `150s cpu_usage{host="${'abcd'[h]}",job="api"} ${value}`),
        'watermark 3m',
        '95s cpu_usage{host="c",job="api"} 50',
        ...[51, 51, 50, 50].map((value, h) => `210s cpu_usage{host="${'abcd'[h]}",job="api"} ${value}`),
      ],
      output: [
        '1m cpu_usage{host="a",job="api"} 50 score=0 expected=50.5 lower=46 upper=55 peers=4',
        '1m cpu_usage{host="b",job="api"} 51 score=0 expected=50.5 lower=46 upper=55 peers=4',
        '1m cpu_usage{host="c",job="api"} 49 score=0 expected=50.5 lower=46 upper=55 peers=4',
        '1m cpu_usage{host="d",job="api"} 52 score=0 expected=50.5 lower=46 upper=55 peers=4',
        '2m cpu_usage{host="a",job="api"} 51 score=0.5625 expected=50 lower=47 upper=54 peers=4',
        '2m cpu_usage{host="b",job="api"} 50 score=0 expected=50 lower=47 upper=54 peers=4',
        '2m cpu_usage{host="c",job="api"} 91 score=0.999962 expected=50 lower=47 upper=54 peers=4',
        '2m cpu_usage{host="d",job="api"} 50 score=0 expected=50 lower=47 upper=54 peers=4',
        '3m cpu_usage{host="a",job="api"} 50 score=0 expected=50 lower=43 upper=58 peers=4',
        '3m cpu_usage{host="b",job="api"} 52 score=0.565327 expected=50 lower=43 upper=58 peers=4',
        '3m cpu_usage{host="c",job="api"} 97 score=0.999884 expected=50 lower=43 upper=58 peers=4',
        '3m cpu_usage{host="d",job="api"} 49 score=0.323044 expected=50 lower=43 upper=58 peers=4',
        '4m cpu_usage{host="a",job="api"} 51 score=0.252519 expected=50.5 lower=46 upper=55 peers=4',
        '4m cpu_usage{host="b",job="api"} 51 score=0.252519 expected=50.5 lower=46 upper=55 peers=4',
        '4m cpu_usage{host="c",job="api"} 50 score=0.228932 expected=50.5 lower=46 upper=55 peers=4',
        '4m cpu_usage{host="d",job="api"} 50 score=0.252519 expected=50.5 lower=46 upper=55 peers=4',
        '3m anomaly opened cpu_usage{host="c",job="api"} critical: cpu_usage{host="c",job="api"} was 91; 3 of 4 members are within 43 to 58 (middle 50); 10.3 times as far above the middle as that reaches',
        '4m anomaly closed cpu_usage{host="c",job="api"} critical: cpu_usage{host="c",job="api"} is back among its peers after 1m; it was 91 at its furthest; 10.3 times as far above the middle as that reaches',
        '1m35s late cpu_usage{host="c",job="api"} 50',
      ],
    },
    {
      title: 'Half of the hosts deviate: one anomaly, of the group. Here ε is given',
      config: { window: '10s', eps: 5, warmup: 1, for: 1, close_for: 1 },
      input: [
        ...[10, 11, 12, 11].map((value, h) => `5s load{host="${'abcd'[h]}"} ${value}`),
        ...[10, 40, 12, 60].map((value, h) => `15s load{host="${'abcd'[h]}"} ${value}`),
        ...[10, 11, 12, 14].map((value, h) => `25s load{host="${'abcd'[h]}"} ${value}`),
      ],
      output: [
        '10s load{host="a"} 10 score=0 expected=11 lower=5 upper=17 peers=4',
        '10s load{host="b"} 11 score=0 expected=11 lower=5 upper=17 peers=4',
        '10s load{host="c"} 12 score=0 expected=11 lower=5 upper=17 peers=4',
        '10s load{host="d"} 11 score=0 expected=11 lower=5 upper=17 peers=4',
        '20s load{host="a"} 10 score=0.375 expected=11 lower=5 upper=17 peers=4',
        '20s load{host="b"} 40 score=0.999829 expected=11 lower=5 upper=17 peers=4',
        '20s load{host="c"} 12 score=0.375 expected=11 lower=5 upper=17 peers=4',
        '20s load{host="d"} 60 score=0.99994 expected=11 lower=5 upper=17 peers=4',
        '30s load{host="a"} 10 score=0.52184 expected=11.5 lower=5 upper=19 peers=4',
        '30s load{host="b"} 11 score=0.195737 expected=11.5 lower=5 upper=19 peers=4',
        '30s load{host="c"} 12 score=0.205573 expected=11.5 lower=5 upper=19 peers=4',
        '30s load{host="d"} 14 score=0.717703 expected=11.5 lower=5 upper=19 peers=4',
        '20s anomaly opened load medium: load: 2 of 4 members are away from the rest, 2 above and 0 below 5 to 17 (middle 11); furthest: load{host="d"} (60), load{host="b"} (40)',
        '30s anomaly closed load medium: load: the members are together again after 10s, 0 of 4 are away from 5 to 19 (middle 11.5)',
      ],
    },
  ],
  ports: () => ({ input: { rows: [], findings: ['feedback'] }, output: { rows: ['score', 'expected', 'lower', 'upper', 'peers'], findings: ['anomaly'], late: true } }),
  route: () => 'group',
  series: ({ across }) => (of) => {
    const shared: Record<string, string> = { ...of.labels };
    for (const label of across) delete shared[label];
    if (Object.keys(shared).length === Object.keys(of.labels).length) return [];
    return [{ series: makeSeries(of.name, shared), member: seriesText(of.name, of.labels), gives: of }];
  },
  bounded: true,
  state: (of, lead) => stateOf(of, lead),
  meaning: (of, lead) => `${panesOf(of, lead)} windows of ${of.window} ms`,
  delay: ({ lateness }) => lateness,
  create: (of, context) => new Comparison(of, context),
});
