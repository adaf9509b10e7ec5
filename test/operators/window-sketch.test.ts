import fc from 'fast-check';
import t from 'tap';
import { ACCURACY, MAX_BINS, Sketch } from '../../operators/window/sketch.js';

const quantiles = [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1];
const within = (got: number, exact: number): boolean => Math.abs(got - exact) <= ACCURACY * (1 + 1e-9) * Math.abs(exact);

function sketchOf(values: readonly number[]): Sketch {
  const sketch = new Sketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

const magnitudes = fc.oneof(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), fc.constantFrom(0, 1, 1e-3), fc.integer({ min: 1, max: 100 }));
const values = fc.array(fc.tuple(magnitudes, fc.boolean()).map(([magnitude, negative]) => (negative ? -magnitude : magnitude)), { minLength: 1, maxLength: 300 });

await t.test('quantiles are within 1 % of the exact ones', async () => {
  fc.assert(
    fc.property(values, (list) => {
      const sketch = sketchOf(list);
      const sorted = list.toSorted((a, b) => a - b);
      return quantiles.every((q) => within(sketch.quantile(q), sorted[Math.floor(q * (list.length - 1))]!));
    }),
  );
});

await t.test('merged sketches are the sketch of the whole, saved or not, used before or not', async () => {
  fc.assert(
    fc.property(values, values, values, (a, b, before) => {
      const merged = sketchOf(before);
      merged.clear();
      for (const value of a) merged.add(value);
      merged.merge(sketchOf(b));
      const numbers = Float64Array.from([7, ...merged.save()]);
      const restored = new Sketch();
      const whole = sketchOf([...a, ...b]);
      return restored.restore(numbers, 1) === numbers.length && quantiles.every((q) => merged.quantile(q) === whole.quantile(q) && restored.quantile(q) === whole.quantile(q));
    }),
  );
});

await t.test('past its bound only the smallest magnitudes lose accuracy', async (t) => {
  for (const order of ['up', 'down'] as const) {
    const list: number[] = [];
    for (let exponent = -280; exponent <= 280; exponent++) for (const digit of [1, 3, 7]) list.push(digit * 10 ** exponent);
    const sketch = sketchOf(order === 'up' ? list : list.toReversed());
    t.ok(sketch.bytes <= 4 * MAX_BINS + 256, `${sketch.bytes} bytes, ${order}`);
    // The upper 15 of 561 orders of magnitude.
    for (let rank = list.length - 45; rank < list.length; rank++) {
      const got = sketch.quantile(rank / (list.length - 1) + 1e-12);
      if (!within(got, list[rank]!)) t.fail(`${order}: rank ${rank} is ${got} instead of ${list[rank]}`);
    }
  }
});

await t.test('nothing, one value, and what is not finite', async (t) => {
  t.same(new Sketch().quantile(0.5), NaN);
  t.equal(sketchOf([75.5]).quantile(0.99), 75.5);
  t.equal(sketchOf([0, 0, 0]).quantile(0.5), 0);
  for (const times of [1, 20]) {
    const wide = sketchOf(Array.from({ length: times }, () => [-Infinity, -1, 1, 3, Infinity]).flat());
    t.strictSame([0, 1].map((q) => wide.quantile(q)), [-Infinity, Infinity]);
    t.ok(within(wide.quantile(0.25), -1) && within(wide.quantile(0.5), 1) && within(wide.quantile(0.75), 3), 'infinities take no accuracy from the others');
  }
  t.equal(sketchOf(new Array<number>(100).fill(Number.MAX_VALUE)).quantile(0.5), Number.MAX_VALUE);
});
