import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Fields } from '../../connectors/file/csv.js';
import { parseDecimal } from '../../connectors/payload/decimal.js';
import { expandGlob } from '../../connectors/file/glob.js';
import { fileSource } from '../../connectors/file/source.js';
import { timeFormat } from '../../connectors/file/time.js';
import { folder, readAll, samplesOf, source, stage, type Sample, type Stage } from './stage.js';

const T0 = Date.parse('2024-01-15T10:30:00Z');

/** A folder with these files. */
function files(t: Test, contents: Readonly<Record<string, string | Buffer>>): Stage {
  const base = folder(t);
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), content);
  }
  return stage(base);
}

async function read(t: Test, content: string | Buffer, config: Readonly<Record<string, unknown>> = {}, name = 'a.csv'): Promise<{ samples: Sample[]; on: Stage }> {
  const on = files(t, { [name]: content });
  return { samples: await samplesOf(fileSource, { path: name, file_label: '', ...config }, on), on };
}

t.test('times in every format, as milliseconds UTC', async (t) => {
  const cases: [string, string, number][] = [
    ['auto', '2024-01-15T10:30:00Z', T0],
    ['auto', '2024-01-15 10:30:00', T0],
    ['auto', '2024-01-15T10:30', T0],
    ['auto', '2024-01-15', T0 - 37_800_000],
    ['auto', '2024-01-15T12:30:00.125+02:00', T0 + 125],
    ['auto', '2024-01-15T05:00:00-0530', T0],
    ['auto', '2024-01-15t10:30:00.123456789z', T0 + 123],
    ['auto', '2024-02-29 00:00:00', Date.parse('2024-02-29')],
    ['auto', '1705314600', T0],
    ['auto', '1705314600.123', T0 + 123],
    ['auto', '1705314600123', T0 + 123],
    ['auto', '1705314600123456', T0 + 123],
    ['auto', '1705314600123456789', T0 + 123],
    ['s', '10', 10_000],
    ['ms', '10', 10],
    ['us', '10999', 10],
    ['ns', '10999000', 10],
    ['iso', '1969-12-31T23:59:59.999Z', -1],
    ['DD/MM/YYYY HH:mm', '15/01/2024 10:30', T0],
    ['YYYYMMDDTHHmmssSSS', '20240115T103000007', T0 + 7],
  ];
  for (const [format, text, time] of cases) t.equal(timeFormat(format)!(Buffer.from(text), 0, text.length), time, `${format} ${text}`);
  const refused: [string, string][] = [
    ['auto', ''],
    ['auto', '2024-13-01'],
    ['auto', '2023-02-29'],
    ['auto', '2024-01-15T24:00:00Z'],
    ['auto', '2024-01-15T10:30:00X'],
    ['auto', '2024-01-15T10:30:'],
    ['auto', '2024-01-15 10:30:00.'],
    ['auto', 'now'],
    ['auto', '99999999999999999999999'],
    ['iso', '1705314600'],
    ['s', '2024-01-15'],
    ['DD/MM/YYYY HH:mm', '2024-01-15 10:30'],
    ['DD/MM/YYYY HH:mm', '32/01/2024 10:30'],
  ];
  for (const [format, text] of refused) t.ok(Number.isNaN(timeFormat(format)!(Buffer.from(text), 0, text.length)), `${format} ${text}`);
  t.equal(timeFormat('HH:mm'), undefined, 'a pattern without a year');
  t.match(fileSource.config.safeParse({ path: 'a', time_format: 'HH:mm' }).error?.issues[0]?.message, /"HH:mm" is no time format/);
  const iso = timeFormat('auto')!;
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const text = Buffer.from(date.toISOString());
      return iso(text, 0, text.length) === date.getTime();
    }),
  );
});

t.test('numbers read as Number reads them', async (t) => {
  const check = (text: string): boolean => Object.is(parseDecimal(Buffer.from(`,${text},`), 1, 1 + text.length), Number(text));
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => check(String(value)) && check(value.toExponential())));
  fc.assert(
    fc.property(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(10 ** 15), fc.integer({ min: -40, max: 40 }), (whole, part, exponent) => check(`${whole}.${part}`) && check(`${whole}e${exponent}`)),
  );
  for (const text of ['0', '-0', '+1', '.5', '5.', '00012', '1e400', '-1e-400', '123456789012345678901234567890', '0.000000000000000000000000000001']) t.ok(check(text), text);
  for (const text of ['', '-', '.', 'e5', '1e', '1e+', '0x10', '1 2', '1,5', 'Infinity', '1_000', '--1']) t.ok(Number.isNaN(parseDecimal(Buffer.from(text), 0, text.length)), text);
});

t.test('fields of CSV are those that csv-parse finds', async (t) => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', ' ', ''), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (cells) => {
      const line = cells.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
      if (line === '') return;
      const bytes = Buffer.from(line);
      const fields = new Fields(8);
      t.ok(fields.split(bytes, 0, bytes.length, 44));
      const found = Array.from({ length: fields.count }, (_, i) => fields.text(bytes, i));
      const expected = parse(line, { skip_empty_lines: false })[0];
      if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
    }),
  );
});

t.test('columns become metrics and labels as chosen', async (t) => {
  const csv = 'at,host,zone,cpu,memory\n2024-01-15T10:30:00Z,a,eu,1,2\n2024-01-15T10:30:01Z,"b ""x""",eu,3,\n';
  t.same((await read(t, csv, { time: 'at', value: 'cpu' })).samples, [[T0, 'cpu', 1], [T0 + 1_000, 'cpu', 3]], 'the value column names the metric');
  t.same((await read(t, csv, { time: 'at', value: 'cpu', metric: 'load', labels: ['host'] })).samples, [
    [T0, 'load{host="a"}', 1],
    [T0 + 1_000, 'load{host="b \\"x\\""}', 3],
  ]);
  t.same((await read(t, csv, { time: 'at', value: ['cpu', 'memory'], metric: 'node', labels: { machine: 'host', region: 'zone' } })).samples, [
    [T0, 'node_cpu{machine="a",region="eu"}', 1],
    [T0, 'node_memory{machine="a",region="eu"}', 2],
    [T0 + 1_000, 'node_cpu{machine="b \\"x\\"",region="eu"}', 3],
  ], 'a metric per column; an empty cell is no sample');
  t.same((await read(t, csv, { time: 'at', value: { cpu: 'usage' }, metric: { column: 'host' } })).samples.map((sample) => sample[1]), ['usage', 'usage']);
  t.same((await read(t, 'time,metric,labels,value\n0,m,"{""a"":""x""}",1\n1,n,,2\n', {})).samples, [[0, 'm{a="x"}', 1], [1_000, 'n', 2]], 'metric and labels where a file has them');
  t.same((await read(t, '5;7\n6;8\n', { delimiter: ';', columns: ['t', 'v'], time: 't', value: 'v' })).samples, [[5_000, 'v', 7], [6_000, 'v', 8]], 'no header');
  t.same((await read(t, 'time\tvalue\n1\t2\n', {}, 'a.tsv')).samples, [[1_000, 'value', 2]]);
});

t.test('byte order mark, CRLF, blank lines, spaces, no last line end, line ends inside quotes', async (t) => {
  const csv = '\ufefftime,note,value\r\n1,"two\r\nlines",10\r\n\r\n2,x, 20 \r\n3,y,NaN\r\n4,z,30';
  const { samples, on } = await read(t, csv, { labels: ['note'], metric: 'm' });
  t.same(samples, [[1_000, 'm{note="two\r\\nlines"}', 10], [2_000, 'm{note="x"}', 20], [4_000, 'm{note="z"}', 30]]);
  t.same(on.letters, []);
  t.equal(on.counts.get('empty_rows'), 1);
});

t.test('a line that is malformed is a dead letter, and the others are read', async (t) => {
  const csv = 'time,value\n1,10\nx,20\n3\n4,forty\n5,50,\n6,60\n7,"open\n8,80\n9,90\n';
  const { samples, on } = await read(t, csv);
  t.same(samples.map((sample) => sample[2]), [10, 60, 80, 90]);
  t.same(on.letters, [
    { origin: 'a.csv:3', reason: 'column "time": "x" is not a time of this format', offset: 0, payload: 'x,20' },
    { origin: 'a.csv:4', reason: '1 fields, the header has 2', offset: 0, payload: '3' },
    { origin: 'a.csv:5', reason: 'column "value": "forty" is not a finite number', offset: 2, payload: '4,forty' },
    { origin: 'a.csv:6', reason: '3 fields, the header has 2', offset: 0, payload: '5,50,' },
    { origin: 'a.csv:8', reason: 'a quoted field is not closed before a delimiter', offset: 7, payload: '7,"open' },
  ]);
  const ndjson = ['{"time":1,"metric":"m","value":1}', '{"time":2,"metric":"m",value:2}', '[]', '{"time":3,"metric":"m","value":"3"}', '{"time":4,"metric":"m"}', '{"time":5,"metric":"m","value":null}', '{"metric":"m","value":1}', '{"time":6,"metric":"m","labels":[1],"value":6}', '{"time":7,"metric":"m","labels":{"é":"x"},"value":7}', '{"time":8,"value":8}', '{"finding":{"id":"1"}}', '{"time":9,"metric":"m","labels":{"a":"b"},"value":9,"score":1}'];
  const lines = await read(t, ndjson.join('\n'), {}, 'a.ndjson');
  t.same(lines.samples, [[1_000, 'm', 1], [9_000, 'm{a="b"}', 9]]);
  t.same(lines.on.letters.map((letter) => letter.origin), ['2', '3', '4', '5', '7', '8', '9', '10'].map((line) => `a.ndjson:${line}`));
  t.equal(lines.on.letters[0]!.offset, 23, 'where JSON goes wrong');
});

t.test('a line longer than a megabyte is dropped with memory for one', async (t) => {
  const { samples, on } = await read(t, `time,value\n1,1\n2,${'9'.repeat(3 << 20)}\n3,3\n`);
  t.same(samples.map((sample) => sample[2]), [1, 3]);
  t.same(on.letters.map(({ origin, reason }) => [origin, reason]), [['a.csv:3', 'the line is longer than 1048576 bytes']]);
  t.ok(on.letters[0]!.payload.length <= 4_096);
  const quote = await read(t, `time,value\n1,"1\n${'2,2\n'.repeat(600_000)}3,3\n`);
  t.equal(quote.samples.length, 600_001, 'a quote that is never closed costs its own line');
  t.same(quote.on.letters.map((letter) => letter.origin), ['a.csv:2']);
});

t.test('what is wrong at the start is an error that says where', async (t) => {
  await t.rejects(read(t, 'time,v\n1,1\n'), { message: 'file source node: a.csv: no column "value"; its columns are "time", "v"' });
  await t.rejects(read(t, 'time,CPU %\n1,1\n', { value: 'CPU %' }), { message: /a\.csv: metric name "CPU %" does not match .*; name the metric with value: \{ "CPU %": NAME \}/ });
  const on = files(t, { 'x/a.csv': 'time,value\n' });
  await t.rejects(samplesOf(fileSource, { path: 'b.csv' }, on), { message: /file source node: .*b\.csv does not exist/ });
  await t.rejects(samplesOf(fileSource, { path: '*.csv' }, on), { message: /\*\.csv matches no file in / });
  await t.rejects(samplesOf(fileSource, { path: 'x' }, on), { message: /x is a folder; name its files, such as x\/\*\.csv/ });
  t.same(await samplesOf(fileSource, { path: 'x/a.csv' }, on), [], 'a file without rows is no error');
});

t.test('files of a pattern are merged by time, ties by name', async (t) => {
  const csv = (...rows: [number, number][]): string => `time,value\n${rows.map((row) => row.join(',')).join('\n')}\n`;
  const on = files(t, { 'd/b.csv': csv([1, 1], [3, 2], [9, 3]), 'd/e/a.csv': csv([2, 4], [3, 5]), 'd/c.csv.gz': gzipSync(csv([1, 6], [4, 7])), 'd/.hidden.csv': csv([0, 0]), 'd/note.txt': 'x', 'd/empty.csv': '' });
  const samples = await samplesOf(fileSource, { path: 'd/**/*.csv*', metric: 'm' }, on);
  t.same(samples.map(([time, , value]) => [time / 1_000, value]), [[1, 1], [1, 6], [2, 4], [3, 2], [3, 5], [4, 7], [9, 3]]);
  t.same([...new Set(samples.map((sample) => sample[1]))], ['m{file="b.csv"}', 'm{file="c.csv.gz"}', 'm{file="a.csv"}']);
  const base = on.context.base;
  const relative = async (pattern: string): Promise<string[]> => (await expandGlob(join(base, pattern))).map((path) => path.slice(base.length + 1));
  t.same(await relative('d/?.csv'), ['d/b.csv']);
  t.same(await relative('d/.*'), ['d/.hidden.csv']);
  t.same(await relative('**/a.*'), ['d/e/a.csv']);
  t.same(await relative('d/**'), ['d/b.csv', 'd/c.csv.gz', 'd/e/a.csv', 'd/empty.csv', 'd/note.txt']);
  t.same(await relative('d/(b)+.csv'), ['d/(b)+.csv'], 'other signs are plain');
  const list = await samplesOf(fileSource, { path: ['d/b.csv', 'd/e/*', 'd/b.csv'], metric: 'm' }, on);
  t.equal(list.length, 5, 'a file that is named twice is read once');
});

t.test('goes on exactly where it was, from every line of every file', async (t) => {
  const rows = (first: number, step: number): string => Array.from({ length: 12 }, (_, i) => (i % 5 === 3 ? `bad${i}` : `${first + i * step},"v\n${i}",${i}`)).join('\r\n');
  const header = 'time,note,value\n';
  const ndjson = Array.from({ length: 12 }, (_, i) => `{"time":${i * 2},"metric":"n","value":${i}}`).join('\n');
  const on = files(t, { 'a.csv': header + rows(0, 1), 'b.csv': header + rows(5, 2), 'c.csv.gz': gzipSync(header + rows(3, 3)), 'd.ndjson': ndjson });
  const config = { path: ['*.csv*', '*.ndjson'], metric: { column: 'metric' } };
  const csv = { path: '*.csv*', metric: 'm', labels: ['note'] };
  for (const given of [csv, { ...config, path: '*.ndjson' }]) {
    const whole = source(fileSource, given, on);
    await whole.open(undefined);
    const { samples, positions } = await readAll(whole, 1);
    t.equal(samples.length, given === csv ? 30 : 12);
    for (const { at, position } of positions) {
      const rest = source(fileSource, given, on);
      await rest.open(JSON.parse(JSON.stringify(position)));
      const again = await readAll(rest, 7);
      t.same(again.samples, samples.slice(at), `after ${at} samples`);
      t.same(again.positions.at(-1)!.position, positions.at(-1)!.position, 'and the same last position');
    }
  }
  const letters = new Set(on.letters.map((letter) => letter.origin));
  t.same([...letters].sort(), ['a.csv:17', 'a.csv:8', 'b.csv:17', 'b.csv:8', 'c.csv.gz:17', 'c.csv.gz:8'], 'lines are counted on');
});

t.test('a file that is not the one of the checkpoint is an error', async (t) => {
  const on = files(t, { 'a.csv': 'time,value\n1,1\n2,2\n3,3\n' });
  const first = source(fileSource, { path: 'a.csv' }, on);
  await first.open(undefined);
  const { positions } = await readAll(first, 2);
  for (const content of ['time,value\n7,7\n8,8\n9,9\n', 'time,value\n1,1\n']) {
    writeFileSync(join(on.context.base, 'a.csv'), content);
    const second = source(fileSource, { path: 'a.csv' }, on);
    await t.rejects(second.open(positions[0]!.position), { message: /a\.csv has changed since the checkpoint, which had read it up to byte 19/ });
  }
});

t.test('a gzip file that breaks off is read as far as it goes', async (t) => {
  const csv = `time,value\n${Array.from({ length: 5_000 }, (_, i) => `${i},${(i * 7919) % 1_000}`).join('\n')}\n`;
  const whole = gzipSync(csv);
  const { samples, on } = await read(t, whole.subarray(0, whole.length / 2), {}, 'a.csv.gz');
  t.ok(samples.length > 1_000 && samples.length < 5_000);
  t.match(on.letters.at(-1)!.reason, /^gzip: unexpected end of file/);
  t.equal((await read(t, whole, {}, 'a.csv')).samples.length, 5_000, 'gzip is told by its first bytes too');
});

const nab = resolve(process.env['MILLRACE_SHARED'] ?? '../shared', 'data/nab/data');
t.test('files of the Numenta Anomaly Benchmark', { skip: existsSync(nab) ? false : `no data at ${nab}` }, async (t) => {
  const on = stage(nab);
  const samples = await samplesOf(fileSource, { path: '**/*.csv', time: 'timestamp', metric: 'nab' }, on);
  const paths = await expandGlob(join(nab, '**/*.csv'));
  t.equal(samples.length, paths.reduce((sum, path) => sum + readFileSync(path, 'utf8').trim().split('\n').length - 1, 0));
  t.equal(new Set(samples.map((sample) => sample[1])).size, paths.length);
  t.same(on.letters, []);
});
