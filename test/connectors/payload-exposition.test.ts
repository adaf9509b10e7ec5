import fc from 'fast-check';
import t from 'tap';
import { MAX_LINE_BYTES } from '../../connectors/payload/decoding.js';
import { Exposition, type ExpositionForm } from '../../connectors/payload/exposition.js';
import { seriesText } from '../../engine/series.js';
import { openMetricsText } from '../../server/openmetrics.js';
import { decoded, NOW, type Row } from './payload-kit.js';

const AT = 1_395_066_363_000;

t.test('the Prometheus text format', async (t) => {
  const text = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 ${AT}
http_requests_total{method="post",code="400"}    3 ${AT}

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile="0.99"} NaN
spaced { a = "}" ,\tb="x y", } -Inf\t5
tab\t1e-3
dots.and-dashes/x 1\r
last 1`;
  const told = decoded(new Exposition('prometheus'), text);
  t.strictSame(told.problems, []);
  t.strictSame(told.rows, [
    ['http_requests_total{code="200",method="post"}', 1027, AT],
    ['http_requests_total{code="400",method="post"}', 3, AT],
    ['msdos_file_access_time_seconds{error="Cannot find file:\\n\\"FILE.TXT\\"",path="C:\\\\DIR\\\\FILE.TXT"}', 1_458_255_915, NOW],
    ['metric_without_timestamp_and_labels', 12.47, NOW],
    ['something_weird{problem="division by zero"}', Infinity, -3_982_045],
    ['http_request_duration_seconds_bucket{le="0.05"}', 24_054, NOW],
    ['http_request_duration_seconds_bucket{le="+Inf"}', 144_320, NOW],
    ['http_request_duration_seconds_sum', 53_423, NOW],
    ['http_request_duration_seconds_count', 144_320, NOW],
    ['rpc_duration_seconds{quantile="0.99"}', NaN, NOW],
    ['spaced{a="}",b="x y"}', -Infinity, 5],
    ['tab', 0.001, NOW],
    ['dots.and-dashes/x', 1, NOW],
    ['last', 1, NOW],
  ]);
});

t.test('OpenMetrics', async (t) => {
  const text = `# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32
acme_http_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0
# TYPE foo histogram
foo_bucket{le="0.01"} 0 1520879607.789 # {} 0.003
foo_bucket{le="0.1"} 8 # {} 0.054
foo_bucket{le="1"} 11 1520879607 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.5
foo_bucket{le="+Inf"} 17 1.520879607789e9
# TYPE state stateset
state{state="a"} 1
# TYPE build info
build_info{version="1 # {x"} 1
g nan
h -inf
# EOF
`;
  const rows: Row[] = [
    ['acme_http_router_request_seconds_sum{method="GET",path="/api/v1"}', 9036.32, NOW],
    ['acme_http_router_request_seconds_created{method="GET",path="/api/v1"}', 1_605_281_325, NOW],
    ['foo_bucket{le="0.01"}', 0, 1_520_879_607_789],
    ['foo_bucket{le="0.1"}', 8, NOW],
    ['foo_bucket{le="1"}', 11, 1_520_879_607_000],
    ['foo_bucket{le="+Inf"}', 17, 1_520_879_607_789],
    ['state{state="a"}', 1, NOW],
    ['build_info{version="1 # {x"}', 1, NOW],
    ['g', NaN, NOW],
    ['h', -Infinity, NOW],
  ];
  const told = decoded(new Exposition('openmetrics'), text);
  t.strictSame(told.problems, []);
  t.strictSame(told.rows, rows);
  t.strictSame(decoded(new Exposition('openmetrics'), text.trimEnd()).problems, [], '# EOF needs no line feed');

  const cut = text.slice(0, text.indexOf('foo_bucket{le="+Inf"}') + 23);
  const broken = decoded(new Exposition('openmetrics'), cut);
  t.strictSame(broken.rows, rows.slice(0, 5), 'a number that may be cut off is not taken');
  t.match(broken.problems.map(({ reason }) => reason), [/cut off: it has no line feed/, /no # EOF/]);
  const after = decoded(new Exposition('openmetrics'), 'a 1\n# EOF\nb 2\nc 3\n');
  t.strictSame(after.rows, [['a', 1, NOW]]);
  t.strictSame(after.problems, [{ reason: 'text after # EOF', offset: 10, line: 3, from: 10, to: 18 }]);
  const kept = new Exposition('openmetrics');
  for (let i = 0; i < 2; i++) t.strictSame(decoded(kept, 'a 1\n# EOF\n').rows, [['a', 1, NOW]], 'the end of one payload is not that of the next');
});

t.test('what is wrong is told with its place, and the lines around it are taken', async (t) => {
  const both: readonly (readonly [line: string, reason: RegExp, offset: number])[] = [
    ['a', /no value/, 1],
    ['a{b="c"}', /no value/, 8],
    ['a x', /"x" is not a number/, 2],
    ['a 0x10', /"0x10" is not a number/, 2],
    ['a 1e999', /too large/, 2],
    ['a{b="c" 1', /not closed by }/, 1],
    ['a{b="c} 1', /not closed by a quote/, 1],
    ['a{b} 1', /expected label="value"/, 2],
    ['a{b=c} 1', /expected a quoted value of label b/, 4],
    ['a{b="c"d="e"} 1', /expected , or }/, 7],
    ['a{b="c",b="d"} 1', /label b comes twice/, 8],
    ['a{"b"="c"} 1', /label name/, 0],
    ['a{__proto__="c"} 1', /label name/, 0],
    ['{b="c"} 1', /metric name/, 0],
    ['9a 1', /metric name/, 0],
    ['a 1 x', /timestamp is not a time/, 4],
    ['a 1 1e99', /timestamp is not a time/, 4],
    ['a 1 2 3', /end of the line/, 6],
    ['# TYPE a', /expected # TYPE name type/, 0],
    ['# TYPE a thing', /unknown type "thing"/, 0],
    ['# HELP', /metric name after # HELP/, 0],
    [`a{b="${'x'.repeat(5_000)}"} 1`, /at most 4096/, 0],
    [`a{b="${'x'.repeat(MAX_LINE_BYTES)}"} 1`, /at most 65536/, 0],
    [`a{${Array.from({ length: 65 }, (_, i) => `l${i}="x"`).join()}} 1`, /65 labels/, 0],
  ];
  const own: Record<ExpositionForm, typeof both> = {
    prometheus: [['a 1 1.5', /whole milliseconds/, 4], ['a 1 # {} 1', /timestamp/, 4], [`a 1 ${NOW}000`, /in the future: check its unit \(milliseconds\)/, 4], ['# TYPE a info', /unknown type/, 0]],
    openmetrics: [['# comment', /no comments/, 0], [`a 1 ${NOW}`, /in the future: check its unit \(seconds\)/, 4], ['# TYPE a untyped', /unknown type/, 0], ['# UNIT', /metric name after # UNIT/, 0]],
  };
  for (const form of ['prometheus', 'openmetrics'] as const) {
    for (const [line, reason, offset] of [...both, ...own[form]]) {
      const name = `${form} ${JSON.stringify(line.slice(0, 60))}`;
      const told = decoded(new Exposition(form), `before 1\n${line}\nafter 2\n${form === 'openmetrics' ? '# EOF\n' : ''}`);
      t.strictSame(told.rows, [['before', 1, NOW], ['after', 2, NOW]], name);
      t.equal(told.bad, 1, name);
      const [problem] = told.problems;
      t.match(problem!.reason, reason, name);
      t.strictSame([problem!.offset, problem!.line, problem!.from, problem!.to], [9 + offset, 2, 9, 9 + line.length], name);
    }
  }
  t.match(decoded(new Exposition('prometheus'), Buffer.from('a{b="\xff"} 1', 'latin1')).problems[0]!.reason, /not UTF-8/);
  const counts = new Exposition('prometheus').decode(Buffer.from('a 1\nb 2\n'), NOW, { add: (_, series) => series !== 'b' }, () => undefined);
  t.strictSame(counts, { added: 1, refused: 1, skipped: 0, bad: 0 });
});

const name = fc.stringMatching(/^[a-z_:][a-zA-Z0-9_:]{0,5}$/);
const label = fc.stringMatching(/^[a-z_][a-zA-Z0-9_]{0,4}$/);
const sample = fc.record({
  name,
  labels: fc.dictionary(label, fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }), { maxKeys: 4 }),
  value: fc.double(),
  time: fc.option(fc.integer({ min: -1_000_000, max: NOW }), { nil: undefined }),
  blank: fc.constantFrom(' ', '  ', '\t'),
});
type Sample = typeof sample extends fc.Arbitrary<infer S> ? S : never;

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Written the plain way. */
function printed(form: ExpositionForm, { name, labels, value, time, blank }: Sample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  const stamp = time === undefined ? '' : `${blank}${form === 'openmetrics' ? (time / 1000).toFixed(3) : time}`;
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join()}}`}${blank}${String(value).replace('Infinity', 'Inf')}${stamp}\n`;
}

for (const form of ['prometheus', 'openmetrics'] as const) {
  const end = form === 'openmetrics' ? '# EOF\n' : '';

  t.test(`${form}: what a plain printer writes is read back, with one decoder for all and however it is cut between lines`, async (t) => {
    const kept = new Exposition(form);
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 8 }), fc.nat(8), (samples, cut) => {
        const rows = samples.map(({ name, labels, value, time = NOW }): Row => [seriesText(name, labels), value, time]);
        const whole = decoded(kept, samples.map((each) => printed(form, each)).join('') + end);
        t.strictSame(whole.problems, []);
        const parts = [samples.slice(0, cut), samples.slice(cut)].flatMap((part) => decoded(new Exposition(form), part.map((each) => printed(form, each)).join('') + end).rows);
        return same(whole.rows, rows) && same(parts, rows);
      }),
    );
  });

  t.test(`${form}: damaged bytes never throw, and lines that are not damaged are taken`, async (t) => {
    const kept = new Exposition(form);
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 4 }), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (samples, damage) => {
        const bytes = Buffer.from(samples.map((each) => printed(form, each)).join(''));
        for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
        const told = decoded(kept, Buffer.concat([bytes, Buffer.from(`\nlast 1\n${end}`)]));
        t.equal(told.added, told.rows.length);
        t.equal(told.bad, told.problems.length);
        for (const { offset, from, to } of told.problems) t.ok(from <= offset && offset <= to);
        return told.rows.at(-1)![0] === 'last';
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decoded(kept, bytes).bad >= 0));
  });
}

function same(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, i) => row.every((x, j) => Object.is(x, b[i]![j]) || x === b[i]![j]));
}

t.test('the same as an oracle of regular expressions, on lines put together at random', async (t) => {
  const piece = fc.constantFrom('a', 'b1', '{', '}', '="x"', ',', ' ', '"', '\\', '\\n', '1', '5', '-', '.', '#', 'NaN', '{a="b"} ', ' 7');
  const pair = String.raw`[ ]*([a-zA-Z_][a-zA-Z0-9_.\-]*)[ ]*=[ ]*"((?:\\.|[^"\\])*)"[ ]*`;
  const line = new RegExp(String.raw`^[ ]*([a-zA-Z_][a-zA-Z0-9_.\-]*)(?:[ ]*\{[ ]*((?:${pair})(?:,(?:${pair}))*,?)?[ ]*\}[ ]*|[ ]+)([^ ]+)(?:[ ]+(-?\d+\.?0*))?[ ]*$`);
  const oracle = (text: string): Row | 'none' | 'bad' => {
    if (text.trim() === '' || text.trimStart().startsWith('#')) return 'none';
    const match = line.exec(text);
    if (match === null) return 'bad';
    const labels: Record<string, string> = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(new RegExp(pair, 'g'))) {
      if (key! in labels) return 'bad';
      labels[key!] = value!.replaceAll(/\\([\\"n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
    }
    const value = match.at(-2)!;
    if (value !== 'NaN' && !/^-?(\d+\.?\d*|\.\d+)$/.test(value)) return 'bad';
    return [seriesText(match[1]!, labels), Number(value), match.at(-1) === undefined ? NOW : Number(match.at(-1)) + 0];
  };
  const pieces = (maxLength: number): fc.Arbitrary<string> => fc.array(piece, { maxLength }).map((each) => each.join(''));
  const text = fc.tuple(fc.constantFrom('a', 'b{', 'c{d="e",', ''), pieces(4), fc.constantFrom(' 1', '} 2', 'f="\\""} 3', ''), pieces(2)).map((parts) => parts.join(''));
  let good = 0;
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (lines) => {
      const told = decoded(new Exposition('prometheus'), lines.join('\n'));
      const wanted = lines.map(oracle);
      good += told.added;
      return same(told.rows, wanted.filter((row) => typeof row !== 'string')) && told.bad === wanted.filter((row) => row === 'bad').length;
    }),
    { numRuns: 3_000 },
  );
  t.ok(good > 50, `${good} samples`);
});

t.test('what /metrics shows is read back', async (t) => {
  const told = decoded(
    new Exposition('openmetrics'),
    openMetricsText([
      { name: 'rows', type: 'counter', help: 'Rows "in"\nall.', samples: [{ labels: { node: 'a"\\\n' }, value: 12 }] },
      { name: 'lag', type: 'gauge', unit: 'seconds', help: 'Lag.', samples: [NaN, -Infinity, 1e21].map((value, i) => ({ labels: { i: String(i) }, value })) },
      { name: 'turn', type: 'histogram', help: 'Turns.', samples: [{ labels: {}, buckets: [{ le: 1, count: 7 }], count: 8, sum: 3.25 }] },
    ]),
  );
  t.strictSame(told.problems, []);
  t.strictSame(told.rows.map(([series, value]) => [series, value]), [
    ['rows_total{node="a\\"\\\\\\n"}', 12],
    ['lag_seconds{i="0"}', NaN],
    ['lag_seconds{i="1"}', -Infinity],
    ['lag_seconds{i="2"}', 1e21],
    ['turn_bucket{le="1.0"}', 7],
    ['turn_bucket{le="+Inf"}', 8],
    ['turn_count', 8],
    ['turn_sum', 3.25],
  ]);
});
