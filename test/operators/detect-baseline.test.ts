import fc from 'fast-check';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import { learn, lengthenTail, scaleOf, type Baseline } from '../../operators/detect/baseline.js';

const emptyBaseline = (): Baseline => ({ level: new Float64Array(1), variance: new Float64Array(1), tail: new Float64Array(1), bias: new Float64Array(1), seen: new Uint32Array(1) });

function learnAll(values: Iterable<number>, memory = 300, warmup = 30): Baseline {
  const baseline = emptyBaseline();
  for (const value of values) learn(baseline, 0, value, memory, warmup);
  return baseline;
}

/** The weighted mean and variance, from all values and their weights. */
function naive(values: readonly number[], memory: number): { mean: number; variance: number } {
  const weights: number[] = [];
  values.forEach((_, i) => {
    const weight = 2 / (Math.min(i + 1, memory) + 1);
    weights.forEach((old, k) => (weights[k] = old * (1 - weight)));
    weights.push(weight);
  });
  const mean = values.reduce((sum, value, i) => sum + weights[i]! * value, 0);
  return { mean, variance: values.reduce((sum, value, i) => sum + weights[i]! * (value - mean) ** 2, 0) };
}

/** Marsaglia's polar method. */
function normals(seed: number, count: number): number[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    for (;;) {
      const u = 2 * random() - 1;
      const v = 2 * random() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  });
}

await t.test('while nothing is clipped, the level is the weighted mean, and while it is young the variance the weighted variance', async () => {
  const swings = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 9, maxLength: 200 });
  fc.assert(
    fc.property(swings, fc.integer({ min: 60, max: 400 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }), (sizes, memory, offset) => {
      // From side to side: never 1.5 scales from the level.
      const values = sizes.map((size, i) => offset + (i % 2 === 0 ? size : -size));
      const baseline = learnAll(values, memory);
      const young = learnAll(values.slice(0, 8), memory);
      const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));
      const { mean } = naive(values, memory);
      if (!near(baseline.level[0]!, mean)) throw new Error(`level ${baseline.level[0]}, not ${mean}`);
      const { variance } = naive(values.slice(0, 8), memory);
      if (!near(young.variance[0]!, variance)) throw new Error(`variance ${young.variance[0]}, not ${variance}`);
    }),
  );
});

await t.test('normal values: level, scale and tail are those of the distribution', async (t) => {
  const baseline = learnAll(normals(1, 20_000).map((z) => 50 + 4 * z), 2_000);
  t.ok(Math.abs(baseline.level[0]! - 50) < 0.4, `level ${baseline.level[0]}`);
  t.ok(Math.abs(Math.sqrt(baseline.variance[0]!) - 4) < 0.4, `scale ${Math.sqrt(baseline.variance[0]!)}`);
  t.ok(baseline.tail[0]! > 8 && baseline.tail[0]! < 26, `tail ${baseline.tail[0]}`);
});

await t.test('outliers do not poison level and scale', async (t) => {
  const values = normals(2, 5_000).map((z, i) => (i % 20 === 19 ? 1e6 : 50 + 4 * z));
  const baseline = learnAll(values, 1_000);
  t.ok(Math.abs(baseline.level[0]! - 50) < 4, `level ${baseline.level[0]}`);
  const clean = values.filter((value) => value < 1e6);
  const plain = naive(clean.slice(-1_000), 1_000);
  t.ok(Math.sqrt(baseline.variance[0]!) < 2 * Math.sqrt(plain.variance), `scale ${Math.sqrt(baseline.variance[0]!)}, without outliers ${Math.sqrt(plain.variance)}`);
});

await t.test('one outlier at most doubles the tail', async () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.integer(), (outlier, seed) => {
      const baseline = learnAll(normals(seed, 200));
      const before = scaleOf(baseline, 0);
      learn(baseline, 0, outlier, 300, 30);
      if (scaleOf(baseline, 0) > 2 * before * (1 + 1e-12)) throw new Error(`scale went from ${before} to ${scaleOf(baseline, 0)}`);
    }),
  );
});

await t.test('a metric that has moved within a wide band is followed', async (t) => {
  const baseline = learnAll(normals(5, 1_000));
  lengthenTail(baseline, 0, 1_000, 100, 0);
  for (const z of normals(6, 400)) learn(baseline, 0, 100 + z, 300, 30);
  t.ok(Math.abs(baseline.level[0]! - 100) < 15, `level ${baseline.level[0]}`);
});

await t.test('what an excursion leaves in the tail', async (t) => {
  const leave = (known: number, size: number, share: number): number => {
    const baseline = learnAll(normals(3, 100));
    lengthenTail(baseline, 0, size, known, share);
    return scaleOf(baseline, 0);
  };
  const known = scaleOf(learnAll(normals(3, 100)), 0);
  t.ok(Math.abs(leave(known, 100, 0.001) - 2 * known) < 1e-9, 'a short one doubles what was known');
  t.ok(leave(known, 100, 0.5) * 3.5 > 50, 'one that lasted half the time that makes it normal widens the band half the way');
  t.equal(leave(known, 1, 0.5), known, 'a small one leaves nothing');
  t.ok(leave(0, 100, 0.001) > known, 'where nothing had ever varied it tells what a deviation is');
});

await t.test('recurring bursts are learned: the tail covers them', async (t) => {
  const noise = normals(4, 6_000);
  const baseline = learnAll(noise.map((z, i) => (i % 60 === 0 ? 40 : 3 + 0.5 * z)));
  t.ok(3.5 * scaleOf(baseline, 0) > 36, `the band reaches ${3.5 * scaleOf(baseline, 0)} from ${baseline.level[0]}`);
  t.ok(Math.abs(baseline.level[0]! - 3) < 1, `level ${baseline.level[0]}`);
});
