import fc from 'fast-check';
import t from 'tap';
import { shapes, STEP_MS } from '../../bench/quality/shapes.js';
import type { Anomaly } from '../../engine/finding.js';
import { seeded } from '../../engine/random.js';
import { bytesOf, State } from '../../engine/state.js';
import { stateOf } from '../../operators/discord/config.js';
import discord from '../../operators/discord/definition.js';
import { add, type Nearest, type Profile } from '../../operators/discord/profile.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message, type OutputRow } from '../kit/text.js';

interface Result {
  readonly rows: readonly OutputRow[];
  readonly anomalies: readonly Anomaly[];
}

function follow(config: Record<string, unknown>, values: ArrayLike<number>): Result {
  const messages = Array.from(values, (value, i): Message => ({ type: 'row', port: 0, row: { time: i * STEP_MS, series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } }));
  const { rows, findings } = runReference(discord, discord.config.parse(config), messages);
  return { rows, anomalies: findings as Anomaly[] };
}

/** The profile of a stream, value by value. */
function profileOf(values: readonly number[], length: number, history: number, floor: number): Nearest[] {
  const state = new State(stateOf({ history }));
  state.grow(64);
  return values.map((value) => {
    const nearest: Nearest = { correlation: NaN, lag: 0, mean: 0, norm: 0, flat: false };
    add(state.columns as unknown as Profile, 3, value, length, history, floor, nearest);
    return nearest;
  });
}

/** The same by its definition: each earlier shape, z-normalised, against the last. */
function naive(values: readonly number[], length: number, history: number, floor: number): { correlation: number; lag: number } {
  const end = values.length - 1;
  const shape = (at: number): number[] | undefined => {
    const part = values.slice(at - length + 1, at + 1);
    const mean = part.reduce((sum, value) => sum + value / length, 0);
    const norm = Math.sqrt(part.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    return norm > floor * Math.sqrt(length) ? part.map((value) => (value - mean) / norm) : undefined;
  };
  const last = shape(end);
  let best = { correlation: NaN, lag: 0 };
  for (let lag = length; lag <= history - length - 1 && end - lag >= length - 1; lag++) {
    const other = shape(end - lag);
    const correlation = last === undefined || other === undefined ? (last === other ? 1 : 0) : last.reduce((sum, value, i) => sum + value * other[i]!, 0);
    if (!(correlation <= best.correlation)) best = { correlation, lag: last === undefined || other === undefined ? 0 : lag };
  }
  return best;
}

const anyValue = fc.oneof({ weight: 6, arbitrary: fc.double({ min: -10, max: 10, noNaN: true }) }, { weight: 3, arbitrary: fc.constantFrom(0, 0, 0, 1, 5) });

await t.test('each correlation is that of the definition', async () => {
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 10, maxLength: 90 }), fc.integer({ min: 4, max: 8 }), fc.integer({ min: 4, max: 8 }), fc.constantFrom(0.01, 1), fc.constantFrom(0, 1e6), (values, length, times, floor, offset) => {
      const history = times * length;
      const moved = values.map((value) => value + offset);
      for (const [i, { correlation, lag }] of profileOf(moved, length, history, floor).entries()) {
        const wanted = naive(moved.slice(0, i + 1), length, history, floor);
        const close = Number.isNaN(wanted.correlation) ? Number.isNaN(correlation) : Math.abs(correlation - wanted.correlation) < 1e-6;
        if (i + 1 < length ? !Number.isNaN(correlation) : !close) throw new Error(`${i}: ${correlation} with ${lag} instead of ${wanted.correlation} with ${wanted.lag}`);
      }
    }),
    { numRuns: 150 },
  );
});

await t.test('rounding does not add up, nor does a burst leave a trace', async (t) => {
  const random = seeded(3);
  const values = Array.from({ length: 40_000 }, (_, i) => 1e5 + Math.sin(i / 3) + random() + (i % 5_000 === 0 ? 1e9 : 0));
  const profile = profileOf(values, 16, 200, 0);
  for (const i of [20_000, 39_500, 39_999]) {
    const wanted = naive(values.slice(i - 250, i + 1), 16, 200, 0);
    t.ok(Math.abs(profile[i]!.correlation - wanted.correlation) < 1e-6, `${i}: ${profile[i]!.correlation}, ${wanted.correlation}`);
    t.equal(profile[i]!.lag, wanted.lag);
  }
});

/** A beat of 50 samples, about 100 high, with noise. */
function beats(seed: number, length: number, odd: (i: number) => boolean = () => false): number[] {
  const random = seeded(seed);
  return Array.from({ length }, (_, i) => {
    const p = i % 50;
    const beat = 2 * Math.exp(-((p - 20) ** 2) / 4) - 0.6 * Math.exp(-((p - 26) ** 2) / 6) + 0.4 * Math.exp(-((p - 38) ** 2) / 30);
    return 1e4 + 100 * ((odd(i) ? -0.8 * beat : beat) + 0.1 * (random() - 0.5));
  });
}

await t.test('a beat that comes otherwise opens, and closes when it is over; the same again is not new', async (t) => {
  const { rows, anomalies } = follow({ history: 1_000 }, beats(1, 2_000, (i) => (i >= 1_500 && i < 1_550) || (i >= 1_800 && i < 1_850)));
  t.strictSame(anomalies.map(({ state }) => state), ['opened', 'closed']);
  t.equal(new Set(anomalies.map(({ direction }) => direction)).size, 1);
  const [opened, closed] = anomalies;
  t.ok(opened!.time > 1_500 * STEP_MS && opened!.time < 1_550 * STEP_MS && closed!.time < 1_700 * STEP_MS);
  t.match(opened!.explanation, /^m: the shape of the last 48 samples is like none of the last 1000: it correlates 0\.\d+ with the nearest, 0\.99\d* is usual$/);
  t.match(closed!.explanation, /^m has a shape again that it had before, after .*; that furthest from all others correlated 0\.\d+ with the nearest/);
  t.ok(rows[1_850]!.columns['correlation']! > 0.9, 'the same again is known');
  const inBand = rows.slice(1_000, 1_500).filter(({ value, columns }) => value >= columns['lower']! && value <= columns['upper']!).length;
  t.ok(inBand > 480, `${inBand} of 500 within the band`);
  t.strictSame(follow({ history: 1_000 }, beats(1, 2_000).map((value, i) => (i < 1_500 ? value : 1e4 + 3 * (value - 1e4)))).anomalies, [], 'another size is no other shape');
  t.strictSame(follow({ history: 1_000, min_correlation: 0 }, beats(1, 2_000, (i) => i >= 1_500 && i < 1_550)).anomalies.length, 0, 'unless it correlates less than that');
});

await t.test('said to be a false alarm, a shape has to be as much more unlike', async (t) => {
  const values = beats(1, 1_700, (i) => i >= 1_500 && i < 1_550);
  const { excess } = follow({ history: 1_000 }, values).anomalies.at(-1)!;
  const opened = (said: number): number => {
    const feedback = parseMessages([`port 1: ${1_200 * STEP_MS / 1_000}s finding feedback opened m info toldBy=discord excess=${said}`]);
    const rows = values.map((value, i): Message => ({ type: 'row', port: 0, row: { time: i * STEP_MS, series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } }));
    const messages: Message[] = [...rows.slice(0, 1_201), ...feedback, { type: 'watermark', time: 1_201 * STEP_MS }, ...rows.slice(1_201)];
    return runReference(discord, discord.config.parse({ history: 1_000 }), messages).findings.filter(({ state }) => state === 'opened').length;
  };
  t.ok(excess! > 1.2 && excess! < 2, `${excess}`);
  t.equal(opened(excess!), 0);
  t.equal(opened(1), 1, 'a tenth more is not enough');
});

await t.test('whatever the noise and the season: no findings, and a score above 1 - p on a share p of rows', async (t) => {
  for (const shape of shapes) {
    const { rows, anomalies } = follow({ history: 800 }, shape.values(5_000, 3));
    t.strictSame(anomalies, [], shape.name);
    const scores = rows.slice(1_200).map(({ columns }) => columns['score']!);
    for (const p of tails) {
      const { least, most } = bounds(p, scores.length);
      const share = shareAbove(scores, p);
      t.ok(share >= least && share <= most, `${shape.name}: ${share} above 1 - ${p}`);
    }
  }
});

await t.test('flat shapes are alike, and no noise in them is a shape', async (t) => {
  const random = seeded(5);
  const { rows, anomalies } = follow({ history: 600 }, Array.from({ length: 2_000 }, (_, i) => (i % 300 < 30 ? 10 * Math.sin((i % 300) / 10) : 0) + 0.01 * random()));
  t.strictSame(anomalies, []);
  t.equal(rows[1_400]!.columns['correlation'], 1);
  t.strictSame(follow({}, Array.from({ length: 1_500 }, () => 5)).anomalies, []);
});

await t.test('late rows, what is no number, columns that a row has, and no verdict before the warm-up', async (t) => {
  const { rows, late } = runReference(discord, discord.config.parse({}), parseMessages(['10s m 1 mean=5', '9s m 2 mean=6', '11s m NaN mean=7', '12s m stale mean=8', '13s m 2 mean=9']));
  t.strictSame(late.map(({ time }) => time), [9_000]);
  t.strictSame(rows.map(({ columns }) => [columns['mean'], columns['score']]), [[5, 0], [7, NaN], [8, NaN], [9, 0]]);
  const young = follow({ history: 1_000, warmup: 300 }, beats(2, 400)).rows.map(({ columns }) => columns['score']!);
  t.ok(young.slice(0, 300).every((score) => score === 0) && young[300]! > 0);
});

const anyConfig = fc.record({ length: fc.integer({ min: 4, max: 10 }), history: fc.integer({ min: 40, max: 80 }), warmup: fc.integer({ min: 30, max: 40 }), sensitivity: fc.integer({ min: 1, max: 5 }), for: fc.integer({ min: 1, max: 3 }) });
const anyValues = fc.array(fc.oneof(fc.double({ min: 40, max: 60, noNaN: true }), fc.constantFrom(0, 50, 1e6)), { minLength: 1, maxLength: 150 });

await t.test('nothing looks ahead, the unit of a metric changes nothing, findings alternate', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: -20, max: 20 }), (config, values, share, power) => {
      const whole = follow(config, values);
      const length = Math.floor(values.length * share);
      const prefix = { rows: whole.rows.slice(0, length), anomalies: whole.anomalies.filter(({ time }) => time < length * STEP_MS) };
      if (JSON.stringify(follow(config, values.slice(0, length))) !== JSON.stringify(prefix)) throw new Error(`differs with ${length} of ${values.length} rows`);
      const seen = ({ rows, anomalies }: Result): string => JSON.stringify([rows.map(({ columns }) => columns['score']), anomalies.map(({ time, state, severity }) => [time, state, severity])]);
      if (seen(whole) !== seen(follow(config, values.map((value) => value * 2 ** power)))) throw new Error(`differs in units of ${2 ** power}`);
      let open = false;
      for (const { state } of whole.anomalies) {
        if (open === (state === 'opened')) throw new Error(`${state} while ${open ? 'open' : 'closed'}`);
        open = state !== 'closed';
      }
      for (const { columns } of whole.rows) if (!(columns['score']! >= 0 && columns['score']! <= 1 && columns['lower']! <= columns['expected']! && columns['expected']! <= columns['upper']!)) throw new Error(JSON.stringify(columns));
    }),
    { numRuns: 60 },
  );
});

await t.test('a series costs 115 bytes and 40 a sample of the history', async (t) => {
  t.equal(bytesOf(stateOf({ history: 2_000 })) - 8, 115 + 40 * 2_000, 'without the timer');
  t.equal(bytesOf(stateOf({ history: 400 })) - 8, 115 + 40 * 400);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => discord.config.parse({ length: 48, history: 100 }), /four times `length`/);
  t.throws(() => discord.config.parse({ warmup: 50 }), /three times `length`/);
  t.throws(() => discord.config.parse({ window: 50 }), /window/);
});
