import fc from 'fast-check';
import t from 'tap';
import type { MetricFamily } from '../../engine/status.js';
import { openMetricsText } from '../../server/openmetrics.js';

await t.test('families in the form of OpenMetrics 1.0', (t) => {
  const families: MetricFamily[] = [
    { name: 'millrace_rows_in', type: 'counter', help: 'Rows taken.', samples: [{ labels: { node: 'odd' }, value: 12 }, { labels: { node: 'b' }, value: 0.5 }] },
    { name: 'millrace_lag', type: 'gauge', unit: 'seconds', help: 'How far\nbehind "now" \\ then.', samples: [{ labels: {}, value: -1.5 }] },
    { name: 'millrace_odd', type: 'gauge', help: 'Odd.', samples: [NaN, Infinity, -Infinity, 1e-7, 1e21].map((value, i) => ({ labels: { i: String(i) }, value })) },
    {
      name: 'millrace_turn',
      unit: 'seconds',
      type: 'histogram',
      help: 'Turns.',
      samples: [{ labels: { shard: '0' }, buckets: [{ le: 0.001, count: 5 }, { le: 1, count: 7 }], count: 8, sum: 3.25 }],
    },
    { name: 'millrace_rows_in', type: 'counter', help: 'Rows taken.', samples: [{ labels: { node: 'c' }, value: 1 }] },
    { name: 'millrace_none', type: 'gauge', help: 'Nothing.', samples: [] },
  ];
  t.equal(
    openMetricsText(families),
    `# TYPE millrace_rows_in counter
# HELP millrace_rows_in Rows taken.
millrace_rows_in_total{node="odd"} 12
millrace_rows_in_total{node="b"} 0.5
millrace_rows_in_total{node="c"} 1
# TYPE millrace_lag_seconds gauge
# UNIT millrace_lag_seconds seconds
# HELP millrace_lag_seconds How far\\nbehind \\"now\\" \\\\ then.
millrace_lag_seconds -1.5
# TYPE millrace_odd gauge
# HELP millrace_odd Odd.
millrace_odd{i="0"} NaN
millrace_odd{i="1"} +Inf
millrace_odd{i="2"} -Inf
millrace_odd{i="3"} 1e-7
millrace_odd{i="4"} 1e+21
# TYPE millrace_turn_seconds histogram
# UNIT millrace_turn_seconds seconds
# HELP millrace_turn_seconds Turns.
millrace_turn_seconds_bucket{shard="0",le="0.001"} 5
millrace_turn_seconds_bucket{shard="0",le="1.0"} 7
millrace_turn_seconds_bucket{shard="0",le="+Inf"} 8
millrace_turn_seconds_count{shard="0"} 8
millrace_turn_seconds_sum{shard="0"} 3.25
# TYPE millrace_none gauge
# HELP millrace_none Nothing.
# EOF
`,
  );
  t.equal(openMetricsText([]), '# EOF\n');
  t.end();
});

await t.test('any label value comes back from the text', (t) => {
  const unescape: Record<string, string> = { n: '\n', '"': '"', '\\': '\\' };
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'n', '{', '}', ',', 'é') }), (value) => {
      const text = openMetricsText([{ name: 'm', type: 'gauge', help: '', samples: [{ labels: { l: value }, value: 1 }] }]);
      const line = text.split('\n').find((each) => each.startsWith('m{'))!;
      const [, written] = /^m\{l="((?:[^"\\\n]|\\.)*)"\} 1$/.exec(line)!;
      t.equal(written!.replaceAll(/\\(.)/g, (_, c: string) => unescape[c]!), value);
    }),
    { numRuns: 100 },
  );
  t.end();
});
