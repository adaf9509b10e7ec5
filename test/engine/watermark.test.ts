import fc from 'fast-check';
import t from 'tap';
import { WATERMARK_STEP_MS } from '../../engine/limits.js';
import { SourceWatermark, WatermarkMerge } from '../../engine/watermark.js';

const time = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }) }, { weight: 1, arbitrary: fc.constantFrom(-Infinity, Infinity) });

await t.test('merged: the least of the inputs that are not idle, and of all where all are; never back', (t) => {
  const news = fc.record({ input: fc.nat(3), time, idle: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(news, { maxLength: 60 }), (inputs, all) => {
      const merge = new WatermarkMerge(inputs);
      const known = Array.from({ length: inputs }, () => ({ time: -Infinity, idle: false }));
      let before = -Infinity;
      for (const each of all) {
        const input = each.input % inputs;
        merge.set(input, each.time, each.idle);
        known[input] = { time: Math.max(known[input]!.time, each.time), idle: each.idle };
        const active = known.filter((k) => !k.idle);
        before = Math.max(before, Math.min(...(active.length === 0 ? known : active).map((k) => k.time)));
        if (merge.time !== before || merge.idle !== (active.length === 0)) return false;
      }
      return true;
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

await t.test('an input without a watermark holds the others, an idle one does not', (t) => {
  const merge = new WatermarkMerge(2);
  merge.set(0, 10, false);
  t.equal(merge.time, -Infinity);
  merge.set(1, -Infinity, true);
  t.equal(merge.time, 10);
  merge.set(1, 4, false);
  t.equal(merge.time, 10, 'one that speaks again does not turn it back');
  merge.set(0, 20, false);
  t.equal(merge.time, 10, 'but holds it where it is');
  merge.set(1, 15, false);
  t.equal(merge.time, 15);
  t.end();
});

await t.test('when all inputs are idle, the clock that moves each moves them all', (t) => {
  const merge = new WatermarkMerge(2);
  merge.set(0, 10, true);
  merge.set(1, 5, true);
  t.equal(merge.idle, true);
  t.equal(merge.time, 5);
  merge.set(1, 12, true);
  t.equal(merge.time, 10);
  t.end();
});

await t.test('taken up from a checkpoint it never goes back', (t) => {
  const merge = new WatermarkMerge(1);
  merge.restore(10);
  merge.set(0, 5, false);
  t.equal(merge.time, 10);
  merge.set(0, 11, false);
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
