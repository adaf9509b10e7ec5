import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { fileSink } from '../../connectors/file/sink.js';
import { fileSource } from '../../connectors/file/source.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { anomaly, batchOf, folder, samplesOf, sink, stage, type Row } from './stage.js';

const T0 = Date.parse('2024-01-15T10:30:00.250Z');
const rows: readonly Row[] = [
  { time: T0, series: 'cpu{host="a \\"b\\"",zone="eu,1"}', value: 0.1, columns: { score: 1 / 3, lower: NaN } },
  { time: T0 + 1, series: 'up', value: -1e21, columns: { score: Infinity, lower: 0 } },
];

async function written(base: string, config: Record<string, unknown>, given: readonly Row[], inputs?: readonly string[]): Promise<string> {
  const on = stage(base, inputs === undefined ? {} : { inputs });
  const out = sink(fileSink, config, on);
  await out.open(undefined);
  const { batch, names } = batchOf(given);
  await out.write('odd', batch, names);
  await out.receive!('odd', anomaly());
  await out.flush(1);
  await out.close();
  return readFileSync(join(base, config['path'] as string), 'utf8');
}

t.test('NDJSON has every column by name', async (t) => {
  const base = folder(t);
  const finding = `${JSON.stringify({ finding: anomaly() })}\n`;
  t.equal(
    await written(base, { path: 'x/out.ndjson' }, rows),
    '{"time":"2024-01-15T10:30:00.250Z","metric":"cpu","labels":{"host":"a \\"b\\"","zone":"eu,1"},"value":0.1,"score":0.3333333333333333,"lower":null}\n' +
      `{"time":"2024-01-15T10:30:00.251Z","metric":"up","labels":{},"value":-1e+21,"score":null,"lower":0}\n${finding}`,
  );
  t.match(await written(base, { path: 'two.ndjson' }, rows, ['odd', 'even']), /^\{"node":"odd","time":"2024-01-15T10:30:00.250Z","metric":"cpu",/);
  t.notMatch(await written(base, { path: 'three.ndjson', findings: 'found.ndjson' }, rows), /finding/);
  t.equal(readFileSync(join(base, 'found.ndjson'), 'utf8'), finding);
});

t.test('CSV has the columns of the first row', async (t) => {
  const base = folder(t);
  t.equal(
    await written(base, { path: 'out.csv' }, rows),
    'time,metric,labels,value,score,lower\n2024-01-15T10:30:00.250Z,cpu,"{""host"":""a \\""b\\"""",""zone"":""eu,1""}",0.1,0.3333333333333333,\n2024-01-15T10:30:00.251Z,up,{},-1e+21,,0\n',
  );
  t.match(readFileSync(join(base, 'out.csv.findings.ndjson'), 'utf8'), /^\{"finding":\{"id":/);

  const on = stage(base, { inputs: ['odd', 'even'] });
  const out = sink(fileSink, { path: 'both.csv' }, on);
  await out.open(undefined);
  for (const [node, columns] of [['odd', { score: 1 }], ['even', { mean: 2 }], ['even', { mean: 3, score: 4 }]] as const) {
    const { batch, names } = batchOf([{ time: 0, series: 'm', value: 5, columns }]);
    await out.write(node, batch, names);
  }
  await out.close();
  const time = '1970-01-01T00:00:00.000Z';
  t.equal(readFileSync(join(base, 'both.csv'), 'utf8'), `node,time,metric,labels,value,score\nodd,${time},m,{},5,1\neven,${time},m,{},5,\neven,${time},m,{},5,4\n`);
  t.equal(on.counts.get('cells_dropped'), 2);
  t.equal(on.logged.filter(({ msg }) => msg.includes('has no column mean')).length, 1);
});

t.test('what is written reads back', async (t) => {
  const base = folder(t);
  const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
  const row = fc.record({
    // From year 0 to 9999, as ISO 8601 has them.
    time: fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
    series: fc
      .tuple(fc.constantFrom('cpu', 'http.requests', 'a:b/c'), fc.dictionary(fc.constantFrom('host', 'zone', 'path'), label, { maxKeys: 3 }))
      .map(([name, labels]) => seriesText(name, makeSeries(name, labels).labels)),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    columns: fc.record({ score: fc.double() }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), fc.constantFrom('out.ndjson', 'out.csv', 'out.ndjson.gz', 'out.csv.gz'), async (given, path) => {
      await written(base, { path, findings: 'found' }, given);
      const on = stage(base);
      const samples = await samplesOf(fileSource, { path, file_label: '' }, on);
      const expected = given.map(({ time, series, value }) => [time, series, value]);
      if (on.letters.length > 0) throw new Error(JSON.stringify(on.letters));
      if (JSON.stringify(samples) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(samples)} is not ${JSON.stringify(expected)}`);
    }),
  );
});

t.test('after a crash nothing is there twice', async (t) => {
  const part = (from: number): readonly Row[] => [0, 1, 2].map((i) => ({ time: T0 + from + i, series: 'm', value: from + i, columns: { score: i } }));
  for (const path of ['out.ndjson', 'out.csv', 'out.csv.gz', 'out.ndjson.gz']) {
    const base = folder(t);
    const write = async (out: ReturnType<typeof sink>, from: number): Promise<void> => {
      const { batch, names } = batchOf(part(from));
      await out.write('m', batch, names);
      await out.receive!('m', anomaly({ revision: from + 1 }));
    };
    const content = (name: string): string => {
      const bytes = existsSync(join(base, name)) ? readFileSync(join(base, name)) : Buffer.alloc(0);
      return name.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString();
    };
    const first = sink(fileSink, { path }, stage(base));
    await first.open(undefined);
    await write(first, 0);
    const position = await first.flush(1);
    await write(first, 3);
    await first.flush(2);
    await first.close();
    const whole = [content(path), content(`${path}.findings.ndjson`)];
    appendFileSync(join(base, path), '{"time":"2024-01-15T1');

    const second = sink(fileSink, { path }, stage(base));
    await second.open(JSON.parse(JSON.stringify(position)));
    await write(second, 3);
    await second.close();
    t.same([content(path), content(`${path}.findings.ndjson`)], whole, path);

    const more = sink(fileSink, { path, append: true }, stage(base));
    await more.open(undefined);
    await write(more, 6);
    await more.close();
    t.ok(content(path).startsWith(whole[0]!) && content(path).length > whole[0]!.length, 'append');

    writeFileSync(join(base, path), '');
    await t.rejects(sink(fileSink, { path }, stage(base)).open(position), { message: /is 0 bytes long, but the checkpoint had written \d+: put it back, or start anew/ });
    const anew = sink(fileSink, { path }, stage(base));
    await anew.open(undefined);
    await write(anew, 0);
    await write(anew, 3);
    await anew.close();
    t.equal(content(path), whole[0], 'a new run writes in its place');
  }
});

t.test('lines reach the file within a second of results, and when many wait', async (t) => {
  const base = folder(t);
  const on = stage(base);
  const out = sink(fileSink, { path: 'out.ndjson' }, on);
  await out.open(undefined);
  const { batch, names } = batchOf(rows);
  const length = (): number => readFileSync(join(base, 'out.ndjson')).length;
  await out.write('odd', batch, names);
  await out.advance!(0);
  t.equal(length(), 0);
  on.clock.time += 1_000;
  await out.advance!(0);
  t.ok(length() > 0);
  const before = length();
  for (let i = 0; i < 2_000; i++) await out.write('odd', batch, names);
  t.ok(length() - before > 2_000 * before - (300 << 10), 'all but a bounded part');
  await out.close();
});
