import fc from 'fast-check';
import t from 'tap';
import { add, SLACK } from '../../operators/shifts/cusum.js';
import { lineOf, median, put, read, stepOf } from '../../operators/shifts/recent.js';
import { expectedNext, learn, type Reference } from '../../operators/shifts/reference.js';
import { Phases, type Season } from '../../operators/shifts/season.js';

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 40 });
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

await t.test('while it is young the reference is the line of least squares', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 60 }), fc.double({ min: -5, max: 5, noNaN: true }), (noise, slope) => {
      const reference: Reference = { level: new Float64Array(2), slope: new Float64Array(2), variance: new Float64Array(2), covariance: new Float64Array(2), before: new Float64Array(2), seen: new Uint32Array(2), lineSeen: new Uint32Array(2) };
      // Large enough noise at first that nothing is clipped later.
      const points = noise.map((each, i) => slope * i + (i < 8 ? (i % 2 === 0 ? 40 : -40) : 0) + each);
      for (const value of points) learn(reference, 1, value, 1_000, 1);
      const n = points.length;
      const meanX = (n - 1) / 2;
      const meanY = points.reduce((sum, y) => sum + y / n, 0);
      const b = points.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0) / points.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
      const wanted = meanY + b * (n - meanX);
      if (!near(expectedNext(reference, 1), wanted) || !near(reference.slope[1]!, b)) throw new Error(`${expectedNext(reference, 1)}, ${reference.slope[1]} instead of ${wanted}, ${b}`);
    }),
  );
});

await t.test('a cumulative sum is the largest sum of any stretch that ends now', async () => {
  fc.assert(
    fc.property(values, (deviations) => {
      const cusum = { sums: new Float64Array(4), lengths: new Uint32Array(4) };
      for (const deviation of deviations) add(cusum, 1, deviation);
      for (const [side, sign] of [[2, 1], [3, -1]] as const) {
        let most = 0;
        for (let from = 0; from < deviations.length; from++) most = Math.max(most, deviations.slice(from).reduce((sum, deviation) => sum + sign * deviation - SLACK, 0));
        if (!near(cusum.sums[side]!, most)) throw new Error(`${cusum.sums[side]} instead of ${most}`);
      }
      if (cusum.sums[0] !== 0) throw new Error('another series has changed');
    }),
  );
});

await t.test('the ring has the last values in their order', async () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 10 }), (all, per) => {
      const ring = { recent: new Float64Array(4 * per), put: new Uint32Array(2) };
      for (const [i, value] of all.entries()) put(ring, 1, per, i, value);
      const { times, values: last } = read(ring, 1, per);
      if (JSON.stringify([...last]) !== JSON.stringify(all.slice(-per)) || times.at(-1) !== all.length - 1) throw new Error(`${last.join(' ')}`);
    }),
  );
});

await t.test('the step and the line are those that a search through all finds', async () => {
  const naiveMedian = (of: readonly number[]): number => {
    const sorted = [...of].sort((a, b) => a - b);
    return (sorted[Math.floor((of.length - 1) / 2)]! + sorted[Math.floor(of.length / 2)]!) / 2;
  };
  const errorOf = (of: readonly number[]): number => of.reduce((sum, value) => sum + Math.abs(value - naiveMedian(of)), 0);
  fc.assert(
    fc.property(values, (all) => {
      const { after, error } = stepOf(Float64Array.from(all), 2);
      const splits = Array.from({ length: all.length - 1 }, (_, at) => (errorOf(all.slice(0, at)) + errorOf(all.slice(at))) / all.length);
      const least = Math.min(...splits);
      const wanted = least < 0.85 * splits[0]! ? least : splits[0]!;
      if (!near(error, wanted) || !near(splits[all.length - after.length]!, wanted)) throw new Error(`${error} with ${after.length} instead of ${wanted}`);
      const slopes = all.flatMap((a, i) => all.slice(i + 1).map((b, k) => (b - a) / (k + 1)));
      const line = lineOf(Float64Array.from(all));
      if (!near(line.slope, naiveMedian(slopes)) || !near(median(Float64Array.from(all)), naiveMedian(all))) throw new Error(`${line.slope}`);
    }),
  );
});

await t.test('phases lift a time by what it has above the mean of the period', async (t) => {
  const DAY = 86_400_000;
  const phases = new Phases(DAY);
  const season: Season = { phase: new Float64Array(48), visits: new Uint32Array(48), total: new Float64Array(2), visited: new Uint32Array(2) };
  const at = (time: number): number => 50 + 10 * Math.sin((2 * Math.PI * time) / DAY);
  const STEP = DAY / 96;
  for (let time = 0; time < DAY; time += STEP) {
    const lift = phases.liftAt(season, 1, time);
    if (time <= 23 * (DAY / 24)) t.equal(lift, 0, 'unknown until all phases have been seen');
    phases.learn(season, 1, time, STEP, at(time), at(time) - 50 - lift, 1);
  }
  for (let time = 3 * DAY; time < 4 * DAY; time += STEP) t.ok(Math.abs(phases.liftAt(season, 1, time) - (at(time) - 50)) < 1, `${time}`);
  t.strictSame([new Phases(DAY).count, new Phases(7 * DAY).count, new Phases(30 * DAY).count, new Phases(3_600_000).count], [24, 168, 168, 24]);
});
