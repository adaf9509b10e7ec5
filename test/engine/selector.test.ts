import fc from 'fast-check';
import t from 'tap';
import { compileMatchers, parsePromql, parseSelector, PromqlError, readDuration, readString, selector } from '../../engine/selector.js';
import { makeSeries } from '../../engine/series.js';

await t.test('selectors become plain data', async (t) => {
  const cases: [string, unknown][] = [
    ['cpu_usage', { metric: 'cpu_usage', matchers: [] }],
    ['{}', { matchers: [] }],
    [' cpu_usage { mode != "idle" , } # but busy', { metric: 'cpu_usage', matchers: [{ label: 'mode', op: '!=', value: 'idle' }] }],
    [
      'cpu_usage{mode!="idle",host=~"a.*"}',
      {
        metric: 'cpu_usage',
        matchers: [
          { label: 'mode', op: '!=', value: 'idle' },
          { label: 'host', op: '=~', value: 'a.*' },
        ],
      },
    ],
    ["{job!~'a|b'}", { matchers: [{ label: 'job', op: '!~', value: 'a|b' }] }],
    ['{"cpu.usage", "http.method"="GET"}', { metric: 'cpu.usage', matchers: [{ label: 'http.method', op: '=', value: 'GET' }] }],
    ['node:cpu:rate5m{a="\\"\\n\\u00e9\\x41\\101\\U0001F600"}', { metric: 'node:cpu:rate5m', matchers: [{ label: 'a', op: '=', value: '"\né' + 'AA😀' }] }],
    ['x{a=`\\d"`}', { metric: 'x', matchers: [{ label: 'a', op: '=', value: '\\d"' }] }],
    ['sum{by="x"}', { metric: 'sum', matchers: [{ label: 'by', op: '=', value: 'x' }] }],
  ];
  for (const [text, plain] of cases) t.strictSame(parseSelector(text), plain, text);
});

await t.test('a mistake is told with its offset and what was expected', async (t) => {
  const cases: [string, number, RegExp][] = [
    ['', 0, /expected a selector or an expression, found the end/],
    ['cpu{', 4, /expected a matcher such as mode="idle", or }, found the end/],
    ['cpu{mode}', 8, /expected one of = != =~ !~, found "}"/],
    ['cpu{mode "idle"}', 9, /expected one of = != =~ !~/],
    ['cpu{mode=}', 9, /expected a value in quotes/],
    ['cpu{mode=idle}', 9, /expected a value in quotes, found "idle}"/],
    ['cpu{mode=="idle"}', 9, /expected a value in quotes/],
    ['cpu{="idle"}', 4, /expected a matcher/],
    ['cpu{a="b" c="d"}', 10, /expected a comma or }/],
    ['cpu{mode="idle}', 9, /string is not closed: expected "/],
    ['cpu{mode="idle\\"}', 9, /string is not closed/],
    ['cpu{mode="\\q"}', 10, /expected an escape such as .*found \\q/],
    ['cpu{mode="\\U00110000"}', 10, /expected an escape/],
    ['cpu}', 3, /expected an operator or the end, found "}"/],
    ['cpu.usage', 3, /\{"cpu\.usage"\}/],
    ['cpu{"mem"}', 4, /metric name is already cpu/],
    ['rate(cpu[5m])', 0, /expected a selector .* found a function call/],
    ['a / b', 0, /found a binary expr/],
    ['"cpu"', 0, /found a string literal/],
    ['cpu{mode=~"a("}', 11, /"a\(" is not a regular expression: Unterminated group/],
    ['cpu{mode=~"a(?=b)"}', 12, /\(\?= in a regular expression is not supported/],
    ['cpu{mode=~`a\\1`}', 12, /\\1 in a regular expression is not supported/],
    ['cpu{mode=~`\\pL`}', 11, /not supported/],
    ['cpu{mode=~`[[:alpha:]]`}', 11, /not supported/],
  ];
  for (const [text, offset, message] of cases) {
    t.throws(() => parseSelector(text), { name: 'SyntaxError', offset, message }, text);
    t.ok(catches(text) instanceof PromqlError);
  }
});

function catches(text: string): unknown {
  try {
    return parseSelector(text);
  } catch (error) {
    return error;
  }
}

await t.test('matchers choose series as Prometheus does', async (t) => {
  const series = makeSeries('cpu_usage', { mode: 'user', host: 'a-1', note: 'x\ny' });
  const cases: [string, boolean][] = [
    ['cpu_usage', true],
    ['cpu', false],
    ['{}', true],
    ['{mode="user"}', true],
    ['{mode!="user"}', false],
    ['{missing=""}', true],
    ['{missing!=""}', false],
    ['{missing!="x"}', true],
    ['{missing=~".*"}', true],
    ['{missing=~".+"}', false],
    ['{mode=~"use"}', false],
    ['{mode=~"use|r"}', false],
    ['{mode=~"user|system"}', true],
    ['{mode!~"us"}', true],
    ['{mode!~"us.*"}', false],
    ['{host=~"a-\\\\d"}', true],
    ['{host=~`a\\-\\d`}', true],
    ['{mode=~"(?i)USER"}', true],
    ['{mode=~"USER"}', false],
    ['{mode=~"(?P<first>u)ser"}', true],
    ['{note=~"x.y"}', true],
    ['{__name__=~"cpu_.*",mode="user"}', true],
    ['{__name__!="cpu_usage"}', false],
    ['{mode="user",host="b"}', false],
    ['{constructor=""}', true],
  ];
  for (const [text, selected] of cases) t.equal(compileMatchers(parseSelector(text))(series), selected, text);
});

await t.test('any label value can be selected by its quoted text', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (value, other) => {
      const quoted = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
      const selects = compileMatchers(parseSelector(`{a="${quoted}"}`));
      return selects(makeSeries('m', { a: value })) && selects(makeSeries('m', { a: other })) === (other === value);
    }),
  );
});

await t.test('text of any kind is read or refused with an offset inside it', async () => {
  const pieces = fc.constantFrom('cpu', '{', '}', '"', "'", '`', '=', '!=', '=~', '!~', ',', 'a', '\\', '.', '(', '[5m]', ' ', '\n', '😀', 'by');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (tokens) => {
      const text = tokens.join('');
      const result = catches(text);
      return !(result instanceof Error) || (result instanceof PromqlError && result.offset >= 0 && result.offset <= text.length);
    }),
    { numRuns: 2_000 },
  );
});

await t.test('durations and strings of a tree', async (t) => {
  const range = (text: string): number => readDuration(parsePromql(text).topNode.firstChild!.getChild('DurationExpr')!, text);
  t.equal(range('x[5m]'), 300_000);
  t.equal(range('x[1h30m]'), 5_400_000);
  t.equal(range('x[1y2w3d4h5m6s7ms]'), 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6_007);
  t.equal(range('x[90]'), 90_000);
  t.throws(() => range('x[0s]'), { offset: 2, message: /above zero/ });
  t.throws(() => range('x[5m + 5m]'), { offset: 2, message: /expected a duration/ });
  t.throws(() => parsePromql('x[]'), { offset: 2, message: /expected a duration such as 5m/ });
  t.equal(readString(parsePromql("'it\\'s'").topNode.firstChild!, "'it\\'s'"), "it's");
});

await t.test('a config field takes a selector', async (t) => {
  t.strictSame(selector().parse('cpu{mode="idle"}'), { metric: 'cpu', matchers: [{ label: 'mode', op: '=', value: 'idle' }] });
  const refused = selector().safeParse('cpu{mode}');
  t.match(refused.error?.issues[0]?.message, 'selector cpu{mode}: at offset 8: expected one of = != =~ !~, found "}"');
  t.equal(selector().safeParse(5).success, false);
});
