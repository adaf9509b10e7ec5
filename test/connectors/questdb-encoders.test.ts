import fc from 'fast-check';
import t from 'tap';
import { seriesText } from '../../engine/series.js';
import { BinaryEncoder } from '../../connectors/questdb/binary-encoder.js';
import { ClientEncoder } from '../../connectors/questdb/client-encoder.js';
import { LabelColumns } from '../../connectors/questdb/label-columns.js';
import { lineEnds, readableLine } from '../../connectors/questdb/line.js';
import type { TableShape } from '../../connectors/questdb/row-encoder.js';

const shape = (columns: readonly string[] = [], table = 'cpu'): TableShape => ({ table, columns, labels: new LabelColumns('all', columns, () => {}) });

const character = fc.oneof(fc.constantFrom(' ', ',', '=', '\n', '\r', '\\', '"', '{', '}', '\0', '\x10', 'é', '€', '😀', '\u2028'), fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }));
const labels = fc.dictionary(fc.stringMatching(/^[a-z_][a-zA-Z0-9_.-]{0,6}$/), fc.array(character, { maxLength: 8 }).map((parts) => parts.join('')), { maxKeys: 4 });
const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, -0, Number.MIN_VALUE, 1e300), fc.integer());
const time = fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.double({ min: 0, max: 8.64e15, noNaN: true }), fc.constantFrom(0, 1, 99_999.999, 100_000, 1e13, 8.64e15, -1, -1e9));
// Neighbours often have one time.
const row = fc.record({ slot: fc.nat(2_000), value: number, twice: number, at: fc.nat(3) });
const times = fc.array(time, { minLength: 4, maxLength: 4 });

await t.test('our own encoder writes the bytes that the client writes, and each row is a line', async () => {
  fc.assert(
    fc.property(fc.array(labels, { minLength: 1, maxLength: 5 }), times, fc.array(fc.array(row, { maxLength: 30 }), { minLength: 1, maxLength: 3 }), (series, times, records) => {
      const encoders = [new ClientEncoder(shape(['twice', 'p_99'])), new BinaryEncoder(shape(['twice', 'p_99']))] as const;
      return records.every((rows) => {
        for (const [i, { slot, value, twice, at }] of rows.entries()) {
          const text = seriesText('cpu', series[i % series.length]!);
          const columns = [Float64Array.of(twice), undefined];
          const added = encoders.map((encoder) => encoder.add(slot, text, times[at]!, value, columns, 0));
          if (added[0] !== added[1]) return false;
        }
        if (encoders[0].bytes !== encoders[1].bytes || encoders[0].rows !== encoders[1].rows) return false;
        const written = encoders[0].rows;
        const [client, binary] = encoders.map((encoder) => Buffer.from(encoder.take()));
        return client!.equals(binary!) && lineEnds(binary!).length === written && (lineEnds(binary!).at(-1) ?? 0) === binary!.length && encoders.every(({ bytes, rows }) => bytes === 0 && rows === 0);
      });
    }),
    { numRuns: 300 },
  );
});

await t.test('the bytes of a row', async (t) => {
  const encoder = new BinaryEncoder(shape(['score']));
  encoder.add(0, 'cpu{host="a b"}', 1_700_000_000_000.5, 1.5, [Float64Array.of(-2)], 0);
  const double = (hex: string) => `\x3d\x10${Buffer.from(hex, 'hex').toString('latin1')}`;
  t.equal(Buffer.from(encoder.take()).toString('latin1'), `cpu,series=cpu{host\\="a\\ b"},host=a\\ b value=${double('000000000000f83f')},score=${double('00000000000000c0')} 1700000000000500t\n`);
});

await t.test('much more than a record, and more series than have been met', async (t) => {
  const encoder = new BinaryEncoder(shape());
  const text = (slot: number) => seriesText('m', { long: 'x'.repeat(900), slot: String(slot) });
  for (let slot = 0; slot < 5_000; slot++) encoder.add(slot, text(slot), 1, slot, [], 0);
  const ends = lineEnds(encoder.take());
  t.equal(ends.length, 5_000);
  encoder.add(17, 'other', 1, 1, [], 0);
  t.match(Buffer.from(encoder.take()).toString('latin1'), /^cpu,series=other value=/, 'a slot that has another series now');
});

await t.test('a series with half a character is not written', async (t) => {
  for (const encoder of [new BinaryEncoder(shape()), new ClientEncoder(shape())]) {
    t.equal(encoder.add(0, seriesText('m', { a: 'x\ud800' }), 1, 1, [], 0), false);
    t.equal(encoder.add(1, seriesText('m', { a: 'x\ud83d\ude00' }), 1, 1, [], 0), true);
    t.equal(encoder.rows, 1);
  }
});

await t.test('a line is readable with its numbers as text', async (t) => {
  const encoder = new BinaryEncoder(shape(['score']));
  encoder.add(0, seriesText('m', { a: '=\n' }), 1, 0.1, [Float64Array.of(1e300)], 0);
  encoder.add(1, 'm', 2, Number.NaN, [Float64Array.of(Number.NaN)], 0);
  const body = encoder.take();
  const [first] = lineEnds(body);
  t.equal(readableLine(body.subarray(0, first)), 'cpu,series=m{a\\="\\=\\\\n"},a=\\=\\\n value=0.1,score=1e+300 1000t');
  t.equal(readableLine(body.subarray(first)), 'cpu,series=m value=NaN 2000t');
});

await t.test('which labels have a column', async (t) => {
  const without: string[] = [];
  const columns = (choice: 'all' | 'none' | string[]) => new LabelColumns(choice, ['score'], (label, why) => void without.push(`${label}: ${why}`));
  const all = columns('all');
  t.strictSame(
    ['host', 'service.name', 'Score', 'value', 'TS', 'Host', 'service-name', 'host'].map((label) => all.of(label)),
    ['host', 'service_name', undefined, undefined, undefined, undefined, undefined, 'host'],
  );
  t.strictSame(all.names, ['host', 'service_name']);
  t.strictSame(without, ['Score: the table has another column Score', 'value: the table has another column value', 'TS: the table has another column TS', 'Host: the table has another column Host', 'service-name: the table has another column service_name']);
  const many = columns('all');
  for (let i = 0; i < 40; i++) many.of(`l${i}`);
  t.equal(many.names.length, 32);
  t.match(without.at(-1), /l39: a table has at most 32 columns of labels/);
  const some = columns(['host', 'value']);
  t.strictSame([some.of('host'), some.of('value'), some.of('other')], ['host', undefined, undefined]);
  t.equal(columns('none').of('host'), undefined);
});
