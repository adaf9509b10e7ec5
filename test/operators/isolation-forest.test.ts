import fc from 'fast-check';
import { linearRegression } from 'simple-statistics';
import t from 'tap';
import { LEARNING, shapes, STEP_MS } from '../../bench/quality/shapes.js';
import { STALE } from '../../engine/batch.js';
import type { Anomaly } from '../../engine/finding.js';
import type { AnyOperator } from '../../engine/operator.js';
import { seeded } from '../../engine/random.js';
import { makeSeries } from '../../engine/series.js';
import { bytesOf } from '../../engine/state.js';
import definition from '../../operators/isolation-forest/definition.js';
import { numbersOfBytes, unframe } from '../../operators/isolation-forest/framed.js';
import { contributions, forestScore, lessonOf, readModel, train, type Lesson } from '../../operators/isolation-forest/model.js';
import { findRelations, related, surplus } from '../../operators/isolation-forest/relations.js';
import { embedAll, featuresOf, spanOf } from '../../operators/isolation-forest/shingle.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { runReference } from '../kit/reference.js';
import type { Message, OutputRow } from '../kit/text.js';

const STEP = 60_000;
const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const row = (time: number, name: string, value: number, flags = 0): Message => ({ type: 'row', port: 0, row: { time, series: makeSeries(name, { job: 'api' }), value, flags, columns: {} } });
const watermark = (time: number): Message => ({ type: 'watermark', time });

interface Result {
  readonly rows: readonly OutputRow[];
  readonly anomalies: readonly Anomaly[];
  readonly late: number;
  /** What each forest was trained on. */
  readonly lessons: readonly { readonly lesson: Lesson; readonly numbers: Float64Array }[];
}

function follow(config: Readonly<Record<string, unknown>>, messages: readonly Message[]): Result {
  const lessons: { lesson: Lesson; numbers: Float64Array }[] = [];
  const watched: AnyOperator = {
    ...definition,
    tasks: {
      train(input: Uint8Array) {
        const { head, body } = unframe<Lesson>(input);
        lessons.push({ lesson: head, numbers: numbersOfBytes(body) });
        return train(input);
      },
    },
  };
  const { rows, findings, late } = runReference(watched, definition.config.parse(config), messages);
  return { rows, anomalies: findings as Anomaly[], late: late.length, lessons };
}

/** Members `a`, `b` and `c` go with one load, in steps; `change` has the last word. */
function together(steps: number, change: (step: number, name: string, value: number) => number | undefined = (_step, _name, value) => value): Message[] {
  const random = seeded(9);
  return Array.from({ length: steps }, (_, i) => {
    const load = 50 + 30 * Math.sin(i / 3) + 3 * normal(random);
    const values = { a: load + normal(random), b: 2 * load + normal(random), c: 100 - load + normal(random) };
    const rows = Object.entries(values).flatMap(([name, value]) => {
      const changed = change(i, name, value);
      return changed === undefined ? [] : [row(i * STEP + 1, name, changed)];
    });
    return [...rows, watermark((i + 1) * STEP)];
  }).flat();
}

const GROUP = { by: ['job'], trees: 64, sample: 64, warmup: 64, history: 128, retrain: 100_000, hold: '3m' };
const scoresOf = ({ rows }: Result): number[] => rows.map(({ columns }) => columns['score']!);

await t.test('members that part are found, and named, though each is as usual by itself; forests come when they are due', async (t) => {
  const broken = follow(GROUP, together(160, (i, name, value) => (name === 'b' && i >= 120 && i < 124 ? 200 - value : value)));
  t.strictSame(broken.lessons.map(({ lesson, numbers }) => [lesson.members.join(' '), numbers.length / 3]), [64, 128].map((vectors) => ['a{job="api"} b{job="api"} c{job="api"}', vectors]), 'when there are enough, and twice as many');
  const scores = scoresOf(broken);
  // Asked for at the end of the 64th, a forest takes effect ten seconds after: with the next watermark.
  t.ok(scores.slice(0, 65).every((score) => score === 0) && scores[65]! > 0, 'warm-up');
  const [opened, closed, ...others] = broken.anomalies;
  t.match(opened, { state: 'opened', time: 121 * STEP, direction: 'up', metric: 'isolation_forest', labels: { job: 'api' } });
  t.match(opened!.explanation, /forest score 0\.\d\d, usually 0\.4\d and up to 0\.[5-7]\d; b\{job="api"\} \S+ makes [5-9]\d % of it \(\S+ to \S+ is usual\)/);
  t.match(closed, { state: 'closed', time: 129 * STEP });
  t.equal(closed!.value, Math.max(...broken.rows.slice(120, 124).map(({ value }) => value)), 'of the vector furthest out');
  t.ok(closed!.score > 0.999 && closed!.explanation.includes(`at its furthest ${closed!.value.toFixed(2)}`), closed!.explanation);
  t.equal(others.length, 0);
  t.ok(opened!.value > opened!.upper && opened!.score > 0.999 && opened!.confidence === 0.5);
});

await t.test('a member without a value: its last one stands in, then the group is not judged; one that has ended, or is new, needs another forest', async (t) => {
  const silent = (from: number, to: number) => (i: number, name: string, value: number) => (name === 'c' && i >= from && i < to ? undefined : value);
  const away = scoresOf(follow(GROUP, together(120, silent(100, 110))));
  // Its value of step 99 is 61 s old at the end of step 100, and 181 at that of 102.
  t.strictSame(away.map((score) => Number.isNaN(score)).flatMap((nan, i) => (nan ? [i] : [])), [102, 103, 104, 105, 106, 107, 108, 109]);

  const gone = follow(GROUP, together(300, silent(100, 300)));
  t.strictSame(gone.lessons.map(({ lesson }) => lesson.members.length), [3, 2, 2]);
  t.ok(Number.isFinite(scoresOf(gone).at(-1)), 'without it');
  t.equal(scoresOf(gone).filter(Number.isNaN).length, 129 - 102, 'until 64 vectors after the first forest, and as soon as it is gone');

  const joined = follow(GROUP, together(300, silent(0, 150)));
  t.strictSame(joined.lessons.map(({ lesson, numbers }) => [lesson.members.length, numbers.length]), [[2, 2 * 64], [2, 2 * 128], [3, 3 * 64], [3, 3 * 128]], 'there must be 64 vectors with all');
  t.ok(scoresOf(joined).slice(65).every(Number.isFinite), 'meanwhile it is left out');

  const ended = [...together(100), row(100 * STEP, 'c', NaN, STALE), row(100 * STEP, 'a', 50), row(100 * STEP, 'b', 100), watermark(101 * STEP)];
  t.ok(Number.isNaN(scoresOf(follow(GROUP, ended)).at(-1)));
});

await t.test('a group of one member is judged by its values, and of one of seventy the first 64 make a vector', async (t) => {
  const random = seeded(6);
  const group = (members: number) => Array.from({ length: 160 }, (_, i) => [...Array.from({ length: members }, (_m, m) => row(i * STEP, `m${100 + m}`, normal(random) + (i === 159 ? 50 : 0))), watermark((i + 1) * STEP)]).flat();
  for (const [members, known] of [[1, 1], [70, 64]] as const) {
    const { lessons, rows, anomalies } = follow({ ...GROUP, trees: 16, warmup: 128 }, group(members));
    t.strictSame(lessons[0]!.lesson.members, Array.from({ length: known }, (_, m) => `m${100 + m}{job="api"}`));
    t.ok(rows.length === 160 && rows.at(-1)!.columns['score']! > 0.999 && anomalies.at(-1)!.time === 160 * STEP, `${members}: ${rows.at(-1)!.columns['score']}`);
  }
});

await t.test('a step has the last value of each member, whatever the order in which they come; what is too late is left out and told', async (t) => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (order) => {
      const plain = together(100);
      const rows = plain.flatMap((message) => (message.type === 'row' ? [message, row(message.row.time - 1, message.row.series.name, 999)] : []));
      const shuffled = rows.map((message) => [order.next().value, message] as const).sort(([a], [b]) => a - b).map(([, message]) => message);
      const one = follow({ ...GROUP, train: '1ms' }, [...shuffled, ...plain.filter(({ type }) => type === 'watermark')]);
      const other = follow({ ...GROUP, train: '1ms' }, plain);
      if (JSON.stringify(one) !== JSON.stringify(other)) throw new Error('differs');
    }),
    { numRuns: 5 },
  );
  t.equal(follow(GROUP, [...together(10), row(9 * STEP, 'a', 1), row(10 * STEP, 'a', 1)]).late, 1);
});

/** A series by itself: flat noise but for `change`. */
function alone(values: number, change: (i: number, value: number) => number = (_i, value) => value): Message[] {
  const random = seeded(4);
  return Array.from({ length: values }, (_, i) => [watermark(i * STEP), row(i * STEP, 'm', change(i, 50 + normal(random)))]).flat();
}

const ALONE = { trees: 64, sample: 64, warmup: 64, history: 128, retrain: 100_000 };

await t.test('a series: the further out, the higher the score; what is unusual is kept from history, until it is the new normal', async (t) => {
  const spikes = [4, 8, 20, 200].map((size) => follow({ ...ALONE, retrain: 64 }, alone(140, (i, value) => (i === 120 ? 50 + size : value))));
  const scores = spikes.map((spike) => spike.rows[120]!.columns['raw']!);
  t.strictSame(scores, scores.toSorted((a, b) => a - b));
  t.ok(scores[0]! < scores[1]! && scores[3]! > 0.85, scores.join(' '));
  t.match(spikes[3]!.anomalies[0], { state: 'opened', time: 120 * STEP, value: 250, direction: 'up' });
  t.match(spikes[3]!.anomalies[0]!.explanation, /^m\{job="api"\} is unlike the 57 vectors that its forest knows: .* makes \d\d % of it \(.*value 250 makes \d\d % \(4\d\S* to 5\d\S* is usual\)/);
  t.equal(spikes[3]!.lessons.length, 2, 'after 64 values and after 64 more');
  t.notOk(spikes[3]!.lessons.some(({ numbers }) => numbers.includes(250)));

  const shifted = follow({ ...ALONE, adapt: 40 }, alone(400, (i, value) => (i >= 150 ? value + 40 : value)));
  t.strictSame(shifted.anomalies.map(({ state, time }) => [state, time / STEP]).filter(([state]) => state !== 'grew'), [['opened', 150], ['closed', 189]]);
  t.match(shifted.anomalies.at(-1)!.explanation, /has stayed unlike what its forest knows for 40 vectors \(39m\)/);
  t.strictSame(shifted.lessons.map(({ numbers }) => numbers.length), [64, 128, 64, 128]);
  t.ok(shifted.lessons.slice(2).every(({ numbers }) => numbers.every((value) => value > 80)), 'history begins anew');
  t.ok(scoresOf(shifted).slice(190, 253).every((score) => score === 0) && scoresOf(shifted).slice(256).every((score) => score < 1 && score >= 0));
});

await t.test('drift asks for a forest before its time', async (t) => {
  const known = { ...ALONE, sample: 128, warmup: 200, history: 1024, sensitivity: 10 };
  const steady = follow(known, alone(900));
  t.strictSame(steady.lessons.map(({ numbers }) => numbers.length), [200, 400, 793], 'whenever vectors, each of eight values, have doubled');
  // Away, and not so far that it would be an anomaly.
  const drifted = follow(known, alone(900, (i, value) => (i >= 420 ? value + 2.5 : value)));
  t.strictSame(drifted.lessons.map(({ numbers }) => numbers.length).slice(0, 3), [200, 400, 600]);
  const after = drifted.rows.slice(-50).map(({ columns }) => columns['raw']!);
  t.ok(after.reduce((sum, raw) => sum + raw, 0) / 50 < 0.55, 'and is usual then');
});

await t.test('a series that was always the same, and changes', async (t) => {
  const { anomalies, rows } = follow(ALONE, alone(120, (i) => (i < 100 ? 7 : 9)));
  t.equal(rows[99]!.columns['score'], 0);
  t.match(anomalies[0], { state: 'opened', time: 100 * STEP, value: 9 });
});

await t.test('on series in which nothing is unusual a score above 1 - p comes on a share p of the rows', (t) => {
  const rows = 6_000;
  for (const shape of [shapes[0]!, shapes[4]!, shapes[7]!, shapes[13]!]) {
    const messages = Array.from(shape.values(LEARNING + rows, 11), (value, i) => [watermark(i * STEP_MS), row(i * STEP_MS, 'clean', value)]).flat();
    const scores = scoresOf(follow({}, messages)).slice(LEARNING);
    for (const p of tails) {
      const share = shareAbove(scores, p);
      const { least, most } = bounds(p, rows);
      t.ok(share >= least && share <= most, `${shape.name}: ${share} for ${p}`);
    }
  }
  t.end();
});

await t.test('vectors of a series are what they are said to be', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }), fc.integer({ min: 2, max: 6 }), fc.integer({ min: 0, max: 6 }), (values, shingle, lags) => {
      const of = { shingle, lags };
      const vectors = embedAll(Float64Array.from(values), of);
      const width = featuresOf(of);
      if (vectors.length !== width * Math.max(0, values.length - spanOf(of) + 1)) throw new Error(`${vectors.length} numbers`);
      for (let at = 0, i = spanOf(of) - 1; at < vectors.length; at += width, i++) {
        const last = values.slice(i - shingle + 1, i + 1);
        const mean = last.reduce((sum, value) => sum + value, 0) / shingle;
        const deviation = Math.sqrt(last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / shingle);
        const wanted = [values[i]!, values[i]! - values[i - 1]!, mean, deviation, ...Array.from({ length: lags }, (_, lag) => values[i - 1 - lag]!)];
        for (const [k, value] of wanted.entries()) if (!(Math.abs(vectors[at + k]! - value) <= 1e-9 * (1 + Math.abs(value)))) throw new Error(`${k}: ${vectors[at + k]} instead of ${value}`);
      }
    }),
  );
});

await t.test('relations: of two, the line of least squares; of several, nothing that the others could tell; what they have in common', async (t) => {
  const random = seeded(2);
  const pairs = Array.from({ length: 500 }, () => {
    const x = normal(random);
    return [10 + 3 * x, 5 - x + 0.5 * normal(random)] as const;
  });
  const none = [-1e9, -1e9, -1e9, -1e9];
  const wide = [1e9, 1e9, 1e9, 1e9];
  const two = findRelations(Float64Array.from(pairs.flat()), 2, none, wide);
  const { m, b } = linearRegression(pairs.map(([x, y]) => [x, y]));
  for (const [x, y] of [...pairs.slice(0, 10), [0, 0] as const]) t.ok(Math.abs(surplus(two, Float64Array.of(x, y), 0, 1) - (y - (m * x + b))) < 0.02 * (1 + Math.abs(y - (m * x + b))));
  t.ok(Math.sign(two.common[0]!) === -Math.sign(two.common[1]!) && Math.abs(Math.abs(two.common[0]!) - Math.SQRT1_2) < 1e-6, 'against each other');

  const rows = Array.from({ length: 400 }, () => {
    const [load, other] = [normal(random), normal(random)];
    return [load, 2 * load + 0.1 * normal(random), other, other - load + 0.1 * normal(random)];
  });
  const four = findRelations(Float64Array.from(rows.flat()), 4, none, wide);
  const found = related(four, Float64Array.from(rows.flat()));
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      if (i === j) continue;
      const covariance = rows.reduce((sum, of, k) => sum + found[5 * k + i]! * of[j]!, 0) / rows.length;
      t.ok(Math.abs(covariance) < 0.02, `${i} and ${j}: ${covariance}`);
    }
  }
});

await t.test('what contributes sums up to one, and the culprit is most of it; the seed decides', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(), fc.nat(5), fc.double({ min: 20, max: 1e6, noNaN: true }), (features, seed, which, size) => {
      const random = seeded(seed);
      const numbers = Float64Array.from({ length: 200 * features }, () => normal(random));
      const lesson = { seed, trees: 32, sample: 64, members: Array.from({ length: features }, (_, i) => `m${i}`) };
      const answer = train(lessonOf(lesson, numbers));
      if (Buffer.compare(answer, train(lessonOf(lesson, numbers))) !== 0) throw new Error('another answer');
      const model = readModel(answer);
      const culprit = which % features;
      const vector = Float64Array.from({ length: features }, (_, i) => (i === culprit ? size : 0));
      const shares = contributions(model, vector, forestScore(model, vector));
      if (Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) > 1e-9 || shares[culprit]! < Math.max(...shares)) throw new Error(shares.join(' '));
    }),
    { numRuns: 20 },
  );
});

await t.test('columns of a series or group: 111 bytes, and the timer', async (t) => {
  t.equal(bytesOf(definition.state!(definition.config.parse({}), 0)), 111 + 8);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => definition.config.parse({ history: 100 }), /at least `warmup`/);
  t.throws(() => definition.config.parse({ by: ['a', 'a'] }), /a is there twice/);
  t.throws(() => definition.config.parse({ warmup: 64, shingle: 60 }), /8 more than `shingle`/);
  t.throws(() => definition.config.parse({ adapt: 5, for: 5 }), /greater than `for`/);
  t.throws(() => definition.config.parse({ sensitivty: 3 }), /sensitivty/);
});
