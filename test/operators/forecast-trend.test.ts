import fc from 'fast-check';
import { linearRegression, linearRegressionLine } from 'simple-statistics';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import { adviseOn, breachAfter, confidenceOf, growthOf, hasMoved, type Rules } from '../../operators/forecast/advice.js';
import { roughly } from '../../operators/forecast/explain.js';
import { remember, type History } from '../../operators/forecast/history.js';
import { studentQuantile } from '../../operators/forecast/student.js';
import { emptyTrend, fitTrend, halfWidthAt, valueAt, type Trend } from '../../operators/forecast/trend.js';

const emptyHistory = (buckets: number): History => ({
  means: new Float64Array(buckets),
  times: new Float64Array(buckets),
  next: new Uint32Array(1),
  count: new Uint32Array(1),
  cell: new Float64Array(1),
  mean: new Float64Array(1),
  meanTime: new Float64Array(1),
  samples: new Uint32Array(1),
});

type Sample = readonly [time: number, value: number];

function historyOf(samples: readonly Sample[], buckets: number, width: number): History {
  const history = emptyHistory(buckets);
  for (const [time, value] of samples) remember(history, 0, time, value, buckets, width);
  return history;
}

/** Means of all buckets but the one being filled, the newest `buckets` of them. */
function naiveBuckets(samples: readonly Sample[], buckets: number, width: number): Sample[] {
  const cells = new Map<number, Sample[]>();
  for (const sample of samples) {
    const cell = Math.floor(sample[0] / width);
    cells.set(cell, [...(cells.get(cell) ?? []), sample]);
  }
  const mean = (of: readonly number[]): number => of.reduce((sum, x) => sum + x, 0) / of.length;
  return [...cells.values()].slice(0, -1).slice(-buckets).map((cell) => [mean(cell.map(([time]) => time)), mean(cell.map(([, value]) => value))]);
}

await t.test("quantiles of Student's t as tabulated", async (t) => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2: one-sided .90 and .975.
  const table = [
    [1, 3.078, 12.706],
    [2, 1.886, 4.303],
    [3, 1.638, 3.182],
    [4, 1.533, 2.776],
    [5, 1.476, 2.571],
    [10, 1.372, 2.228],
    [29, 1.311, 2.045],
    [30, 1.31, 2.042],
    [60, 1.296, 2.0],
    [99, 1.29, 1.984],
  ] as const;
  for (const [degrees, t80, t95] of table) {
    t.ok(Math.abs(studentQuantile(0.8, degrees) - t80) < 6e-4, `80 %, ${degrees} degrees: ${studentQuantile(0.8, degrees)}`);
    t.ok(Math.abs(studentQuantile(0.95, degrees) - t95) < 6e-4, `95 %, ${degrees} degrees: ${studentQuantile(0.95, degrees)}`);
  }
  t.ok(Math.abs(studentQuantile(0.95, 1_000_000) - 1.959964) < 1e-5, 'towards the normal distribution');
});

const samples = fc
  .array(fc.record({ gap: fc.nat(3_000), value: fc.integer({ min: -1_000_000, max: 1_000_000 }) }), { minLength: 10, maxLength: 200 })
  .map((steps) => {
    let time = 1_700_000_000_000;
    return steps.map(({ gap, value }): Sample => [(time += gap), value]);
  });

await t.test('the line is that of simple-statistics through the bucket means', async () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 8, max: 40 }), fc.integer({ min: 1, max: 5_000 }), (given, buckets, width) => {
      const expected = naiveBuckets(given, buckets, width);
      const now = given.at(-1)![0];
      const trend = emptyTrend();
      const fits = fitTrend(historyOf(given, buckets, width), 0, buckets, now, -Infinity, 3, trend);
      if (fits !== expected.length >= 3) throw new Error(`fits ${expected.length} buckets: ${fits}`);
      if (!fits) return;
      const points = expected.map(([time, value]) => [time - now, value]);
      const line = linearRegressionLine(linearRegression(points));
      const size = Math.max(...points.map(([, value]) => Math.abs(value!)));
      for (const after of [0, -1_000, 100_000]) {
        const reach = 1 + Math.abs(after - trend.centre) / Math.sqrt(trend.spread / trend.count);
        const error = Math.abs(valueAt(trend, after) - line(after));
        // Times of today are known to a quarter of a microsecond.
        if (error > 1e-5 * size * reach) throw new Error(`at ${after}: ${valueAt(trend, after)}, not ${line(after)}`);
      }
    }),
  );
});

await t.test('only buckets inside the history count', async (t) => {
  const given = Array.from({ length: 21 }, (_, i): Sample => [i * 1_000, i < 10 ? 500 : i]);
  const trend = emptyTrend();
  const history = historyOf(given, 32, 1_000);
  t.ok(fitTrend(history, 0, 32, 20_000, 10_000, 3, trend));
  t.strictSame([trend.count, trend.latest, trend.covered], [10, 19, 9_000]);
  t.ok(Math.abs(valueAt(trend, 5_000) - 25) < 1e-9);
  t.notOk(fitTrend(history, 0, 32, 20_000, 18_000, 3, trend), 'two are too few');
});

function normals(seed: number): () => number {
  const random = seeded(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The share of 1,000 series whose value 20 steps ahead lies in its 95 % interval. */
function coverage(seed: number, likeness: number): number {
  const normal = normals(seed);
  let inside = 0;
  for (let run = 0; run < 1_000; run++) {
    let noise = normal();
    const next = (): number => (noise = likeness * noise + Math.sqrt(1 - likeness * likeness) * normal());
    const given = Array.from({ length: 41 }, (_, i): Sample => [i, 3 + 0.1 * i + next()]);
    const trend = emptyTrend();
    fitTrend(historyOf(given, 40, 1), 0, 40, 40, 0, 3, trend);
    for (let i = 0; i < 19; i++) next();
    if (Math.abs(3 + 0.1 * 60 + next() - valueAt(trend, 20)) <= halfWidthAt(trend, 20, studentQuantile(0.95, trend.degrees))) inside += 1;
  }
  return inside / 1_000;
}

await t.test('95 of 100 values lie in the 95 % interval', async (t) => {
  const independent = coverage(1, 0);
  t.ok(independent > 0.93 && independent < 0.985, `independent noise: ${independent}`);
  const alike = coverage(2, 0.7);
  t.ok(alike > 0.85, `noise that resembles what was before: ${alike}`);
});

const rules: Rules = { warning: 80, critical: 90, side: 1, horizon: 1_000, immediate: 200, growth: 0.2, idle: 0.3 };
const lineFrom = (level: number, slope: number): Trend => ({ ...emptyTrend(), level, slope });

await t.test('dates of breach', async (t) => {
  t.equal(breachAfter(lineFrom(70, 0.1), 80, rules), 100);
  t.equal(breachAfter(lineFrom(70, 0.01), 80, rules), 1_000, 'at the horizon');
  t.equal(breachAfter(lineFrom(70, 0.009), 80, rules), Infinity, 'past it');
  t.equal(breachAfter(lineFrom(85, -1), 80, rules), 0, 'breached now');
  t.equal(breachAfter(lineFrom(70, -1), 80, rules), Infinity, 'leads away');
  t.equal(breachAfter(lineFrom(70, 1), undefined, rules), Infinity);
  t.equal(breachAfter(lineFrom(70, -0.1), 60, { ...rules, side: -1 }), 100, 'low values are the bad ones');
});

await t.test('the recommended action', async (t) => {
  t.equal(adviseOn(0, 200, 0, 100, rules), 'immediate_scale_up_required');
  t.equal(adviseOn(0, 201, 0, 100, rules), 'plan_scale_up');
  t.equal(adviseOn(1_000, Infinity, 0, 100, rules), 'monitor_closely');
  t.equal(adviseOn(Infinity, Infinity, 0.21, 10, rules), 'monitor_closely', 'growth');
  t.equal(adviseOn(Infinity, Infinity, 0.2, 23.9, rules), 'consider_scale_down');
  t.equal(adviseOn(Infinity, Infinity, 0.2, 24, rules), 'maintain_current_capacity');
  t.equal(adviseOn(Infinity, Infinity, -0.21, 10, { ...rules, side: -1 }), 'monitor_closely', 'falls where low values are bad');
  t.equal(adviseOn(Infinity, Infinity, 0, 10, { ...rules, side: -1 }), 'maintain_current_capacity', 'and is not scaled down there');
  t.equal(adviseOn(Infinity, Infinity, 0, 10, { ...rules, warning: undefined }), 'maintain_current_capacity');
});

await t.test('growth, confidence, and what is a new date', async (t) => {
  t.strictSame([growthOf(50, 60), growthOf(-50, -40), growthOf(0, 5), growthOf(5e-324, 5)], [0.2, 0.2, 0, 1e9]);
  t.strictSame([confidenceOf(10, 10, 0, 5, 5), confidenceOf(5, 10, 0, 0, 0), confidenceOf(10, 10, 5, 5, 5), confidenceOf(20, 10, 5, 0, 0)], [1, 0.5, 0.5, 0]);
  t.notOk(hasMoved(Infinity, Infinity, 5_000, 1_000));
  t.notOk(hasMoved(500, 600, 100, 1_000), 'a tenth of the horizon');
  t.ok(hasMoved(500, 601, 100, 1_000));
  t.notOk(hasMoved(Infinity, 1_050, 100, 1_000), 'appears close to the horizon');
  t.ok(hasMoved(Infinity, 900, 100, 1_000), 'appears well before it');
  t.ok(hasMoved(900, Infinity, 100, 1_000), 'is gone');
});

await t.test('durations for people', async (t) => {
  t.strictSame([0, 1_900, 119_000, 121_000, 7_200_000, 2.4 * 86_400_000].map(roughly), ['0ms', '1900ms', '119s', '2m', '2h', '2d']);
});
