import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { STALE } from '../../engine/batch.js';
import { Dictionaries } from '../../connectors/payload/dictionaries.js';
import { FrameError } from '../../connectors/payload/frame-error.js';
import { FrameDecoder, isFrame } from '../../connectors/payload/frame.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import { FrameEncoder } from '../../publish/frame.js';
import { PublishedSeries } from '../../publish/series.js';

type Row = readonly [time: number, series: string, value: number, flags: number];

/** A decoder with what it was given. */
class Reader {
  readonly decoder: FrameDecoder;
  constructor(memory?: ConstructorParameters<typeof FrameDecoder>[0]) {
    this.decoder = new FrameDecoder(memory);
  }

  rows(bytes: Uint8Array, mark?: number): Row[] {
    const rows: Row[] = [];
    const frame = this.decoder.open(bytes, mark);
    const taken = frame.addTo({ add: (time, series, value, flags = 0) => rows.push([time, series, value, flags]) > 0 });
    if (taken !== rows.length || taken + frame.missing !== frame.rows) throw new Error('its counts are wrong');
    return rows;
  }
}

/** An encoder with series of its own. */
class Writer {
  readonly encoder: FrameEncoder;
  readonly #series = new Map<string, PublishedSeries>();

  constructor(framesPerDictionary = 1, id = 7, maxEntries = 1_000_000) {
    this.encoder = new FrameEncoder(new Uint8Array(8).fill(id), framesPerDictionary, maxEntries);
  }

  series(name: string, labels: Record<string, string> = {}): PublishedSeries {
    const key = JSON.stringify([name, labels]);
    const series = this.#series.get(key) ?? new PublishedSeries(name, labels, { row: () => false });
    this.#series.set(key, series);
    return series;
  }

  frame(rows: readonly { time: number; name: string; labels?: Record<string, string>; value: number; flags?: number }[]): Uint8Array {
    return this.encoder.encode({
      length: rows.length,
      time: Float64Array.from(rows, (row) => row.time),
      value: Float64Array.from(rows, (row) => row.value),
      flags: Uint8Array.from(rows, (row) => row.flags ?? 0),
      series: rows.map(({ name, labels }) => this.series(name, labels)),
    }).bytes;
  }

  /** A row for each name, at time 1, with value 2. */
  of(...names: string[]): Uint8Array {
    return this.frame(names.map((name) => ({ time: 1, name, value: 2 })));
  }
}

const names = (rows: readonly Row[]) => rows.map(([, series]) => series);

const someLabels = fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_.]{0,5}$/), fc.string({ unit: 'grapheme', maxLength: 8 }), { maxKeys: 4 });
const someTime = fc.oneof(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_050_000 }), fc.integer({ min: 1_600_000_000_000, max: 1_700_000_000_000 }), fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }), fc.constant(5));
const someRow = fc.record({ time: someTime, name: fc.stringMatching(/^[a-z][a-z0-9_]{0,3}$/), labels: someLabels, value: fc.double({ noNaN: true, noDefaultInfinity: true }), stale: fc.boolean() });

await t.test('what is written is read, to the bit', async () => {
  fc.assert(
    fc.property(fc.array(fc.array(someRow, { maxLength: 40 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 7 }), (batches, framesPerDictionary, shift) => {
      const writer = new Writer(framesPerDictionary);
      const reader = new Reader();
      for (const batch of batches) {
        const given = batch.map(({ stale, ...row }) => (stale ? { ...row, value: Number.NaN, flags: STALE } : row));
        const frame = writer.frame(given);
        // As transports hand it over: somewhere in a larger buffer.
        const buffer = new Uint8Array(frame.length + 16);
        buffer.set(frame, shift);
        const read = reader.rows(buffer.subarray(shift, shift + frame.length));
        const wanted = given.map(({ time, name, labels, value, ...rest }) => [time, seriesText(name, makeSeries(name, labels).labels), value, 'flags' in rest ? STALE : 0] as const);
        if (read.length !== wanted.length) throw new Error('rows are missing');
        for (const [i, row] of wanted.entries()) for (const [j, cell] of row.entries()) if (!Object.is(read[i]![j], cell) && !(cell === 0 && j === 0 && read[i]![0] === 0)) throw new Error(`row ${i}: ${String(cell)} became ${String(read[i]![j])}`);
      }
    }),
  );
});

await t.test('every width of times and indexes is used, and gives the same', async (t) => {
  const series = (n: number) => Array.from({ length: n }, (_, i) => `s${i}`);
  for (const [count, step, timeWidth, seriesWidth] of [
    [256, 0, 0, 1],
    [257, 1, 2, 2],
    [65_536, 1, 2, 2],
    [65_537, 1, 4, 4],
    [2, 0xffffffff, 4, 1],
    [2, 0x100000000, 8, 1],
    [2, 0.5, 8, 1],
  ] as const) {
    const frame = new Writer().frame(series(count).map((name, i) => ({ time: 1_700_000_000_000 + i * step, name, value: i })));
    t.same([frame[44], frame[45]], [timeWidth, seriesWidth], `${count} series, ${step} ms apart`);
    const rows = new Reader().rows(frame);
    t.same(rows.at(-1), [1_700_000_000_000 + (count - 1) * step, `s${count - 1}`, count - 1, 0]);
  }
});

await t.test('a frame on its own needs no other; one that refers to others needs those of its dictionary', async (t) => {
  const alone = new Writer(1);
  alone.of('a', 'b');
  t.same(names(new Reader().rows(alone.of('b', 'c'))), ['b', 'c'], 'in any order, by anyone');

  const writer = new Writer(3);
  const frames = [writer.of('a', 'b'), writer.of('b', 'c'), writer.of('a', 'c', 'd'), writer.of('a')];
  t.ok(frames[2]!.length < alone.of('a', 'c', 'd').length, 'a series is spelled once');

  await t.test('in order', async (t) => {
    const reader = new Reader();
    t.same(frames.map((frame) => names(reader.rows(frame))), [['a', 'b'], ['b', 'c'], ['a', 'c', 'd'], ['a']]);
  });
  await t.test('one is lost: the rows of what it announced are missing until the next dictionary', async (t) => {
    const reader = new Reader();
    t.same(names(reader.rows(frames[0]!)), ['a', 'b']);
    const { missing, alone: byItself } = reader.decoder.open(frames[2]!);
    t.same([missing, byItself], [1, false]);
    t.same(names(reader.rows(frames[2]!)), ['a', 'd']);
    t.same(names(reader.rows(frames[3]!)), ['a'], 'the next dictionary');
  });
  await t.test('another order: what was missing is there when it is opened again', async (t) => {
    const reader = new Reader();
    t.same(names(reader.rows(frames[2]!)), ['d']);
    reader.rows(frames[3]!);
    t.same(names(reader.rows(frames[1]!)), ['c']);
    reader.rows(frames[0]!);
    t.same(names(reader.rows(frames[2]!)), ['a', 'c', 'd'], 'also after the next dictionary has begun');
  });
  await t.test('every frame twice', async (t) => {
    const reader = new Reader();
    for (const frame of frames) t.same(names(reader.rows(frame)), names(reader.rows(frame)));
    t.equal(reader.decoder.open(frames[1]!).id, `${'07'.repeat(8)}-1`, 'an id tells which');
  });
  await t.test('publishers do not mix', async (t) => {
    const other = new Writer(3, 8);
    const reader = new Reader();
    reader.rows(frames[0]!);
    reader.rows(other.of('x', 'y'));
    t.same(names(reader.rows(other.of('y'))), ['y']);
    t.same(names(reader.rows(frames[1]!)), ['b', 'c']);
  });
  await t.test('two publishers with one id are found out', async (t) => {
    const reader = new Reader();
    reader.rows(frames[0]!);
    t.throws(() => reader.rows(new Writer(3).of('a', 'x')), /entry 1 of the dictionary was b before: two publishers have the same id/);
    const forgetful = new Reader({ dictionaries: 0 });
    t.same(names(forgetful.rows(frames[0]!)), ['a', 'b']);
    t.same(names(forgetful.rows(new Writer(3).of('a', 'x'))), ['a', 'x'], 'but not where only frames on their own are read');
  });
});

await t.test('after a restart a decoder learns from the oldest frame on what it must know', async (t) => {
  const writers = [new Writer(4, 1), new Writer(3, 2), new Writer(1, 3)];
  const stream: { frame: Uint8Array; wanted: string[] }[] = [];
  for (let i = 0; i < 60; i++) {
    const wanted = [`s${i % 5}`, `s${i % 7}`, `s${i % 11}`];
    stream.push({ frame: writers[(i * i) % 3]!.of(...wanted), wanted });
  }
  const first = new Reader();
  for (const [mark, { frame }] of stream.entries()) {
    first.decoder.open(frame, mark);
    const second = new Reader();
    for (let i = first.decoder.oldest ?? mark; i <= mark; i++) second.decoder.open(stream[i]!.frame, i);
    for (const { frame: later, wanted } of stream.slice(mark + 1)) t.same(names(second.rows(later)), wanted);
  }
  const oldest = first.decoder.oldest!;
  t.ok(oldest > 30, `not far back: ${oldest}`);
  first.decoder.forget(1_000);
  t.equal(first.decoder.oldest, undefined, 'publishers that are gone hold nothing back');
});

await t.test('a frame that is not one is refused with the place and the reason', async (t) => {
  const good = new Writer().frame([
    { time: 10, name: 'up', labels: { job: 'x' }, value: 1 },
    { time: 11, name: 'up', labels: { job: 'x' }, value: Number.NaN, flags: STALE },
  ]);
  t.ok(isFrame(good));
  for (const text of ['{', '[1]', 'm v=1', '# HELP m', 'm{a="b"} 1', '\u{10ffff}']) t.notOk(isFrame(new TextEncoder().encode(text)), text);
  const entry = 56;
  const columns = entry + 2 + (2 + 2) + (2 + 3) + (2 + 1);
  const values = columns + 2 * 2 + 2 * 1;
  const cases: readonly (readonly [at: number, bytes: readonly number[], reason: RegExp, offset: number])[] = [
    [1, [0], /begins with F5 4D 52/, 0],
    [3, [2], /version 2 .* only 1/, 3],
    [4, [1, 0, 0, 0], /says it has 1 bytes, but/, 4],
    [16, [0, 0, 0, 0, 0, 0, 0x20, 0], /below 2\^53/, 16],
    [24, [1], /begins with frame 1, after this one, 0/, 24],
    [32, [1], /begins its dictionary, but 1 entries come before/, 32],
    [36, [255, 255, 255, 255], /4294967295 entries, at most 1048576/, 32],
    [36, [3], /the entry ends before the metric name/, columns + 2],
    [36, [200], /the entry ends before the metric name/, columns + 2],
    [36, [0], /rows take 24 bytes, but/, entry],
    [40, [255, 255, 255, 255], /4294967295 rows take \d+ bytes, but/, columns],
    [44, [1], /0, 2, 4 or 8 bytes, not 1/, 44],
    [45, [8], /1, 2 or 4 bytes, not 8/, 45],
    [46, [2], /0 or 1 bytes, not 2/, 46],
    [47, [2], /0 or 1, not 2/, 47],
    [48, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f], /row 0: NaN is not a time/, 48],
    [entry, [255, 255], /entry 0 is 65535 bytes long, but the frame ends after/, entry],
    [entry + 2, [200], /the metric name is 200 bytes long, but its entry ends after/, entry + 2],
    [entry + 4, [0xff], /the metric name is not UTF-8/, entry + 4],
    [entry + 4, [0x20], /metric name " p" does not match/, entry + 2],
    [columns + 4, [9], /row 0: series 9, but the dictionary has 1/, columns + 4],
    [values, [0, 0, 0, 0, 0, 0, 0xf0, 0x7f], /row 0: the value must be a finite number, not Infinity/, values],
    [values + 17, [2], /row 1: flags 2 are not known/, values + 17],
  ];
  for (const [at, bytes, reason, offset] of cases) {
    const bad = good.slice();
    bad.set(bytes, at);
    t.throws(() => new Reader().rows(bad), { message: reason, offset }, `${reason.source}`);
  }
  const twice = new Uint8Array([...good.subarray(0, columns), 3, 0, ...new TextEncoder().encode('job'), 1, 0, 0x78, ...good.subarray(columns)]);
  new DataView(twice.buffer).setUint32(4, twice.length, true);
  twice[entry] = twice[entry]! + 8;
  t.throws(() => new Reader().rows(twice), { message: /label "job" is there twice/, offset: columns });
  t.same(new Reader().rows(good), [[10, 'up{job="x"}', 1, 0], [11, 'up{job="x"}', Number.NaN, STALE]]);
});

await t.test('nothing is learned from a frame that is refused', async (t) => {
  const writer = new Writer(9);
  const [first, second] = [writer.of('a'), writer.of('a')];
  const bad = first.slice();
  bad.set([0, 0, 0, 0, 0, 0, 0xf0, 0x7f], bad.length - 8);
  const reader = new Reader();
  t.throws(() => reader.rows(bad, 5), FrameError);
  t.equal(reader.decoder.oldest, undefined);
  t.equal(reader.decoder.open(second, 6).missing, 1);
  t.equal(reader.decoder.oldest, 6);
});

await t.test('cut, damaged or random bytes are refused, or read as they stand', async () => {
  const writer = new Writer(3);
  const frames = Array.from({ length: 5 }, (_, n) => writer.frame(Array.from({ length: 20 }, (_, i) => ({ time: n * 1000 + i, name: `s${(n + i) % 9}`, labels: { a: 'é"\\' }, value: i, flags: 0 }))));
  const decoder = new FrameDecoder({ series: 100_000, dictionaries: 100_000 });
  const attempt = (bytes: Uint8Array) => {
    try {
      const frame = decoder.open(bytes);
      let rows = 0;
      frame.addTo({ add: () => ++rows > 0 });
      if (rows > bytes.length) throw new Error('more rows than bytes');
    } catch (error) {
      if (!(error instanceof FrameError) || error.offset < 0 || error.offset > bytes.length) throw error;
    }
  };
  for (const frame of frames) for (let length = 0; length < frame.length; length++) attempt(frame.subarray(0, length));
  const damage = fc.array(fc.tuple(fc.nat({ max: 2_000 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.nat({ max: 4 }), damage, (n, changes) => {
      const bytes = frames[n]!.slice();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      attempt(bytes);
    }),
    { numRuns: 3_000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => attempt(new Uint8Array([0xf5, 0x4d, 0x52, 1, (bytes.length + 8) % 256, (bytes.length + 8) >> 8, 0, 0, ...bytes]))), { numRuns: 1_000 });
});

await t.test('dictionaries stay within their memory: who was not heard for long goes first', async (t) => {
  const reader = new Reader({ dictionaries: 20_000 });
  const writers = Array.from({ length: 100 }, (_, id) => new Writer(9, id));
  for (const [i, writer] of writers.entries()) {
    reader.rows(writer.of('a'.repeat(200)));
    reader.rows(writers[0]!.of('b'), i);
  }
  t.equal(reader.decoder.open(writers[0]!.of('b')).missing, 0, 'heard all the time');
  t.equal(reader.decoder.open(writers[1]!.of('a'.repeat(200))).missing, 1);
  t.equal(reader.decoder.open(writers[99]!.of('a'.repeat(200))).missing, 0);

  const dictionaries = new Dictionaries(10_000);
  for (let i = 0; i < 1_000; i++) dictionaries.learn('p', 0, i * 1_000, [`series${i}`], i);
  const held = Array.from({ length: 1_000 }, (_, i) => dictionaries.find('p', 0)?.[i * 1_000]).filter((known) => known !== undefined).length;
  t.ok(held > 0 && held < 500, `of one publisher alone: ${held}`);
});

await t.test('more series than are remembered are read all the same', async (t) => {
  const reader = new Reader({ series: 16_000 });
  for (let round = 0; round < 3; round++) {
    const wanted = Array.from({ length: 100 }, (_, i) => `s${i}`);
    t.same(names(reader.rows(new Writer().of(...wanted))), wanted);
  }
});

await t.test('the bytes that the documentation shows are read as it says, and are what is written', async (t) => {
  let root = import.meta.dirname;
  while (!existsSync(join(root, 'package-lock.json'))) root = dirname(root);
  const page = readFileSync(join(root, 'docs/columnar-frame.md'), 'utf8');
  const frames = [...page.matchAll(/```hex\n([^`]*)```/g)].map(([, block]) => {
    const bytes: number[] = [];
    for (const line of block!.trimEnd().split('\n')) {
      const [, offset, hex] = /^ *(\d+)  ((?:[0-9a-f]{2} )+) /.exec(line)!;
      t.equal(Number(offset), bytes.length, line);
      bytes.push(...hex!.trim().split(' ').map((byte) => Number.parseInt(byte, 16)));
    }
    return Uint8Array.from(bytes);
  });
  const time = Date.parse('2024-01-15T10:30:00Z');
  const reader = new Reader();
  t.same(frames.map((frame) => reader.rows(frame)), [
    [[time, 'up{job="x"}', 1, 0], [time + 1_000, 'load', 0.5, 0], [time + 15_000, 'up{job="x"}', 1, 0]],
    [[time + 20_000, 'up{job="x"}', Number.NaN, STALE]],
  ]);
  t.equal(new Reader().decoder.open(frames[1]!).missing, 1);

  const writer = new Writer(2);
  const up = { name: 'up', labels: { job: 'x' } };
  const written = [
    writer.frame([{ ...up, time, value: 1 }, { name: 'load', time: time + 1_000, value: 0.5 }, { ...up, time: time + 15_000, value: 1 }]),
    writer.frame([{ ...up, time: time + 20_000, value: Number.NaN, flags: STALE }]),
  ];
  for (const frame of written) frame.set([0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8], 8);
  t.same(written, frames);
});
