import fc from 'fast-check';
import t from 'tap';
import { shapes, STEP_MS } from '../../bench/quality/shapes.js';
import type { Anomaly } from '../../engine/finding.js';
import { seeded, type Random } from '../../engine/random.js';
import { bytesOf } from '../../engine/state.js';
import { stateOf } from '../../operators/shifts/config.js';
import shifts from '../../operators/shifts/definition.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message, type OutputRow } from '../kit/text.js';

interface Result {
  readonly rows: readonly OutputRow[];
  readonly anomalies: readonly Anomaly[];
}

const MINUTE = 60_000;

function follow(config: Record<string, unknown>, values: ArrayLike<number>, step = MINUTE): Result {
  const messages = Array.from(values, (value, i): Message => ({ type: 'row', port: 0, row: { time: i * step, series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } }));
  const { rows, findings } = runReference(shifts, shifts.config.parse(config), messages);
  return { rows, anomalies: findings as Anomaly[] };
}

const alone = { period: 'none' };
const told = ({ anomalies }: Result): string[] => anomalies.map(({ state, severity, direction, explanation }) => `${state} ${severity} ${direction} ${/level|trend|spread|stayed|back/.exec(explanation)![0]}`);

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const exponential = (random: Random): number => -Math.log(1 - random());
const correlated = (share: number) => (random: Random) => {
  let before = 0;
  return () => (before = share * before + Math.sqrt(1 - share * share) * normal(random));
};
/** Of about 1, about 0. */
const noises: Readonly<Record<string, (random: Random) => () => number>> = {
  normal: (random) => () => normal(random),
  uniform: (random) => () => Math.sqrt(12) * (random() - 0.5),
  exponential: (random) => () => exponential(random) - 1,
  'heavy-tailed': (random) => () => normal(random) / Math.sqrt((exponential(random) + exponential(random)) / 2),
  'correlated 0.5': correlated(0.5),
};

/** 100, within 2 of it mostly, with what is added at a sample, and times what the noise is. */
function noisy(seed: number, length: number, added: (i: number) => number = () => 0, times: (i: number) => number = () => 1, noise = noises['normal']!): number[] {
  const draw = noise(seeded(seed));
  return Array.from({ length }, (_, i) => 100 + 2 * draw() * times(i) + added(i));
}

await t.test('a level that rises opens, and stays: the new normal', async (t) => {
  const result = follow(alone, noisy(1, 800, (i) => (i >= 600 ? 20 : 0)));
  t.strictSame(told(result), ['opened high up level', 'closed high up stayed']);
  const [opened, closed] = result.anomalies;
  t.match(opened!.explanation, /^m: level from 1?\d\d\.?\d? to 1(19|20|21)\.?\d? about \d\d samples \(\d\dm\) ago, (9|10|11)\.\d times its spread \((1\.9\d|2\.?\d?)\)$/);
  t.ok(Math.abs(opened!.value - 120) < 1.5 && Math.abs(opened!.expected - 100) < 0.5 && opened!.lower < 96 && opened!.upper > 104);
  t.equal(closed!.time - opened!.time, 60 * MINUTE);
  t.ok(Math.abs(result.rows[640]!.columns['expected']! - 120) < 1.5, 'what is expected is the new level');
});

await t.test('one that comes back closes with that', async (t) => {
  const result = follow(alone, noisy(2, 800, (i) => (i >= 600 && i < 650 ? -20 : 0)));
  t.strictSame(told(result), ['opened high down level', 'closed high up back']);
  t.match(result.anomalies[1]!.explanation, /^m is back after \d\dm: level from (79|80|81)\.?\d? to (99|100|101)\.?\d?, where it was (99|100|101)\.?\d? before$/);
  t.equal(new Set(result.anomalies.map(({ id }) => id)).size, 1);
});

await t.test('a further shift makes it grow', async (t) => {
  t.strictSame(told(follow(alone, noisy(3, 800, (i) => (i >= 630 ? 40 : i >= 600 ? 10 : 0)))), ['opened medium up level', 'grew critical up level', 'closed critical up stayed']);
});

await t.test('spread and trend are told as that', async (t) => {
  for (const seed of [1, 2, 3]) {
    const wide = follow(alone, noisy(seed, 800, undefined, (i) => (i >= 600 ? 4 : 1)));
    t.strictSame(told(wide).map((line) => line.replace(/low|medium|high|critical/, '-')), ['opened - up spread', 'closed - up stayed']);
    t.match(wide.anomalies[0]!.explanation, /^m: spread from (1\.9\d?|2|2\.\d) to \d+\.?\d* about \d\d samples \(\d\dm\) ago$/);
    const narrow = follow(alone, noisy(seed, 800, undefined, (i) => (i >= 600 ? 0.2 : 1)));
    t.match(told(narrow)[0], /opened \w+ down spread/);
    const climbs = follow(alone, noisy(seed, 640, (i) => Math.max(0, i - 600) * 1.5));
    t.match(told(climbs)[0], /opened \w+ up trend/);
    t.match(climbs.anomalies[0]!.explanation, /^m: trend from -?\d+ to ([4-9]|10)\d an hour/);
    t.match(told(follow(alone, noisy(seed, 640, (i) => 1.5 * Math.min(i, 600))))[0], /opened \w+ down trend/, 'also where one ends');
    t.strictSame(told(follow(alone, noisy(seed, 2_000, (i) => 0.3 * i))), [], 'one that was always there is none');
  }
});

await t.test('whatever the noise: no shift where there is none, and one of three deviations within 30 samples', async (t) => {
  for (const [name, noise] of Object.entries(noises)) {
    const { rows, anomalies } = follow(alone, noisy(4, 25_000, undefined, undefined, noise));
    t.ok(anomalies.filter(({ state }) => state === 'opened').length <= 1, `${name}: ${told({ rows, anomalies }).join(', ')}`);
    const scores = rows.slice(500).map(({ columns }) => columns['score']!);
    for (const p of tails) {
      const { least, most } = bounds(p, scores.length);
      const share = shareAbove(scores, p);
      t.ok(share >= least && share <= most, `${name}: ${share} above 1 - ${p}`);
    }
    for (let seed = 0; seed < 12; seed++) {
      const found = follow(alone, noisy(seed, 400, (i) => (i >= 370 ? 6 : 0), undefined, noise)).anomalies;
      t.ok(found.length > 0 && found[0]!.time >= 360 * MINUTE, `${name}: the shift is found with seed ${seed}`);
    }
  }
});

await t.test('what the day does is no shift, and a shift is found all the same', async (t) => {
  const DAYS = 28;
  const rows = 96 * DAYS;
  for (const shape of shapes) {
    const values = shape.values(rows, 5).map((value, i) => value + (i >= rows - 96 ? 8 : 0));
    const { anomalies } = follow({}, values, STEP_MS);
    t.ok(anomalies.length > 0 && anomalies[0]!.time >= (rows - 96) * STEP_MS && anomalies[0]!.time < (rows - 66) * STEP_MS, `${shape.name}: ${anomalies.map(({ time, explanation }) => `${time / 86_400_000} ${explanation}`).join('; ')}`);
  }
});

await t.test('noise that is larger at some hours is no shift either; what recurs by the week is told some times and then seldom', async (t) => {
  const byDay = noisy(8, 96 * 28, () => 0, (i) => (i % 96 > 36 && i % 96 < 68 ? 5 : 1));
  t.strictSame(told(follow({}, byDay, STEP_MS)), []);
  const weekends = follow({}, noisy(9, 96 * 7 * 12, (i) => (i % (96 * 7) >= 96 * 5 ? -16 : 0)), STEP_MS).anomalies.filter(({ state }) => state === 'opened');
  const firstWeeks = weekends.filter(({ time }) => time < 3 * 7 * 86_400_000).length;
  t.ok(firstWeeks >= 3 && weekends.length <= 10, `${weekends.length} of 24 shifts in 12 weeks, ${firstWeeks} in the first three`);
});

await t.test('before two periods nothing is told', async (t) => {
  const { rows, anomalies } = follow({ period: '1h' }, noisy(6, 200, (i) => (i >= 60 ? 20 : 0)));
  t.strictSame(anomalies, []);
  t.strictSame([rows[119]!.columns['score'], rows.slice(121).some(({ columns }) => columns['score']! > 0)], [0, true]);
});

await t.test('a burst is no shift, small changes are not told, a constant series has a level', async (t) => {
  t.strictSame(told(follow(alone, noisy(7, 2_000, (i) => (i % 400 < 6 && i > 300 ? 60 : 0)))), []);
  const constant = (to: number): number[] => Array.from({ length: 300 }, (_, i) => (i < 200 ? 1_000 : to));
  t.strictSame(told(follow(alone, constant(1_009))), [], 'less than a hundredth of the level');
  t.strictSame(told(follow(alone, constant(1_100))), ['opened critical up level', 'closed critical up stayed']);
  t.strictSame(told(follow({ ...alone, min_deviation: 200 }, constant(1_100))), []);
  t.match(told(follow(alone, constant(1_100).map((value) => (value === 1_000 ? 0 : value))))[0], /opened critical up level/);
});

await t.test('late rows, what is no number, columns that a row has', async (t) => {
  const { rows, late, findings } = runReference(shifts, shifts.config.parse({}), parseMessages(['10s m 1 mean=5', '9s m 2 mean=6', '10s m NaN mean=7', '11s m stale mean=8', '12s m 1e300 mean=9', '12s m 3 mean=9']));
  t.strictSame(late.map(({ time }) => time), [9_000]);
  t.strictSame(rows.map(({ columns }) => [columns['mean'], columns['score']]), [[5, 0], [7, NaN], [8, NaN], [9, NaN], [9, 0]]);
  t.strictSame(findings, []);
});

const anyValues = fc.tuple(fc.nat(), fc.integer({ min: 30, max: 250 }), fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 20, -50, 1e6)).map(([seed, length, at, shift]) => noisy(seed, length, (i) => (i >= length - at ? shift : 0), (i) => (seed % 3 === 0 && i >= length - at ? 5 : 1)));
const anyConfig = fc.record({ period: fc.constantFrom('none', '10m', '1h'), limit: fc.integer({ min: 5, max: 20 }), for: fc.integer({ min: 8, max: 25 }), settle: fc.integer({ min: 1, max: 30 }), warmup: fc.integer({ min: 20, max: 60 }) });

await t.test('nothing looks ahead, and the unit of a metric changes nothing', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: -20, max: 20 }), (config, values, share, power) => {
      const whole = follow(config, values);
      const length = Math.floor(values.length * share);
      const prefix = { rows: whole.rows.slice(0, length), anomalies: whole.anomalies.filter(({ time }) => time < length * MINUTE) };
      if (JSON.stringify(follow(config, values.slice(0, length))) !== JSON.stringify(prefix)) throw new Error(`differs with ${length} of ${values.length} rows`);
      const seen = ({ rows, anomalies }: Result): string => JSON.stringify([rows.map(({ columns }) => columns['score']), anomalies.map(({ time, state, severity }) => [time, state, severity])]);
      if (seen(whole) !== seen(follow(config, values.map((value) => value * 2 ** power)))) throw new Error(`differs in units of ${2 ** power}`);
    }),
    { numRuns: 60 },
  );
});

await t.test('findings alternate, scores lie in 0 to 1, bands hold what is expected', async () => {
  fc.assert(
    fc.property(anyConfig, fc.array(fc.oneof(fc.double({ min: 40, max: 60, noNaN: true }), fc.constantFrom(0, 50, NaN, 1e150, -1e150, 5e-324)), { minLength: 1, maxLength: 200 }), (config, values) => {
      const { rows, anomalies } = follow(config, values);
      for (const { value, columns } of rows) {
        const { score, expected, lower, upper } = columns as Record<'score' | 'expected' | 'lower' | 'upper', number>;
        if (Number.isFinite(value) && !(score >= 0 && score <= 1 && lower <= expected && expected <= upper)) throw new Error(JSON.stringify(columns));
      }
      let open = false;
      for (const { state, revision } of anomalies) {
        if (open === (state === 'opened')) throw new Error(`${state} while ${open ? 'open' : 'closed'}`);
        if (!open && revision !== 1) throw new Error(`opened with revision ${revision}`);
        open = state !== 'closed';
      }
    }),
  );
});

await t.test('a series costs 364 bytes, 16 a sample of `for` and 24 a phase', async (t) => {
  t.equal(bytesOf(stateOf(shifts.config.parse(alone))) - 8, 364 + 20 * 16, 'without the timer');
  t.equal(bytesOf(stateOf(shifts.config.parse({}))) - 8, 364 + 20 * 16 + 24 * 24);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => shifts.config.parse({ for: 100, memory: 150 }), /half of `memory`/);
  t.throws(() => shifts.config.parse({ period: 'daily' }), /period/);
  t.throws(() => shifts.config.parse({ sensitivity: 3 }), /sensitivity/);
});
