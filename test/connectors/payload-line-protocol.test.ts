import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { MAX_LINE_BYTES } from '../../connectors/payload/decoding.js';
import { LineProtocol } from '../../connectors/payload/line-protocol.js';
import { precisionOf, type Precision } from '../../connectors/payload/precision.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { decoded, NOW, type Row } from './payload-kit.js';

const NS = '1699999999123456789';
const AT = 1_699_999_999_123;

t.test('lines as the specification has them', async (t) => {
  const cases: readonly (readonly [line: string, rows: readonly Row[], skipped?: number])[] = [
    [`cpu value=1.5 ${NS}`, [['cpu', 1.5, AT]]],
    [`cpu,host=a,dc=x usage=2 ${NS}`, [['cpu_usage{dc="x",host="a"}', 2, AT]]],
    ['cpu value=1', [['cpu', 1, NOW]]],
    ['cpu value=1 ', [['cpu', 1, NOW]]],
    ['  cpu   value=1   1699999999123456789  ', [['cpu', 1, AT]]],
    [
      `m a=1,b=-2i,c=3u,d=t,e=F,f=True,g=false ${NS}`,
      [['m_a', 1, AT], ['m_b', -2, AT], ['m_c', 3, AT], ['m_d', 1, AT], ['m_e', 0, AT], ['m_f', 1, AT], ['m_g', 0, AT]],
    ],
    ['m a=-1.234456e+78,b=1E-5,c=.5,d=7.', [['m_a', -1.234456e78, NOW], ['m_b', 1e-5, NOW], ['m_c', 0.5, NOW], ['m_d', 7, NOW]]],
    ['m a=9223372036854775807i,b=-9223372036854775808i,c=18446744073709551615u', [['m_a', 2 ** 63, NOW], ['m_b', -(2 ** 63), NOW], ['m_c', 2 ** 64, NOW]]],
    ['m a="x, y=z \\" \\\\",value=2', [['m', 2, NOW]], 1],
    ['m a=""', [], 1],
    ['m a="one\ntwo",b=1\nn value=2', [['m_b', 1, NOW], ['n', 2, NOW]], 1],
    ['m,path=C:\\dir value=1', [['m{path="C:\\\\dir"}', 1, NOW]]],
    ['m,a=x\\ y\\,z\\=w value=1', [['m{a="x y,z=w"}', 1, NOW]]],
    ['m,a="x" value=1', [['m{a="\\"x\\""}', 1, NOW]]],
    ['m,a=,b=y value=1', [['m{b="y"}', 1, NOW]]],
    ['m,a=é日本 value=1', [['m{a="é日本"}', 1, NOW]]],
    ['# comment\n\n \n  # another\nm value=1\r\nn value=2\r\n', [['m', 1, NOW], ['n', 2, NOW]]],
    ['\ufeffm value=1', [['m', 1, NOW]]],
    ['m value=1 0', [['m', 1, 0]]],
    ['m value=1 -1', [['m', 1, -1]]],
    ['m value=1 -1000000', [['m', 1, -1]]],
    ['', []],
  ];
  for (const [line, rows, skipped = 0] of cases) {
    const told = decoded(new LineProtocol(), line);
    t.strictSame(told.rows, rows, JSON.stringify(line));
    t.strictSame(told.problems, [], JSON.stringify(line));
    t.strictSame([told.added, told.skipped, told.bad], [rows.length, skipped, 0], JSON.stringify(line));
  }
  // The comma is escaped by the backslash right before it, as InfluxDB reads it; so the second = is one too many.
  t.match(decoded(new LineProtocol(), 'm,a=x\\\\,b=y value=1').problems[0]!.reason, /second =/);
});

t.test('every precision', async (t) => {
  const cases: readonly (readonly [Precision, string, number])[] = [
    ['ns', '1699999999123999999', 1_699_999_999_123],
    ['us', '1699999999123999', 1_699_999_999_123],
    ['ms', '1699999999123', 1_699_999_999_123],
    ['s', '1699999999', 1_699_999_999_000],
    ['m', '28333333', 1_699_999_980_000],
    ['h', '472222', 1_699_999_200_000],
    ['us', '-1001', -2],
    ['us', '-1000', -1],
    ['us', '7', 0],
  ];
  for (const [precision, stamp, time] of cases) t.strictSame(decoded(new LineProtocol(precision), `m value=1 ${stamp}`).rows, [['m', 1, time]], `${stamp} ${precision}`);
  t.strictSame(['n', 'u', 'µ', 'ns', 'us', 'ms', 's', 'm', 'h', 'd', ''].map(precisionOf), ['ns', 'us', 'us', 'ns', 'us', 'ms', 's', 'm', 'h', undefined, undefined]);
});

t.test('what is wrong is told with its place, and the lines around it are taken', async (t) => {
  const cases: readonly (readonly [line: string, reason: RegExp, offset: number])[] = [
    ['m', /no fields/, 1],
    ['m,a=b', /no fields/, 5],
    ['m,a value=1', /tag has no =/, 2],
    ['m,=b value=1', /tag key is empty/, 2],
    ['m, value=1', /tag has no =/, 2],
    ['m,a=b,a=c value=1', /tag a comes twice/, 6],
    ['m,a=b=c value=1', /second =/, 2],
    ['m,__proto__=b value=1', /__proto__/, 0],
    ['m,a\\ b=c value=1', /label name/, 0],
    [',a=b value=1', /metric name/, 0],
    ['9m value=1', /metric name "9m"/, 0],
    ['m =1', /field key is empty/, 2],
    ['m value', /expected field=value/, 2],
    ['m value=', /no value/, 8],
    ['m value=,b=1', /no value/, 8],
    ['m value=1,', /expected field=value/, 10],
    ['m a b=1', /expected =/, 3],
    ['m value=x', /"x" is no number/, 8],
    ['m value=1x', /"1x" is no number/, 8],
    ['m value=NaN', /"NaN" is no number/, 8],
    ['m value=1e400', /too large/, 8],
    ['m value=i', /without digits/, 8],
    ['m value=1.5i', /not an integer/, 9],
    ['m value=-1u', /not an unsigned/, 8],
    ['m value=9223372036854775808i', /64 bits/, 8],
    ['m value=18446744073709551616u', /64 bits/, 8],
    ['m value=1 x', /timestamp is not an integer/, 10],
    ['m value=1 -', /timestamp is not an integer/, 10],
    ['m value=1 1 2', /end of the line/, 11],
    ['m value=1 99999999999999999999999999', /not a time in ns/, 10],
    ['m value=1 1800000000000000000', /in the future: check the precision, which is ns/, 10],
    ['m a="x"b=1', /comma or a space after the string/, 7],
    ['m a="x', /not closed/, 4],
    [`m a=${'1'.repeat(MAX_LINE_BYTES)}`, /at most 65536/, 0],
    [`m${',a=b'.repeat(65).replaceAll(/a/g, () => `a${(labels += 1)}`)} value=1`, /65 labels/, 0],
    [`m,a=${'x'.repeat(5_000)} value=1`, /at most 4096/, 0],
  ];
  for (const [line, reason, offset] of cases) {
    const name = JSON.stringify(line.slice(0, 60));
    const told = decoded(new LineProtocol(), `before value=1\n${line}\nafter value=2\n`);
    t.strictSame(told.rows, [['before', 1, NOW], ['after', 2, NOW]], name);
    t.equal(told.bad, 1, name);
    const [problem] = told.problems;
    t.match(problem!.reason, reason, name);
    t.strictSame([problem!.offset, problem!.line, problem!.from, problem!.to], [15 + offset, 2, 15, 15 + line.length], name);
  }
  const text = decoded(new LineProtocol(), Buffer.concat([Buffer.from('m,a='), Buffer.from([0xff]), Buffer.from(' value=1')]));
  t.match(text.problems[0]!.reason, /not UTF-8/);
  const key = decoded(new LineProtocol(), Buffer.concat([Buffer.from('m '), Buffer.from([0xff]), Buffer.from('=1')]));
  t.match(key.problems[0]!.reason, /not UTF-8/);
  const lines = decoded(new LineProtocol(), 'm a="1\n2\n3",b=1\nbad\n');
  t.equal(lines.problems[0]!.line, 4, 'lines inside of strings are counted');
});
let labels = 0;

t.test('samples that the intake refuses are counted', async (t) => {
  const counts = new LineProtocol().decode(Buffer.from('m a=1,b=2,c=3'), NOW, { add: (_, series) => series !== 'm_b' }, () => undefined);
  t.strictSame(counts, { added: 2, refused: 1, skipped: 0, bad: 0 });
});

interface Line {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number | bigint | boolean | string>>;
  readonly time: number | undefined;
}

const name = fc.stringMatching(/^[a-z_][a-zA-Z0-9_.\-/]{0,5}$/);
const tagValue = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((text) => !/[\n\r\\]/.test(text));
const fieldValue = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.string({ maxLength: 8 }),
);
const anyLine: fc.Arbitrary<Line> = fc.record({
  measurement: name,
  tags: fc.dictionary(name, tagValue, { maxKeys: 4 }),
  fields: fc.dictionary(name, fieldValue, { minKeys: 1, maxKeys: 5 }),
  time: fc.option(fc.integer({ min: -1_000_000, max: NOW }), { nil: undefined }),
});

/** Written the plain way. */
function printed({ measurement, tags, fields, time }: Line): string {
  const tagText = Object.entries(tags).map(([key, value]) => `,${key}=${value.replaceAll(/[ ,=]/g, '\\$&')}`).join('');
  const fieldText = Object.entries(fields).map(([key, value]) => {
    if (typeof value === 'string') return `${key}="${value.replaceAll(/["\\]/g, '\\$&')}"`;
    return `${key}=${String(value)}${typeof value === 'bigint' ? 'i' : ''}`;
  });
  return `${measurement}${tagText} ${fieldText.join(',')}${time === undefined ? '' : ` ${time}000000`}`;
}

function expected({ measurement, tags, fields, time = NOW }: Line): Row[] {
  return Object.entries(fields)
    .filter(([, value]) => typeof value !== 'string')
    .map(([key, value]): Row => [seriesText(key === 'value' ? measurement : `${measurement}_${key}`, tags), Number(value), time]);
}

t.test('what a plain printer writes is read back, with one decoder for all and however it is cut between lines', async (t) => {
  const kept = new LineProtocol();
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 8 }), fc.nat(8), fc.constantFrom('\n', '\r\n'), (lines, cut, feed) => {
      const rows = lines.flatMap(expected);
      const strings = lines.flatMap(({ fields }) => Object.values(fields)).filter((value) => typeof value === 'string').length;
      const whole = decoded(kept, lines.map(printed).join(feed));
      t.strictSame(whole.problems, []);
      t.equal(whole.skipped, strings);
      const parts = [lines.slice(0, cut), lines.slice(cut)].flatMap((part) => decoded(new LineProtocol(), part.map((line) => printed(line) + feed).join('')).rows);
      return same(whole.rows, rows) && same(parts, rows);
    }),
  );
});

function same(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, i) => row.every((x, j) => Object.is(x, b[i]![j]) || x === b[i]![j]));
}

/** Reads a line without strings by splitting it; undefined: bad. */
function bySplitting(line: string): Row[] | undefined {
  const split = (text: string, by: string): string[] => text.split(new RegExp(`(?<!\\\\)${by}`));
  const plain = (text: string): string => text.replaceAll(/\\([,= ])/g, '$1');
  if (line.trim() === '' || line.trimStart().startsWith('#')) return [];
  const parts = split(line.replace(/^[ \t]+/, ''), ' ').filter((part) => part !== '');
  const [head = '', body = '', stamp, ...more] = parts;
  if (more.length > 0 || (stamp !== undefined && !/^-?\d+$/.test(stamp))) return undefined;
  const [measurement = '', ...pairs] = split(head, ',');
  const tags = pairs.map((pair) => split(pair, '=').map(plain));
  if (tags.some((tag) => tag.length !== 2 || tag[0] === '')) return undefined;
  const labels = Object.fromEntries(tags) as Record<string, string>;
  if (seriesProblem(plain(measurement), labels) !== undefined || new Set(tags.map(([key]) => key)).size < tags.length) return undefined;
  const rows: Row[] = [];
  for (const field of split(body, ',')) {
    const [, key, value] = /^((?:\\[=, ]|[^=])*)=(.*)$/.exec(field) ?? [];
    if (key === undefined || key === '' || !/^-?\d+i?$|^t$/.test(value!)) return undefined;
    const metric = key === 'value' ? plain(measurement) : `${plain(measurement)}_${plain(key)}`;
    if (seriesProblem(metric, labels) !== undefined) return undefined;
    rows.push([
      seriesText(metric, labels),
      value === 't' ? 1 : Number(value!.replace('i', '')),
      stamp === undefined ? NOW : Math.floor(Number(stamp) / 1_000_000),
    ]);
  }
  return rows;
}

t.test('the same as an oracle that splits, on lines put together at random', async (t) => {
  const piece = fc.constantFrom('m', 'ab', ',', '=', ' ', '\\', '\\ ', '\\,', 'value', '1', '-', '2i', 't', '#', ',a=b', ' value=1', ' 1000000');
  const pieces = (maxLength: number): fc.Arbitrary<string> => fc.array(piece, { maxLength }).map((each) => each.join(''));
  const line = fc.tuple(fc.constantFrom('m', 'm,a=b', 'ab,x=y\\ z', '#', ''), pieces(3), fc.constantFrom(' value=1', ' c=2i,d=t', ' '), pieces(3)).map((parts) => parts.join(''));
  let good = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const told = decoded(new LineProtocol(), lines.join('\n'));
      const oracle = lines.map(bySplitting);
      good += told.added;
      return same(told.rows, oracle.flatMap((rows) => rows ?? [])) && told.bad === oracle.filter((rows) => rows === undefined).length;
    }),
    { numRuns: 3_000 },
  );
  t.ok(good > 100, `${good} samples`);
});

t.test('damaged bytes never throw, and lines that are not damaged are taken', async (t) => {
  const kept = new LineProtocol();
  fc.assert(
    fc.property(fc.array(anyLine, { minLength: 1, maxLength: 4 }), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (lines, damage) => {
      const bytes = Buffer.from(lines.map(printed).join('\n'));
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
      const told = decoded(kept, Buffer.concat([bytes, Buffer.from('\nlast value=1\n')]));
      t.equal(told.added, told.rows.length);
      t.equal(told.bad, told.problems.length);
      for (const { offset, from, to } of told.problems) t.ok(from <= offset && offset <= to + MAX_LINE_BYTES && to <= bytes.length + 14);
      return told.skipped > 0 || told.bad > 0 || told.rows.at(-1)![0] === 'last';
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decoded(kept, bytes).bad >= 0));
});

const nab = resolve(process.env['MILLRACE_SHARED'] ?? '../shared', 'data/nab/data');

t.test('real series, written as line protocol', { skip: existsSync(nab) ? false : `no data in ${nab}` }, async (t) => {
  for (const folder of readdirSync(nab).slice(0, 3)) {
    for (const file of readdirSync(join(nab, folder)).filter((each) => each.endsWith('.csv')).slice(0, 3)) {
      const rows = readFileSync(join(nab, folder, file), 'utf8').trim().split('\n').slice(1).map((row): Row => {
        const [time, value] = row.split(',');
        return [`nab{file="${file}"}`, Number(value), Date.parse(`${time!.replace(' ', 'T')}Z`)];
      });
      const told = decoded(new LineProtocol('s'), rows.map(([, value, time]) => `nab,file=${file} value=${value} ${time / 1000}`).join('\n'));
      t.strictSame(told.problems, []);
      t.ok(rows.length > 100 && same(told.rows, rows), `${file}: ${rows.length} rows`);
    }
  }
});
