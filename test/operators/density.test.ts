import fc from 'fast-check';
import t from 'tap';
import { shapes, STEP_MS } from '../../bench/quality/shapes.js';
import type { Anomaly } from '../../engine/finding.js';
import { seeded } from '../../engine/random.js';
import { bytesOf } from '../../engine/state.js';
import { stateOf } from '../../operators/density/config.js';
import density from '../../operators/density/definition.js';
import { placeOf } from '../../operators/density/neighbours.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message, type OutputRow } from '../kit/text.js';

interface Result {
  readonly rows: readonly OutputRow[];
  readonly anomalies: readonly Anomaly[];
}

function follow(config: Record<string, unknown>, values: ArrayLike<number>): Result {
  const messages = Array.from(values, (value, i): Message => ({ type: 'row', port: 0, row: { time: i * STEP_MS, series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } }));
  const { rows, findings } = runReference(density, density.config.parse(config), messages);
  return { rows, anomalies: findings as Anomaly[] };
}

type Point = readonly [number, number];
const squareOf = (a: Point, b: Point): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;

/** Whether the last is noise, by the paper's definitions, in O(n²): core points, what is density-reachable from them, and what is left. */
function isNoise(points: readonly Point[], eps: number, minPoints: number): boolean {
  const near = (a: Point): readonly Point[] => points.filter((b) => squareOf(a, b) <= eps * eps);
  const cores = points.filter((point) => near(point).length >= minPoints);
  const reached = new Set(cores.flatMap((core) => near(core)));
  return !reached.has(points.at(-1)!);
}

// On a grid many points are the same, and many at exactly eps.
const anyPoint = fc.oneof(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), fc.tuple(fc.double({ min: 0, max: 4, noNaN: true }), fc.double({ min: 0, max: 4, noNaN: true })));

await t.test('a point is noise where the definition says so, duplicates and points at exactly eps among them', async () => {
  let noise = 0;
  let border = 0;
  fc.assert(
    fc.property(fc.array(anyPoint, { minLength: 1, maxLength: 50 }), fc.constantFrom(1, 2, 0.5, 1.5), fc.integer({ min: 2, max: 8 }), (points, eps, minPoints) => {
      const others = points.slice(0, -1);
      const last = points.at(-1)!;
      const place = placeOf({ x: Float64Array.of(99, ...others.map(([x]) => x)), y: Float64Array.of(99, ...others.map(([, y]) => y)), first: 1, count: others.length }, ...last, eps, minPoints);
      const wanted = isNoise(points, eps, minPoints);
      if (place.noise !== wanted) throw new Error(`${place.noise} instead of ${wanted}`);
      const squares = others.map((other) => squareOf(other, last)).sort((a, b) => a - b);
      const distance = Math.sqrt(squares[minPoints - 2] ?? Infinity);
      if (place.distance !== distance) throw new Error(`${place.distance} instead of ${distance}`);
      if (others.length > 0 && squareOf(others[place.nearest - 1]!, last) !== squares[0]) throw new Error(`${place.nearest} is not the nearest`);
      if (wanted) noise += 1;
      else if (distance > eps) border += 1;
    }),
    { numRuns: 1_000 },
  );
  t.ok(noise > 50 && border > 5, `${noise} were noise, ${border} at a border`);
});

/** A queue that is empty and calm, or full and busy, eight windows of ten each; `odd`: half full for a while. */
function queue(seed: number, length: number, odd: (i: number) => number | undefined = () => undefined): number[] {
  const random = seeded(seed);
  return Array.from({ length }, (_, i) => odd(i) ?? (Math.floor(i / 80) % 2 === 0 ? 5 + random() : 90 + 20 * (random() - 0.5)));
}

await t.test('what lies between two kinds opens and closes; from the fifth time on it is known', async (t) => {
  const half = (i: number): number | undefined => (i >= 4_000 && i < 4_040 ? 50 : undefined);
  const { anomalies } = follow({}, queue(1, 6_000, half));
  t.strictSame(anomalies.map(({ state }) => state), ['opened', 'closed']);
  t.equal(new Set(anomalies.map(({ direction }) => direction)).size, 1);
  t.ok(anomalies[0]!.time > 4_000 * STEP_MS && anomalies[0]!.time < 4_040 * STEP_MS);
  t.match(anomalies[0]!.explanation, /^m: 10 samples of mean 50 and spread 0 are like none of \d+ such windows before: the nearest are \d+\.\d times as far as those of one kind are apart$/);
  t.match(anomalies[1]!.explanation, /^m is again as it was before, after /);
  t.strictSame(follow({}, queue(1, 6_000)).anomalies, [], 'the two kinds are known');
  t.strictSame(follow({}, queue(2, 6_000, (i) => (i >= 4_000 && Math.floor(i / 80) % 2 === 1 && i < 4_160 ? 90 : undefined))).anomalies.length > 0, true, 'full and calm is another');
});

await t.test('whatever the noise and the season: no findings, and a score above 1 - p on a share p of rows', async (t) => {
  for (const shape of shapes) {
    const { rows, anomalies } = follow({ rows: 4 }, shape.values(16_000, 3));
    t.ok(anomalies.filter(({ revision }) => revision === 1).length <= 1, shape.name);
    const scores = rows.slice(600).map(({ columns }) => columns['score']!);
    for (const p of tails) {
      const { least, most } = bounds(p, scores.length);
      const share = shareAbove(scores, p);
      t.ok(share >= least && share <= most, `${shape.name}: ${share} above 1 - ${p}`);
    }
  }
});

await t.test('a row for each window, late rows, what is no number, constant series', async (t) => {
  const { rows, late } = runReference(density, density.config.parse({ rows: 2 }), parseMessages(['1s m 1', '2s m NaN', '3s m 3', '4s m stale', '5s m 5', '2s m 7', '6s m 9', '7s m 1']));
  t.strictSame(rows.map(({ time, value, columns }) => [time, value, columns['stddev'], columns['score']]), [[3_000, 2, 1, 0], [6_000, 7, 2, 0]]);
  t.strictSame(late.map(({ value }) => value), [7]);
  const constant = Array.from({ length: 1_000 }, (_, i) => (i < 900 ? 100 : 101));
  t.strictSame(follow({}, constant).anomalies, [], 'less than two steps, each a hundredth');
  t.strictSame(follow({}, constant.map((value) => (value === 101 ? 150 : value))).anomalies.map(({ state }) => state).slice(0, 1), ['opened']);
});

const anyConfig = fc.record({ rows: fc.integer({ min: 2, max: 4 }), history: fc.integer({ min: 20, max: 40 }), warmup: fc.integer({ min: 10, max: 20 }), min_points: fc.integer({ min: 2, max: 5 }), for: fc.integer({ min: 1, max: 2 }) });
const anyValues = fc.array(fc.oneof(fc.double({ min: 40, max: 60, noNaN: true }), fc.constantFrom(0, 50, 1e6)), { minLength: 1, maxLength: 200 });

await t.test('nothing looks ahead, the unit of a metric changes nothing, findings alternate', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: -20, max: 20 }), (config, values, share, power) => {
      const whole = follow(config, values);
      const length = Math.floor(values.length * share);
      const end = length * STEP_MS;
      const prefix = { rows: whole.rows.filter(({ time }) => time < end), anomalies: whole.anomalies.filter(({ time }) => time < end) };
      if (JSON.stringify(follow(config, values.slice(0, length))) !== JSON.stringify(prefix)) throw new Error(`differs with ${length} of ${values.length} rows`);
      const seen = ({ rows, anomalies }: Result): string => JSON.stringify([rows.map(({ columns }) => columns['score']), anomalies.map(({ time, state, severity }) => [time, state, severity])]);
      if (seen(whole) !== seen(follow(config, values.map((value) => value * 2 ** power)))) throw new Error(`differs in units of ${2 ** power}`);
      let open = false;
      for (const { state } of whole.anomalies) {
        if (open === (state === 'opened')) throw new Error(`${state} while ${open ? 'open' : 'closed'}`);
        open = state !== 'closed';
      }
    }),
    { numRuns: 60 },
  );
});

await t.test('a series costs 119 bytes and 16 a window', async (t) => {
  t.equal(bytesOf(stateOf({ history: 300 })) - 8, 119 + 16 * 300, 'without the timer');
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => density.config.parse({ min_points: 30, history: 100 }), /quarter of `history`/);
  t.throws(() => density.config.parse({ warmup: 100, history: 50 }), /at most `history`/);
  t.throws(() => density.config.parse({ window: '1m' }), /window/);
});
