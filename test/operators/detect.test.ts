import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { allocateBatch, STALE, type Batch } from '../../engine/batch.js';
import type { Anomaly } from '../../engine/finding.js';
import type { Columns, Output } from '../../engine/operator.js';
import { seeded } from '../../engine/random.js';
import detect from '../../operators/detect/definition.js';
import { state, type State } from '../../operators/detect/config.js';
import { keepShares, METHODS } from '../../operators/detect/contributions.js';
import { runReference } from '../kit/reference.js';
import { parseMessages, type Message, type OutputRow } from '../kit/text.js';

type Column = 'score' | 'agree' | 'expected' | 'lower' | 'upper';

interface Result {
  readonly rows: readonly OutputRow[];
  readonly anomalies: readonly Anomaly[];
}

function follow(config: Record<string, unknown>, values: readonly number[], timeOf = (i: number) => i * 1_000): Result {
  const messages = values.map((value, i): Message => ({ type: 'row', port: 0, row: { time: timeOf(i), series: { name: 'm', labels: {} }, value, flags: 0, columns: {} } }));
  const { rows, findings } = runReference(detect, detect.config.parse(config), messages);
  return { rows, anomalies: findings as Anomaly[] };
}

const states = ({ anomalies }: Result): string[] => anomalies.map((of) => `${of.time / 1_000} ${of.state} ${of.severity} ${of.direction}`);

/** 300 values about 50, within 1 of it. */
const calm = Array.from({ length: 300 }, (_, i) => 50 + Math.sin(i * 2.4));

await t.test('an anomaly opens, grows and closes; its revisions are one finding', async (t) => {
  const { anomalies } = follow({}, [...calm, 54, 54, 60, 90, 80, ...calm.slice(0, 8)]);
  t.strictSame(
    anomalies.map(({ time, state: of, severity, revision, value }) => [time / 1_000, of, severity, revision, value]),
    [
      [301, 'opened', 'low', 1, 54],
      [302, 'grew', 'high', 2, 60],
      [303, 'grew', 'critical', 3, 90],
      [309, 'closed', 'critical', 4, 90],
    ],
  );
  t.equal(new Set(anomalies.map(({ id }) => id)).size, 1);
  const opened = anomalies[0]!;
  t.match(opened.explanation, /^m was 54; 4\d\.\d to 5\d\.\d is usual \(expected (50|50\.\d|49\.\d)\); \d\.\d deviations above; \d of 4 methods agree \(deviation(, \w+)*\)$/);
  t.ok(opened.lower < 50 && opened.upper > 50 && opened.score > 0.998 && opened.confidence > 0.6);
});

await t.test('an anomaly says what it is told for, by method, to its end', async (t) => {
  const sums = (of: readonly Anomaly[]): number[] => of.map(({ contributions = {} }) => Math.round(1e9 * Object.values(contributions).reduce((sum, share) => sum + share, 0)) / 1e9);
  const jump = follow({}, [...calm, 90, ...calm.slice(0, 8)]).anomalies;
  t.strictSame(sums(jump), [1, 1]);
  t.strictSame(Object.keys(jump[0]!.contributions!), ['deviation', 'change', 'residual', 'novelty']);
  t.strictSame(jump[1]!.contributions, jump[0]!.contributions, 'the row that closes it is usual');
  t.strictSame(follow({ methods: ['change'] }, [...calm, 90, ...calm.slice(0, 8)]).anomalies[0]!.contributions, { change: 1 });
  // It creeps away: no step is unusual.
  const creep = follow({ methods: ['deviation', 'change'] }, [...calm, ...Array.from({ length: 60 }, (_, i) => 50 + i)]).anomalies[0]!;
  t.ok(creep.contributions!['deviation']! > 0.6, JSON.stringify(creep.contributions));
});

await t.test('parts are whole percents, and together a hundred', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: METHODS, maxLength: METHODS }), (nines) => {
        const shares = new Uint8Array(2 * METHODS);
        keepShares({ shares }, 1, nines);
        const total = nines.reduce((sum, each) => sum + each, 0);
        const kept = [...shares.subarray(METHODS)];
        if (kept.reduce((sum, each) => sum + each, 0) !== (total > 0 ? 100 : 0)) throw new Error(`${kept.join(' ')}`);
        if (total > 0 && kept.some((each, i) => Math.abs(each - (100 * nines[i]!) / total) >= 1)) throw new Error(`${kept.join(' ')}`);
      }),
    ),
  );
});

await t.test('one that opens again at the time at which it has opened before is the same one', async (t) => {
  const { anomalies } = follow({}, [...calm, 90, ...calm.slice(0, 8), 95, ...calm.slice(0, 8)], (i) => Math.min(i, calm.length) * 1_000);
  t.strictSame(anomalies.map(({ state: of, revision, value }) => [of, revision, value]), [
    ['opened', 1, 90],
    ['closed', 2, 90],
    ['opened', 3, 95],
    ['closed', 4, 95],
  ]);
  t.equal(new Set(anomalies.map(({ id }) => id)).size, 1);
});

await t.test('one that opens soon after it has closed is the same one, in its refractory time', async (t) => {
  const again = [...calm, 90, ...calm.slice(0, 9), 400, ...calm.slice(0, 8)];
  const told = (config: Record<string, unknown>): string[] => follow(config, again).anomalies.map(({ state: of, revision, openedAt }) => `${of} ${revision} ${openedAt / 1_000}`);
  t.strictSame(told({}), ['opened 1 300', 'closed 2 300', 'opened 3 300', 'closed 4 300']);
  t.strictSame(told({ refractory: 5 }), told({}), 'it has closed five samples before');
  t.strictSame(told({ refractory: 4 }), ['opened 1 300', 'closed 2 300', 'opened 1 310', 'closed 2 310']);
});

await t.test('one row outside opens nothing, one twice as far out does', async (t) => {
  t.strictSame(states(follow({}, [...calm, 54, ...calm])), []);
  t.strictSame(states(follow({ for: 1 }, [...calm, 54, ...calm])), ['300 opened low up', '305 closed low up']);
  t.strictSame(states(follow({}, [...calm, 58, ...calm])), ['300 opened high up', '305 closed high up']);
  t.strictSame(states(follow({ for: 3 }, [...calm, 58, 50, 58, 50, ...calm])), [], 'and not enough for three');
});

await t.test('inside of the band of a series with bursts, a value that it never had is told for its score', async (t) => {
  const bursts = Array.from({ length: 2_900 }, (_, i) => 50 + Math.sin(i * 2.4) + (i % 300 === 299 ? 30 : 0));
  const every = 5 * 60_000;
  const told = (config: Record<string, unknown>): Result => follow(config, [...bursts, 35, ...calm], (i) => i * every);
  const { anomalies, rows } = told({});
  const [opened, closed] = anomalies.filter(({ openedAt }) => openedAt === 2_900 * every);
  const row = rows[2_900]!.columns;
  t.ok(row['lower']! < 35 && row['score']! > 0.999999);
  t.match(opened!.explanation, /^m was 35; [\d.]+ to [\d.]+ is usual \(expected 50\); inside of the band, but a surprise; 4 of 4 methods agree \(deviation, change, residual, novelty\)$/);
  t.match(closed!.explanation, /^m is back to usual after 25m; it was 35 at its furthest; .*; inside of the band, but a surprise$/);
  t.strictSame([opened!.severity, opened!.score, closed!.score], ['low', row['score'], row['score']]);
  for (const config of [{ surprise: 1 }, { for: 3 }]) t.notOk(told(config).anomalies.some(({ openedAt }) => openedAt === 2_900 * every), `by the band alone, or when it has to stay: ${JSON.stringify(config)}`);
});

await t.test('only the chosen side counts', async (t) => {
  const both = [...calm, 30, 30, ...calm, 200, 200, ...calm.slice(0, 8)];
  t.strictSame(states(follow({ direction: 'up' }, both)), ['602 opened critical up', '608 closed critical up']);
  t.strictSame(states(follow({ direction: 'down' }, both)), ['300 opened critical down', '306 closed critical down']);
  const { rows } = follow({ direction: 'up' }, both);
  t.equal(rows[300]!.columns['score'], 0);
  t.ok(rows[602]!.columns['score']! > 0.99);
});

await t.test('small deviations are never anomalies', async (t) => {
  const constant = Array.from({ length: 50 }, () => 1_000);
  t.strictSame(states(follow({}, [...constant, 1_009, 1_009, 1_009, ...constant])), [], 'less than a hundredth of the level');
  t.strictSame(states(follow({}, [...constant, 1_021, ...constant])).length, 2, 'two hundredths are, of a constant series');
  t.strictSame(states(follow({ min_deviation: 50 }, [...constant, 1_049, 1_049, 951, 951, ...constant])), []);
  const zeros = Array.from({ length: 50 }, () => 0);
  t.strictSame(states(follow({}, [...zeros, 4_096, ...zeros])), [], 'one first event of a series that was always 0');
  t.strictSame(states(follow({}, [...zeros, 1, 1, ...zeros])), ['51 opened low up', '56 closed low up'], 'two in succession');
});

await t.test('a series with a season is judged by it', async (t) => {
  const HOUR = 3_600_000;
  // Half an hour between samples; a fortnight of days, then what is usual at noon comes at night.
  const at = (i: number): number => 50 + 20 * Math.sin((2 * Math.PI * i) / 48) + Math.sin(i * 2.4);
  const messages = Array.from({ length: 14 * 48 + 40 }, (_, i): Message => ({ type: 'row', port: 0, row: { time: (i * HOUR) / 2, series: { name: 'm', labels: {} }, value: i >= 14 * 48 + 35 && i < 14 * 48 + 38 ? 70 : at(i), flags: 0, columns: {} } }));
  const { rows, findings } = runReference(detect, detect.config.parse({}), messages);
  const opened = findings.filter(({ revision }) => revision === 1) as Anomaly[];
  t.equal(opened.length, 1);
  t.equal(opened[0]!.value, 70);
  t.match(opened[0]!.explanation, /^m was 70; at this time of day \d\d\.?\d? to \d\d\.?\d? is usual \(expected \d\d\.?\d?\); \d+\.\d deviations above; \d of 4 methods agree \(deviation(, \w+)*\)$/);
  for (const { time, columns } of rows.slice(-96, -8)) {
    const usual = 50 + 20 * Math.sin((2 * Math.PI * time) / (24 * HOUR));
    t.ok(Math.abs(columns['expected']! - usual) < 6 && columns['upper']! - columns['lower']! < 30, `${time}: ${columns['lower']} to ${columns['upper']} is usual`);
  }
});

await t.test('what stays is the new normal after `adapt` rows', async (t) => {
  const shifted = calm.map((value) => value + 40);
  const result = follow({ adapt: 100 }, [...calm, ...shifted]);
  t.strictSame(states(result), ['300 opened critical up', '399 closed critical up']);
  t.match(result.anomalies[1]!.explanation, /has stayed away for 100 samples \(1m39s\), which is its new normal/);
  t.ok(Math.abs(result.rows[400]!.columns['expected']! - 90) < 1, 'what is expected is the new level');
  t.strictSame(states(follow({ adapt: 100, direction: 'down' }, [...calm, ...shifted, ...shifted, ...calm])), ['900 opened critical down', '999 closed critical down'], 'also where its side does not count');
});

await t.test('an anomaly that is open at the end stays open', async (t) => {
  t.strictSame(states(follow({}, [...calm, 99])), ['300 opened critical up']);
});

await t.test('until the warm-up is over there is no verdict', async (t) => {
  const { rows, anomalies } = follow({ warmup: 20 }, [1, 500, 3, ...calm.slice(0, 17), 99]);
  t.strictSame(rows.slice(0, 20).map(({ columns }) => columns['score']), Array.from({ length: 20 }, () => 0));
  t.strictSame(anomalies, []);
  t.ok(rows[20]!.columns['score']! > 0);
});

await t.test('values that are no numbers pass and change nothing', async (t) => {
  const lines = calm.map((value, i) => `${i}s m ${value}`);
  const odd = ['300s m stale', '301s m NaN', '302s m Infinity', '303s m 1e300'];
  const run = (input: readonly string[]) => runReference(detect, detect.config.parse({}), parseMessages(input));
  const between = run([...lines, ...odd, '310s m 52']);
  t.strictSame(between.rows.at(-1), run([...lines, '310s m 52']).rows.at(-1));
  for (const row of between.rows.slice(300, 304)) t.strictSame(row.columns, { score: NaN, agree: NaN, expected: NaN, lower: NaN, upper: NaN });
  t.equal(between.rows[300]!.flags, STALE);
});

await t.test('columns that a row has are kept', async (t) => {
  const { rows } = runReference(detect, detect.config.parse({}), parseMessages(['0s m 1 mean=5', '1s m 2 mean=6', '0s m 3 mean=7']));
  t.strictSame(rows.map(({ columns }) => columns['mean']), [5, 6]);
});

await t.test('series are judged apart, by their own time', async (t) => {
  const run = (input: readonly string[]) => runReference(detect, detect.config.parse({}), parseMessages(input));
  const old = calm.map((value, i) => `${i}s old ${value}`);
  const result = run(['1d other 5', 'watermark 1d', ...old, '299s old 99', '298s old 50', '300s old 99', '23h other 5']);
  t.strictSame(result.findings.map(({ series, time }) => `${series} ${time}`), ['old 299000']);
  t.strictSame(result.late.map(({ series, time, reason }) => `${series} ${time} ${reason}`), ['old 298000 late', 'other 82800000 late']);
  t.strictSame(result.rows.slice(1), run([...old, '299s old 99', '300s old 99']).rows, 'equal times are followed');
});

const anyValues = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 40, max: 60, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 50, NaN, Infinity, 1e308, 5e-324) },
  ),
  { minLength: 1, maxLength: 120 },
);
const anyConfig = fc.record({
  sensitivity: fc.double({ min: 1, max: 10, noNaN: true }),
  direction: fc.constantFrom('both', 'up', 'down'),
  for: fc.integer({ min: 1, max: 4 }),
  warmup: fc.integer({ min: 10, max: 40 }),
  adapt: fc.integer({ min: 5, max: 50 }),
  memory: fc.integer({ min: 10, max: 300 }),
});

await t.test('scores lie in 0 to 1, bands hold what is expected, findings alternate', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, (config, values) => {
      const { rows, anomalies } = follow(config, values);
      for (const { value, columns } of rows) {
        const { score, agree, expected, lower, upper } = columns as Record<Column, number>;
        if (!(Math.abs(value) <= 1e150)) continue;
        if (!(score >= 0 && score <= 1 && agree >= 0 && agree <= 3 && lower <= expected && expected <= upper)) throw new Error(JSON.stringify(columns));
      }
      let open = false;
      let id = '';
      let revision = 0;
      for (const anomaly of anomalies) {
        if (open === (anomaly.state === 'opened')) throw new Error(`${anomaly.state} while ${open ? 'open' : 'closed'}`);
        revision = open ? revision + 1 : 1;
        if (anomaly.revision !== revision || (open && anomaly.id !== id)) throw new Error(`revision ${anomaly.revision} of ${anomaly.id}`);
        open = anomaly.state !== 'closed';
        id = anomaly.id;
      }
    }),
  );
});

await t.test('the unit of a metric changes nothing', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, fc.integer({ min: -20, max: 20 }), (config, values, power) => {
      // A power of two scales without rounding; subnormal and overflowing values do not.
      const unit = 2 ** power;
      const plain = values.map((value) => (Math.abs(value) > 1e-300 && Math.abs(value) < 1e140 ? value : 50));
      const scores = (of: readonly number[]): unknown => {
        const { rows, anomalies } = follow(config, of);
        return { scores: rows.map(({ columns }) => columns['score']), found: anomalies.map((finding) => [finding.state, finding.time, finding.severity]) };
      };
      if (JSON.stringify(scores(plain)) !== JSON.stringify(scores(plain.map((value) => value * unit)))) throw new Error(`differs in units of ${unit}`);
    }),
  );
});

// What is new need not be: a value further out may bring the short-term mean back to where it has been.
await t.test('further out than all that was before never deviates less', async () => {
  fc.assert(
    fc.property(anyConfig, fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 41, maxLength: 80 }), fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 6 }), (config, values, steps) => {
      // Above what any step so far would lead to.
      const furthest = 2 * Math.max(...values) - Math.min(...values);
      const scores = steps.sort((a, b) => a - b).map((step) => follow({ ...config, methods: ['deviation', 'change'] }, [...values, furthest + step]).rows.at(-1)!.columns['score']!);
      scores.reduce((before, score) => {
        if (score < before) throw new Error(`${score} after ${before}`);
        return score;
      });
    }),
  );
});

await t.test('nothing looks ahead: a prefix gives the prefix of the output', async () => {
  fc.assert(
    fc.property(anyConfig, anyValues, fc.double({ min: 0, max: 1, noNaN: true }), (config, values, share) => {
      const whole = follow(config, values);
      const length = Math.floor(values.length * share);
      const part = follow(config, values.slice(0, length));
      const prefix = { rows: whole.rows.slice(0, length), anomalies: whole.anomalies.filter(({ time }) => time < length * 1_000) };
      if (JSON.stringify(part) !== JSON.stringify(prefix)) throw new Error(`differs with ${length} of ${values.length} rows`);
    }),
  );
});


/** Pushes batches by hand and returns a text of everything that came out, in order. */
function pushAll(batches: readonly Batch[]): string[] {
  const slots = 4;
  const columns = Object.fromEntries(
    Object.entries(state).map(([name, spec]) => {
      const { type, per } = typeof spec === 'string' ? { type: spec, per: 1 } : spec;
      return [name, type === 'f64' ? new Float64Array(slots * per) : type === 'u32' ? new Uint32Array(slots * per) : new Uint8Array(slots * per)];
    }),
  ) as unknown as Columns<State>;
  const names = { series: (slot: number) => ({ name: `m${slot}`, labels: {} }) };
  const operator = detect.create(detect.config.parse({ warmup: 10 }), { node: 'odd', names: names as never, lead: 0, self: 0, seed: 1 });
  const lines: string[] = [];
  for (const batch of batches) {
    const added: Record<Column, Float64Array> = { score: new Float64Array(64), agree: new Float64Array(64), expected: new Float64Array(64), lower: new Float64Array(64), upper: new Float64Array(64) };
    let given: Batch = allocateBatch([], 0);
    const out = {
      extend: (of: Batch) => {
        given = of;
        return added;
      },
      finding: (finding: Anomaly) => void lines.push(`finding ${finding.id} ${finding.revision}`),
      late: (of: Batch, i: number) => void lines.push(`late ${of.time[i]} ${of.slot[i]}`),
    };
    operator.push!(batch, columns, out as unknown as Output<Column>, 0);
    for (let i = 0; i < given.length; i++) {
      const verdict = [added.score[i], added.agree[i], added.expected[i], added.lower[i], added.upper[i]].join(' ');
      lines.push(`row ${given.time[i]} ${given.slot[i]} ${given.value[i]} ${given.flags[i]} ${given.columns['mean']![i]} ${verdict}`);
    }
  }
  return lines.sort();
}

await t.test('how rows are cut into batches changes nothing, late ones among them', async (t) => {
  const random = seeded(7);
  const rows = Array.from({ length: 400 }, (_, i) => ({ time: 1_000 * Math.floor(i / 4) - (random() < 0.1 ? 5_000 : 0), slot: i % 3, value: random() < 0.05 ? 99 : 50 + random() }));
  const cut = (size: number): Batch[] =>
    Array.from({ length: Math.ceil(rows.length / size) }, (_, k) => {
      const part = rows.slice(k * size, (k + 1) * size);
      const batch = allocateBatch(['mean'], 64);
      batch.length = part.length;
      part.forEach((row, i) => {
        batch.time[i] = row.time;
        batch.slot[i] = row.slot;
        batch.value[i] = row.value;
        batch.columns['mean']![i] = 2 * row.value;
        batch.flags[i] = row.value === 99 ? STALE : 0;
      });
      return batch;
    });
  const alone = pushAll(cut(1));
  t.ok(alone.some((line) => line.startsWith('late')) && alone.some((line) => line.startsWith('finding')));
  for (const size of [2, 7, 64]) t.strictSame(pushAll(cut(size)), alone, `batches of ${size}`);
});

await t.test('a series costs 1411 bytes', async (t) => {
  const bytes = { f64: 8, u32: 4, i32: 4, u8: 1 };
  const total = Object.values(state).reduce((sum, spec) => sum + (typeof spec === 'string' ? bytes[spec] : bytes[spec.type] * spec.per), 0);
  t.equal(total, 1411);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  t.throws(() => detect.config.parse({ adapt: 5, for: 5 }), /greater than `for`/);
  t.throws(() => detect.config.parse({ sensitivty: 3 }), /sensitivty/);
  t.throws(() => detect.config.parse({ time_zone: 'Europe/Berlyn' }), /there is no time zone Europe\/Berlyn/);
});

const corpus = join(resolve(process.env['MILLRACE_SHARED'] ?? '../shared'), 'data/nab');
await t.test('recorded series: most labelled windows are found, with few other findings', { skip: existsSync(corpus) ? false : `no data at ${corpus}` }, async (t) => {
  const windows = JSON.parse(readFileSync(join(corpus, 'combined_windows.json'), 'utf8')) as Record<string, [string, string][]>;
  const at = (text: string): number => Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
  let rowCount = 0;
  let found = 0;
  let labelled = 0;
  let elsewhere = 0;
  for (const folder of readdirSync(join(corpus, 'data'))) {
    for (const file of readdirSync(join(corpus, 'data', folder))) {
      const lines = readFileSync(join(corpus, 'data', folder, file), 'utf8').trim().split('\n').slice(1);
      rowCount += lines.length;
      const messages = lines.map((line): Message => {
        const [time, value] = line.split(',');
        return { type: 'row', port: 0, row: { time: at(time!), series: { name: 'nab', labels: { file } }, value: Number(value), flags: 0, columns: {} } };
      });
      const opened = runReference(detect, detect.config.parse({}), messages).findings.filter(({ revision }) => revision === 1);
      const spans = (windows[`${folder}/${file}`] ?? []).map(([from, to]) => [at(from), at(to)] as const);
      labelled += spans.length;
      found += spans.filter(([from, to]) => opened.some(({ time }) => time >= from && time <= to)).length;
      elsewhere += opened.filter(({ time }) => !spans.some(([from, to]) => time >= from && time <= to)).length;
    }
  }
  t.comment(`${found} of ${labelled} windows found, ${elsewhere} findings elsewhere in ${rowCount} rows`);
  t.ok(labelled > 0 && found >= labelled * 0.4, `${found} of ${labelled} windows`);
  t.ok(elsewhere < rowCount / 1_000, `${elsewhere} elsewhere`);
});
