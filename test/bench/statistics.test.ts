import fc from 'fast-check';
import * as simple from 'simple-statistics';
import t from 'tap';
import { bootstrap, median, quantile } from '../../bench/statistics.js';
import { seeded } from '../../engine/random.js';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

await t.test('the median is the one in the middle', (t) => {
  fc.assert(fc.property(values, (values) => Math.abs(median(values) - simple.median(values)) <= 1e-9));
  t.end();
});

await t.test('a quantile lies between the order statistics that its place lies between', (t) => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (values, p) => {
      const sorted = [...values].sort((a, b) => a - b);
      const at = p * (sorted.length - 1);
      const found = quantile(values, p);
      return found >= sorted[Math.floor(at)]! - 1e-9 && found <= sorted[Math.ceil(at)]! + 1e-9;
    }),
  );
  fc.assert(fc.property(values, (values) => quantile(values, 0) === simple.min(values) && quantile(values, 1) === simple.max(values)));
  t.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  t.equal(quantile([10, 20], 0.25), 12.5);
  t.ok(Number.isNaN(quantile([], 0.5)));
  t.end();
});

await t.test('the interval of a mean is as wide as theory has it', (t) => {
  const random = seeded(7);
  // Sums of twelve uniform numbers are near enough to normal ones.
  const values = Array.from({ length: 200 }, () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6));
  const { low, high } = bootstrap(values, simple.mean, { random: seeded(1), resamples: 4_000 });
  const half = (1.96 * simple.sampleStandardDeviation(values)) / Math.sqrt(values.length);
  t.ok(Math.abs(low - (simple.mean(values) - half)) < half / 8, `${low} for ${simple.mean(values) - half}`);
  t.ok(Math.abs(high - (simple.mean(values) + half)) < half / 8, `${high} for ${simple.mean(values) + half}`);
  t.end();
});

await t.test('an interval is the same for the same seed, holds the statistic of equal numbers, and is not told of none', (t) => {
  const [once, again] = [1, 1].map((seed) => bootstrap([3, 1, 4, 1, 5, 9, 2, 6], median, { random: seeded(seed) }));
  t.strictSame(once, again);
  t.strictSame(bootstrap([5, 5, 5], median, { random: seeded(1), resamples: 100 }), { low: 5, high: 5 });
  t.ok(Number.isNaN(bootstrap([], median, { random: seeded(1) }).low));
  t.end();
});
