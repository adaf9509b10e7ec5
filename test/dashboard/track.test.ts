import { deepStrictEqual, strictEqual } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { load } from './modules.js';

interface Track {
  readonly length: number;
  readonly newest: number;
  time(row: number): number;
  get(row: number, column: number): number;
  find(time: number): number;
  push(time: number, numbers: readonly (number | null)[], from: number): void;
  prepend(rows: readonly (readonly (number | null)[])[]): void;
  clear(): void;
}
const { peakOf } = (await load('charts/anomaly-span.ts')) as { readonly peakOf: (anomaly: object, track: Track, edge: number) => { time: number; value: number } };
const { Track } = (await load('store/track.ts')) as { Track: new (width: number, most: number, step?: number) => Track };

const MOST = 100;
const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: -5, max: 5 }), fc.option(fc.integer({ min: 0, max: 9 }))), { maxLength: 400 });

const contents = (track: Track) => Array.from({ length: track.length }, (_, row) => [track.time(row), track.get(row, 0), track.get(row, 1)]);

await t.test('rows lie in order of time, the newest row of a time counts, and the oldest are forgotten', async (t) => {
  fc.assert(
    fc.property(rows, (given) => {
      const track = new Track(2, MOST);
      let naive: [number, number, number][] = [];
      for (const [time, value, further] of given) {
        track.push(time, [7, value, further], 1);
        const full = naive.length === MOST && naive.every((row) => row[0] !== time);
        if (full && time < naive[0]![0]) continue;
        naive = [...naive.filter((row) => row[0] !== time), [time, value, further ?? NaN] as [number, number, number]].sort((a, b) => a[0] - b[0]).slice(-MOST);
      }
      deepStrictEqual(contents(track), naive);
      for (const time of [0, 100, 200, 401]) {
        const first = naive.findIndex((row) => row[0] >= time);
        strictEqual(track.find(time), first < 0 ? naive.length : first);
      }
    }),
    { numRuns: 60 },
  );
  t.pass('all agreed');
});

await t.test('with a step it holds means, whatever the order in which rows came', async () => {
  fc.assert(
    fc.property(rows, (given) => {
      const track = new Track(2, 1_000, 10);
      for (const [time, value, further] of given) track.push(time, [value, further], 0);
      const means = new Map<number, number[]>();
      for (const [time, value] of given) means.set(Math.floor(time / 10) * 10, [...(means.get(Math.floor(time / 10) * 10) ?? []), value]);
      const expected = [...means].sort((a, b) => a[0] - b[0]).map(([time, values]) => [time, values.reduce((sum, value) => sum + value, 0) / values.length]);
      strictEqual(track.length, expected.length);
      for (const [row, [time, mean]] of expected.entries()) {
        if (track.time(row) !== time || Math.abs(track.get(row, 0) - mean!) > 1e-9) throw new Error(`row ${row}: ${track.time(row)} ${track.get(row, 0)}, not ${time} ${mean}`);
      }
    }),
    { numRuns: 60 },
  );
  t.pass('all agreed');
});

await t.test('cleared it is as new', async (t) => {
  const track = new Track(1, MOST);
  for (let time = 0; time < 3 * MOST; time++) track.push(time, [time], 0);
  t.equal(track.length, MOST);
  t.equal(track.newest, 3 * MOST - 1);
  track.clear();
  t.equal(track.newest, -Infinity);
  track.push(5, [1], 0);
  t.equal(track.length, 1);
  t.equal(track.time(0), 5);
});

await t.test('what was before is put before, and what is there stays as it is', async (t) => {
  const track = new Track(2, MOST);
  for (const time of [50, 60, 70]) track.push(time, [time, null], 0);
  track.prepend([30, 40, 50, 60].map((time) => [time, -time, 1]));
  t.strictSame(contents(track), [[30, -30, 1], [40, -40, 1], [50, 50, NaN], [60, 60, NaN], [70, 70, NaN]]);
  track.push(80, [80, 2], 0);
  t.equal(track.newest, 80);
  track.prepend([]);
  t.equal(track.length, 6);
});

await t.test('the mark of a silence is where the curve ended, not at its length', async (t) => {
  const track = new Track(1, 100);
  for (let i = 0; i < 10; i++) track.push(i * 1_000, [40 + i], 0);
  const anomaly = { value: 1_200, direction: 'up', state: 'opened', opened_at: new Date(20_000).toISOString(), timestamp: new Date(20_000).toISOString() };
  t.strictSame(peakOf(anomaly, track, 60_000), { time: 20_000, value: 1_200 });
  t.strictSame(peakOf({ ...anomaly, measure: 'seconds of silence' }, track, 60_000), { time: 20_000, value: 49 });
  t.strictSame(peakOf({ ...anomaly, measure: 'seconds of silence' }, new Track(1, 100), 60_000), { time: 20_000, value: 0 });
});
