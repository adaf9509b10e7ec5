import fc from 'fast-check';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import { bulkOf, rank, RANKS, topOf } from '../../operators/anomaly/score.js';
import { anywhere, SCALE } from '../../operators/detect/scale.js';
import { Judge, type Judged, type Method, type Rules } from '../../operators/detect/ensemble.js';
import { LocalTime } from '../../operators/detect/local-time.js';
import { distanceTo, isKnown, know, SPANS, type Known } from '../../operators/detect/novelty.js';
import { clip, follow, KINDS, LONG } from '../../operators/detect/robust-scale.js';
import { ALL_PHASES, believed, DAILY, HOURLY, NONE, predict, RINGS, WEEKLY, type Prediction, type Ring, type Seasons } from '../../operators/detect/season.js';
import type { Rows } from '../../operators/detect/rows.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const noSeasons = (): Seasons => ({ phase: new Float64Array(ALL_PHASES), visits: new Uint32Array(ALL_PHASES), error: new Float64Array(RINGS), predicted: new Uint32Array(RINGS), total: new Float64Array(RINGS), phases: new Uint8Array(RINGS) });
const nothingKnown = (): Known => ({ low: new Float64Array(2 * SPANS), high: new Float64Array(2 * SPANS), spans: new Uint8Array(2) });
const nothingJudged = (): Judged => ({
  ...noSeasons(),
  ...nothingKnown(),
  learned: new Uint32Array(1),
  judgedAt: new Float64Array(1),
  previous: new Float64Array(1),
  lifted: new Float64Array(1),
  short: new Float64Array(1),
  residual: new Float64Array(1),
  mean: new Float64Array(KINDS),
  spread: new Float64Array(KINDS),
  peaks: new Float64Array(2),
  ranks: new Float64Array(RANKS),
});
const all: Rules = { seasons: ['hour', 'day', 'week'], zone: 'UTC', deviation: true, change: true, residual: true, novelty: true, memory: 300, warmup: 30, sensitivity: 3.5, up: true, down: true, leastAbsolute: 0, leastRelative: 0.01 };

interface Opinion {
  readonly score: number;
  readonly agree: number;
  readonly unusualBy: readonly Method[];
}

/** In batches of one to 100 rows, of which each may be another. */
function judgeAll(values: readonly number[], every: number, rules: Partial<Rules> = {}): Opinion[] {
  const judged = nothingJudged();
  const judge = new Judge({ ...all, ...rules });
  const opinions: Opinion[] = [];
  for (let from = 0; from < values.length; from += 1 + (from % 100)) {
    const rows = rowsOf(values.slice(from, from + 1 + (from % 100)).map((value, i) => [(from + i) * every, value]));
    const score = new Float64Array(rows.length);
    const agree = new Float64Array(rows.length);
    judge.judge(judged, rows, score, agree);
    for (let i = 0; i < rows.length; i++) opinions.push({ score: score[i]!, agree: agree[i]!, unusualBy: judge.unusualBy(i) });
  }
  return opinions;
}

function rowsOf(rows: readonly (readonly [time: number, value: number])[]): Rows {
  return { length: rows.length, time: Float64Array.from(rows, ([time]) => time), slot: new Uint32Array(rows.length), value: Float64Array.from(rows, ([, value]) => value) };
}

/** What a ring says of a row, before it learns it. */
function said(seasons: Seasons, ring: Ring, time: number, value: number): { expected: number; error: number; middle: number } {
  const told: Prediction = { expected: new Float64Array(1), error: new Float64Array(1), middle: new Float64Array(1) };
  predict(seasons, ring, rowsOf([[time, value]]), Float64Array.of(time), Float64Array.of(5 * MINUTE), 300, told);
  return { expected: told.expected[0]!, error: told.error[0]!, middle: told.middle[0]! };
}

/** Sums of twelve: normal enough, with variance 1. */
function noise(seed: number): () => number {
  const random = seeded(seed);
  return () => Array.from({ length: 12 }, random).reduce((sum, u) => sum + u, -6);
}

await t.test('what is known: at most so many spans, all that was learned inside, in order', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 60 }), fc.double({ min: 0, max: 5, noNaN: true }), (values, grain) => {
      const known = nothingKnown();
      values.forEach((value, i) => {
        // The first set's neighbour is not touched.
        const spans = JSON.stringify(known);
        const inside = isKnown(known, 1, value);
        know(known, 1, value, grain);
        if (inside && JSON.stringify(known) !== spans) throw new Error(`${value} was known, and changed ${spans}`);
        for (const before of values.slice(0, i + 1)) if (distanceTo(known, 1, before) !== 0) throw new Error(`${before} is forgotten after ${value}`);
        for (let k = SPANS; k < SPANS + known.spans[1]!; k++) {
          if (!(known.low[k]! <= known.high[k]!) || (k > SPANS && !(known.high[k - 1]! < known.low[k]!))) throw new Error(`spans ${known.low.join()} to ${known.high.join()}`);
        }
      });
      if (known.spans[1]! > SPANS || known.spans[0] !== 0) throw new Error(`${known.spans.join()} spans`);
    }),
  );
});

await t.test('a gap between values is new, once', (t) => {
  const known = nothingKnown();
  for (const value of [1, 2, 3, 101, 102, 103]) know(known, 0, value, 1);
  t.equal(known.spans[0], 2);
  t.equal(distanceTo(known, 0, 50), 47);
  t.equal(distanceTo(known, 0, 2.5), 0);
  know(known, 0, 50, 1);
  t.equal(distanceTo(known, 0, 50), 0);
  t.equal(distanceTo(known, 0, 110), 7);
  t.end();
});

await t.test('a series that was on at day and off at night is expected to be; which days do not matter to it', (t) => {
  const seasons = noSeasons();
  const random = noise(1);
  for (let i = 0; i < 12 * 24 * 12; i++) {
    const time = i * 5 * MINUTE;
    // A day in the middle was not recorded.
    if (Math.floor(time / (24 * HOUR)) === 6) continue;
    const value = (time % (24 * HOUR) < 12 * HOUR ? 10 : 50) + random();
    for (const ring of [DAILY, WEEKLY] as const) said(seasons, ring, time, value);
  }
  const now = 40 * 24 * HOUR;
  for (const ring of [DAILY, WEEKLY] as const) {
    const { expected, error, middle } = said(structuredClone(seasons), ring, now + 4.5 * HOUR, 10);
    t.ok(Math.abs(expected - 10) < 2, `ring ${ring} at night`);
    t.ok(Math.abs(said(structuredClone(seasons), ring, now + 16.5 * HOUR, 50).expected - 50) < 2, `ring ${ring} at day`);
    t.ok(Math.abs(said(structuredClone(seasons), ring, -31.5 * HOUR, 50).expected - 50) < 2, `ring ${ring} before the epoch`);
    // One day of the week was never seen.
    if (ring === WEEKLY) t.ok(Number.isNaN(middle));
    else t.ok(Math.abs(middle - 30) < 2, `${middle} is the mean of the day`);
    t.ok(error < 20, `ring ${ring}: error ${error}`);
  }
  t.strictSame(said(noSeasons(), WEEKLY, now, 1), { expected: NaN, error: Infinity, middle: NaN });
  t.end();
});

await t.test('what comes by the hour belongs to its five minutes, to the minute', (t) => {
  const seasons = noSeasons();
  for (let minute = 0; minute < 48 * 60; minute++) said(seasons, HOURLY, minute * MINUTE, minute % 60 < 5 ? 80 : 50);
  const expected = (minute: number): number => said(structuredClone(seasons), HOURLY, (48 * 60 + minute) * MINUTE, 50).expected;
  t.strictSame([0, 4, 5, 59, 60, -1, -60].map(expected), [80, 80, 50, 50, 80, 50, 80]);
  t.equal(said(seasons, HOURLY, 48 * HOUR, 80).middle, 52.5);
  t.equal(believed(1, 1.4, 1.3, Infinity, 1.6), DAILY, 'the hour has to be better by a third, the week by a sixth');
  t.equal(believed(1, 1.6, 1.2, Infinity, 2), WEEKLY);
  t.equal(believed(1, 1.6, 1.3, Infinity, 2), HOURLY);
  t.equal(believed(1, 1.4, 1.3, 1, 1.3), NONE);
  t.end();
});

await t.test('a job that is missed is as unusual as one at another time', (t) => {
  const z = noise(6);
  // At 1000 the job comes in the middle of an hour, at 1200 it does not come.
  const values = Array.from({ length: 1_300 }, (_, i) => 50 + z() + ((i % 12 === 0 && i !== 1_200) || i === 1_002 ? 30 : 0));
  const opinions = judgeAll(values, 5 * MINUTE);
  t.ok(opinions.slice(600, 1_000).every(({ score }) => score < 0.9995), 'as a rule it is usual');
  for (const row of [1_002, 1_200]) t.ok(opinions[row]!.score > 0.9995 && opinions[row]!.unusualBy.includes('change'), `${row}: ${opinions[row]!.score} by ${opinions[row]!.unusualBy.join()}`);
  t.end();
});

await t.test('clocks of a time zone, with daylight saving', (t) => {
  const at = (text: string): number => Date.parse(text);
  // As the clocks show it, written as if it were UTC.
  const shown: readonly (readonly [zone: string, utc: string, local: string])[] = [
    ['UTC', '2026-03-29T00:59:59.999Z', '2026-03-29T00:59:59.999Z'],
    ['Europe/Berlin', '2026-03-29T00:59:59.999Z', '2026-03-29T01:59:59.999Z'],
    ['Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25T00:59:59.000Z', '2026-10-25T02:59:59.000Z'],
    ['Europe/Berlin', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z'],
    ['Asia/Kolkata', '2026-01-01T00:00:00.000Z', '2026-01-01T05:30:00.000Z'],
    ['America/New_York', '2026-01-01T00:00:00.000Z', '2025-12-31T19:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00.000Z', '2026-04-05T01:30:00.000Z'],
  ];
  for (const [zone, utc, local] of shown) {
    const found = new LocalTime(zone).of(Float64Array.of(at('2026-02-01T12:00:00Z'), at(utc)), 2)[1]!;
    t.equal(new Date(found).toISOString(), local, `${zone} ${utc}`);
  }
  t.equal(new LocalTime('Europe/Berlin').of(Float64Array.of(1e100), 1)[0], 1e100, 'what no date can hold');
  t.end();
});

await t.test('a day that begins an hour earlier in UTC, as clocks are set, is expected by the clock', (t) => {
  const z = noise(7);
  const zone = new LocalTime('Europe/Berlin');
  const first = Date.UTC(2026, 2, 2);
  const judged = (name: string): { wrong: number; expected: number } => {
    const judge = new Judge({ ...all, zone: name });
    const state = nothingJudged();
    let wrong = 0;
    let expected = NaN;
    for (let i = 0; i < 33 * 24 * 12; i++) {
      const time = first + i * 5 * MINUTE;
      const hour = (zone.of(Float64Array.of(time), 1)[0]! / HOUR) % 24;
      judge.judge(state, rowsOf([[time, 100 + (hour >= 6 && hour < 18 ? 200 : 0) + 5 * z()]]), new Float64Array(1), new Float64Array(1));
      // The Monday after: the first day of work by the new clock.
      if (time >= Date.UTC(2026, 2, 30, 4) && time < Date.UTC(2026, 2, 30, 5)) {
        wrong = Math.max(wrong, judge.deviation[0]!);
        expected = judge.expectation.value[0]!;
      }
    }
    return { wrong, expected };
  };
  const byClock = judged('Europe/Berlin');
  const byUtc = judged('UTC');
  t.ok(byClock.expected > byUtc.expected + 30, `${byClock.expected} is expected, ${byUtc.expected} by UTC`);
  t.ok(byClock.wrong < byUtc.wrong && byUtc.wrong < 10, `${byClock.wrong} deviations, ${byUtc.wrong} by UTC`);
  t.end();
});

await t.test('a robust mean and variance: exact where nothing is cut off, hardly moved by one burst', (t) => {
  const of = { mean: new Float64Array(KINDS), spread: new Float64Array(KINDS) };
  const told = { mean: new Float64Array(1), variance: new Float64Array(1), after: new Float64Array(1) };
  const learn = (value: number, seen: number, memory: number): void => follow(of, LONG, rowsOf([[0, value]]), Float64Array.of(value), Float64Array.of(seen), 0, memory, told);
  const random = noise(2);
  for (let i = 0; i < 3_000; i++) learn(50 + 4 * random(), i, 1_000);
  t.ok(Math.abs(of.mean[LONG]! - 50) < 0.6, `mean ${of.mean[LONG]}`);
  t.ok(Math.abs(Math.sqrt(of.spread[LONG]!) - 4) < 0.4, `deviation ${Math.sqrt(of.spread[LONG]!)}`);
  const before = of.spread[LONG]!;
  learn(1e9, 3_000, 1_000);
  t.equal(told.variance[0], before);
  t.equal(told.after[0], of.spread[LONG]);
  t.ok(Math.sqrt(of.spread[LONG]!) < 1.02 * Math.sqrt(before));
  t.ok([...of.mean, ...of.spread].filter((value) => value !== 0).length === 2, 'its neighbours are not touched');
  t.equal(clip(1e9, 4, 100), 6);
  t.equal(clip(1e9, 4, 5), 1e9, 'while nothing is known nothing is cut off');
  t.end();
});

await t.test('the score grows with the deviations, to 0.999 by the series, then by one scale', (t) => {
  const of = { ranks: new Float64Array(RANKS) };
  const random = noise(3);
  const beyond = [0, 0, 0];
  for (let i = 0; i < 50_000; i++) {
    const deviations = Math.abs(random());
    const score = bulkOf(of, 0, deviations, SCALE);
    if (score > 0.9) beyond[0]! += 1;
    if (score > 0.99) beyond[1]! += 1;
    if (score > 0.999) beyond[2]! += 1;
    rank(of, 0, deviations, SCALE);
  }
  t.ok(beyond[0]! > 4_500 && beyond[0]! < 5_500, `${beyond[0]} above 0.9`);
  t.ok(beyond[1]! > 350 && beyond[1]! < 650, `${beyond[1]} above 0.99`);
  t.ok(beyond[2]! > 25 && beyond[2]! < 80, `${beyond[2]} above 0.999`);
  let last = -1;
  for (let deviations = 0; deviations < 20; deviations += 0.01) {
    const score = bulkOf(of, 0, deviations, SCALE);
    if (score < last || score > 0.9992) t.fail(`${score} of ${deviations} after ${last}`);
    last = score;
  }
  t.equal(topOf(3.9, SCALE), 0);
  t.equal(topOf(4, SCALE), 0.999);
  t.equal(topOf(8, SCALE), 0.99975);
  t.equal(topOf(Infinity, SCALE), 1);
  t.equal(anywhere(0), 0);
  t.end();
});

await t.test('what is less than the last peak is no surprise, until that has faded', (t) => {
  const z = noise(4);
  const values = Array.from({ length: 3_000 }, (_, i) => [80, 65, 110, 65][[2_000, 2_050, 2_100, 2_900].indexOf(i)] ?? 50 + z());
  const opinions = judgeAll(values, 5 * MINUTE);
  t.ok(opinions[2_000]!.score > 0.9999, 'the first time');
  t.equal(opinions[2_000]!.agree, 3);
  t.ok(opinions[2_050]!.score <= 0.9992, 'half as far out, four hours later');
  t.equal(opinions[2_050]!.agree, 3, 'though it is as unusual');
  t.ok(opinions[2_100]!.score > 0.9999, 'twice as far out');
  t.ok(opinions[2_900]!.score > 0.9992 && opinions[2_900]!.score < 0.9999, 'days later it deviates, but is not new');
  t.strictSame(opinions[2_900]!.unusualBy, ['deviation', 'change']);
  t.equal(opinions[1_000]!.agree, 0);
  t.end();
});

await t.test('each method alone', (t) => {
  const z = noise(5);
  // A slow way to somewhere new has no step in it; a jump between two usual levels nothing new.
  const drift = Array.from({ length: 2_000 }, (_, i) => 50 + z() + Math.max(0, i - 1_900));
  const most = (values: readonly number[], rules: Partial<Rules>): number => Math.max(...judgeAll(values, 5 * MINUTE, rules).slice(1_900).map(({ score }) => score));
  t.ok(most(drift, { deviation: false, residual: false, novelty: false }) <= 0.9992, 'change');
  t.ok(most(drift, { change: false, residual: false, novelty: false }) > 0.9992, 'deviation');
  t.ok(most(drift, { change: false, residual: false, deviation: false }) > 0.9999, 'novelty');
  const off = Array.from({ length: 2_000 }, (_, i) => 50 + z() + (i >= 1_950 ? 2.5 : 0));
  t.ok(most(off, { deviation: false, change: false, novelty: false }) > 0.999, 'residual');
  t.ok(judgeAll(off, 5 * MINUTE).slice(1_950).some(({ unusualBy }) => unusualBy.join() === 'residual'), 'where no value is far out');
  const jump = Array.from({ length: 2_000 }, (_, i) => z() + (i < 1_000 || i === 1_950 ? 0 : 100));
  t.ok(most(jump, { deviation: false, residual: false, novelty: false }) > 0.9992, 'change');
  t.equal(most(jump, { change: false, residual: false, deviation: false }), 0, 'novelty');
  t.end();
});
