import fc from 'fast-check';
import t from 'tap';
import { WATERMARK_STEP_MS } from '../../engine/limits.js';
import { SourceWatermark, WatermarkMerge } from '../../engine/watermark.js';

const time = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }) }, { weight: 1, arbitrary: fc.constantFrom(-Infinity, Infinity) });

await t.test('merged: the least that any shard of any input has promised; never back', (t) => {
  const news = fc.record({ input: fc.nat(3), shard: fc.nat(2), time });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }), fc.array(news, { maxLength: 60 }), (shards, all) => {
      const merge = new WatermarkMerge(shards);
      const known = shards.map((count) => Array.from({ length: count }, () => -Infinity));
      for (const each of all) {
        const input = each.input % shards.length;
        const shard = each.shard % shards[input]!;
        merge.set(input, shard, each.time);
        known[input]![shard] = Math.max(known[input]![shard]!, each.time);
        if (merge.time !== Math.min(...known.flat())) return false;
        if (known.some((of, i) => of.some((own, s) => merge.isAhead(i, s) !== of.some((other) => other < own)))) return false;
      }
      return true;
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

await t.test('taken up from a checkpoint it never goes back', (t) => {
  const merge = new WatermarkMerge([1]);
  merge.restore(10);
  merge.set(0, 0, 5);
  t.equal(merge.time, 10);
  merge.set(0, 0, 11);
  t.equal(merge.time, 11);
  t.end();
});

/** The promises that go before each row, by the definition. */
function promises(times: readonly number[], disorder: number): number[] {
  let largest = -Infinity;
  return times.map((row) => {
    largest = Math.max(largest, row);
    return Math.floor((largest - disorder) / WATERMARK_STEP_MS) * WATERMARK_STEP_MS;
  });
}

await t.test('of a source: by the rows and their order alone, on a grid, before the row that moves it', (t) => {
  const times = fc.array(fc.integer({ min: -20_000, max: 200_000 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(times, fc.constantFrom(0, 1, 999, 1_000, 5_500), (rows, disorder) => {
      const watermark = new SourceWatermark(disorder);
      const got: number[] = [];
      for (const row of rows) {
        const before = watermark.before(row);
        const at = watermark.time;
        const moved = watermark.see(row);
        if (moved !== at < before || watermark.time !== before) return false;
        got.push(watermark.time);
      }
      return got.every((each, i) => each === promises(rows, disorder)[i]);
    }),
    { numRuns: 500 },
  );
  // What a source promises is kept where its rows are no more out of order than it says.
  fc.assert(
    fc.property(fc.array(fc.record({ step: fc.nat(3_000), back: fc.nat(1_000) }), { maxLength: 100 }), (steps) => {
      const watermark = new SourceWatermark(1_000);
      let front = 0;
      for (const { step, back } of steps) {
        front += step;
        watermark.see(front - back);
        if (front - back < watermark.time) return false;
      }
      return true;
    }),
  );
  t.end();
});

await t.test('of a source: saved and restored anywhere it goes on the same, also after the clock moved it', (t) => {
  const step = fc.oneof({ weight: 5, arbitrary: fc.record({ row: fc.integer({ min: 0, max: 60_000 }) }) }, { weight: 1, arbitrary: fc.record({ clock: fc.integer({ min: 0, max: 80_000 }) }) }, { weight: 1, arbitrary: fc.constant('save' as const) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const whole = new SourceWatermark(2_000);
      let parts = new SourceWatermark(2_000);
      for (const each of steps) {
        if (each === 'save') {
          const saved = JSON.parse(JSON.stringify(parts.save())) as ReturnType<SourceWatermark['save']>;
          parts = new SourceWatermark(2_000);
          parts.restore(saved);
        } else if ('row' in each) {
          if (whole.before(each.row) !== parts.before(each.row) || whole.see(each.row) !== parts.see(each.row)) return false;
        } else if (whole.advance(each.clock) !== parts.advance(each.clock)) return false;
        if (whole.time !== parts.time) return false;
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.end();
});
