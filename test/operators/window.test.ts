import fc from 'fast-check';
import t from 'tap';
import window from '../../operators/window/definition.js';
import { MAX_BINS } from '../../operators/window/sketch.js';
import { MAX_WAITING } from '../../operators/window/waiting.js';
import { CAPACITY, differs, every, LEAD, naive, numbers, Rig, START, steps, type Row, type Step } from './window-rig.js';

interface Run {
  readonly slide: number;
  readonly panes: number;
  readonly lateness: number;
  readonly steps: readonly Step[];
}

const runs = fc.record({
  slide: fc.constantFrom(500, 1_000, 3_000, 10_000),
  panes: fc.integer({ min: 1, max: 6 }),
  lateness: fc.constantFrom(0, 700, 4_000, 11_000),
  steps,
});

/** Runs the operator beside the naive oracle; gives what went wrong. */
function compare({ slide, panes, lateness, steps }: Run, aggregates: readonly string[], ordered: boolean): string | undefined {
  const size = slide * panes;
  const rig = new Rig({ size: `${size}ms`, slide: `${slide}ms`, lateness: `${lateness}ms`, aggregates }, LEAD);
  const taken: Row[] = [];
  const late: Row[] = [];
  let watermark = START;
  rig.advance(watermark);
  const advance = (to: number): string | undefined => {
    rig.advance(to);
    watermark = to;
    const expected = new Map<string, Row[]>();
    for (const row of taken) {
      for (let end = (Math.floor(row.time / slide) + 1) * slide; end - size <= row.time; end += slide) {
        if (end + lateness <= watermark) expected.set(`${row.slot} ${end}`, [...(expected.get(`${row.slot} ${end}`) ?? []), row]);
      }
    }
    if (rig.results.length !== expected.size) return `${rig.results.length} results instead of ${expected.size} at watermark ${watermark}`;
    for (const { slot, end, aggregates: got } of rig.results) {
      const rows = expected.get(`${slot} ${end}`);
      if (rows === undefined) return `window ${end} of ${slot} has no rows`;
      const wanted = naive(rows);
      for (const name of aggregates) if (differs(name, got[name]!, wanted[name]!)) return `window ${end} of ${slot}: ${name} is ${got[name]} instead of ${wanted[name]}`;
    }
    return undefined;
  };
  for (const step of steps) {
    if ('move' in step) rig.move();
    else if ('watermark' in step) {
      const wrong = advance(watermark + step.watermark);
      if (wrong !== undefined) return wrong;
    } else {
      const row = { ...step.row, time: watermark - step.row.ago };
      const isLate = (Math.floor(row.time / slide) + 1) * slide + lateness <= watermark || (ordered && row.time < watermark - lateness);
      (isLate ? late : taken).push({ time: row.time, slot: row.slot, value: row.value });
      rig.push([row]);
    }
  }
  const wrong = advance(watermark + 1e9);
  if (wrong !== undefined) return wrong;
  if (rig.timers.size > 0) return 'a timer is left though no window is open';
  if (JSON.stringify(rig.late) !== JSON.stringify(late.map((row) => ({ ...row, reason: 'late' })))) return `late rows ${JSON.stringify(rig.late)} instead of ${JSON.stringify(late)}`;
  for (let slot = 0; slot < CAPACITY; slot++) if (rig.saved(slot) > 0) return `slot ${slot} keeps something`;
  return undefined;
}

await t.test('out of order, late, sliding, moved: the same as all windows computed anew', async (t) => {
  for (const [aggregates, ordered, runsOfIt] of [
    [every, true, 400],
    [numbers, false, 400],
    [['count'], false, 100],
    [['p50', 'mean'], false, 100],
  ] as const) {
    fc.assert(
      fc.property(runs, (run) => {
        const wrong = compare(run, aggregates, ordered);
        if (wrong !== undefined) throw new Error(wrong);
      }),
      { numRuns: runsOfIt },
    );
    t.pass(aggregates.join());
  }
});

await t.test('mean and variance keep their digits near 1e9', async () => {
  // Exact, in integers: values are 1e9 + k / 1024.
  const exact = (steps: readonly number[]): { mean: number; variance: number } => {
    const n = BigInt(steps.length);
    const sum = steps.reduce((total, k) => total + BigInt(k), 0n);
    const squares = steps.reduce((total, k) => total + (BigInt(k) * n - sum) ** 2n, 0n);
    return { mean: 1e9 + Number(sum) / Number(n) / 1024, variance: Number((squares * 1_000_000_000n) / (n * n * n)) / 1e9 / 1024 ** 2 };
  };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 2, maxLength: 200 }), fc.constantFrom(1, 7, 20), (steps, panes) => {
      const rig = new Rig({ size: '140s', slide: `${140 / panes}s`, aggregates: ['mean', 'variance'] }, 140_000);
      rig.advance(START);
      const begin = Math.ceil(START / 140_000) * 140_000;
      rig.push(steps.map((k, i) => ({ time: begin + (i * 140_000) / 200, slot: 0, value: 1e9 + k / 1024 })));
      rig.advance(begin + 140_000);
      const { mean, variance } = rig.results.find(({ end }) => end === begin + 140_000)!.aggregates as { mean: number; variance: number };
      const wanted = exact(steps);
      // Each addition to the mean rounds by at most 2^-24 near 1e9.
      return Math.abs(mean - wanted.mean) <= steps.length * 2 ** -24 && Math.abs(variance - wanted.variance) <= 1e-6 * wanted.variance + 1e-9;
    }),
  );
});

await t.test('equal rows give equal bits, whatever the series held before', async () => {
  const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(values, values, fc.integer({ min: 1, max: 12 }), (history, present, panes) => {
      const [without, withHistory] = [[], history].map((before) => {
        const rig = new Rig({ size: `${panes}s`, slide: '1s', aggregates: ['mean', 'variance', 'sum'] }, 60_000);
        rig.advance(START);
        const rows = [...before, ...present].map((value, i) => ({ time: START + (i + 12 - before.length) * 1_000, slot: 0, value }));
        for (const row of rows) {
          rig.push([row]);
          rig.advance(row.time);
        }
        rig.advance(START + 24_000);
        // Windows that hold nothing of the history.
        return rig.results.filter(({ end }) => end >= START + 12_000 + panes * 1_000).map(({ end, aggregates }) => [end, ...Object.values(aggregates)]);
      });
      return JSON.stringify(without) === JSON.stringify(withHistory) && without!.length > 0;
    }),
  );
});

await t.test('numbers that are none, and rows too far ahead', async (t) => {
  const rig = new Rig({ size: '10s', aggregates: ['count', 'sum'] }, 5_000);
  rig.advance(START);
  const row = (time: number, value: number): void => rig.push([{ time: START + time, slot: 0, value }]);
  row(1_000, 5);
  row(2_000, NaN);
  row(100_000, 7);
  row(9_999, 6);
  rig.advance(START + 10_000);
  t.strictSame(rig.results, [{ slot: 0, end: START + 10_000, aggregates: { count: 2, sum: 11 } }]);
  t.strictSame(rig.late, [{ time: START + 100_000, slot: 0, value: 7, reason: 'ahead' }]);
  row(9_999, 8);
  t.match(rig.late[1], { time: START + 9_999, reason: 'late' });
  rig.advance(START + 20_000);
  t.equal(rig.results.length, 1, 'a closed window stays closed');
});

await t.test('before 1970, and at its first moment', async (t) => {
  const rig = new Rig({ size: '20s', slide: '10s', aggregates: ['sum'] }, 60_000);
  rig.push([-15_000, -1, 0, 5_000].map((time) => ({ time, slot: 0, value: 1 })));
  rig.advance(100_000);
  t.strictSame(
    rig.results.map(({ end, aggregates }) => [end, aggregates['sum']]),
    [
      [-10_000, 1],
      [0, 2],
      [10_000, 3],
      [20_000, 2],
    ],
  );
});

await t.test('a series has the bytes that its page says', async (t) => {
  const bytes = (config: Record<string, unknown>, lead: number): number => new Rig(config, lead).bytesPerSeries;
  t.equal(bytes({ size: '10s', aggregates: ['count'] }, 60_000), 17 + 8 * 24);
  t.equal(bytes({ size: '10s', aggregates: ['count', 'mean', 'stddev'] }, 60_000), 17 + 8 * 24);
  t.equal(bytes({ size: '1m', slide: '10s', lateness: '30s', aggregates: every }, 60_000), 17 + (16 + 1) * (24 + 8 + 16 + 32 + 40));
});

await t.test('what is kept outside columns is bounded', async (t) => {
  const sketches = new Rig({ size: '1h', aggregates: ['p99'] }, 60_000);
  sketches.advance(START);
  let value = 1e-290;
  const rows: Row[] = [];
  for (let i = 0; i < 50_000; i++, value *= 1.03) rows.push({ time: START, slot: 0, value: i % 2 === 0 ? value : -value });
  sketches.push(rows);
  t.ok(sketches.saved(0) <= 8 * (2 * MAX_BINS + 16), 'bins of a sketch');

  const counters = new Rig({ size: '1h', aggregates: ['increase'] }, 60_000);
  counters.advance(START);
  counters.push(Array.from({ length: MAX_WAITING + 10 }, (_, i) => ({ time: START + i, slot: 0, value: i })));
  t.equal(counters.late.length, 10, 'samples that wait for the watermark');
  t.equal(counters.late[0]!.reason, 'ahead');
  counters.advance(START + MAX_WAITING);
  counters.push(Array.from({ length: 50 }, (_, i) => ({ time: START + MAX_WAITING + i, slot: 0, value: MAX_WAITING + i })));
  t.equal(counters.late.length, 10, 'the watermark makes room');
  counters.advance(START + 3_600_000);
  t.equal(counters.results[0]!.aggregates['increase'], MAX_WAITING + 49);
});

await t.test('a config that can never be meant is refused', async (t) => {
  const problem = (config: unknown): string => window.config.safeParse(config).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') ?? 'none';
  t.equal(problem({ size: '10s' }), 'none');
  t.equal(problem({ size: '10s', slide: '3s' }), 'slide: must divide the size of the window');
  t.equal(problem({ size: '10s', slide: '20s' }), 'slide: must divide the size of the window');
  t.equal(problem({ size: '2h', slide: '1s' }), "slide: a window can't be more than 3600 times as long as its slide");
  t.equal(problem({ size: '1s', lateness: '2h' }), "lateness: can't be more than 3600 times as long as the slide");
  t.equal(problem({ size: '10s', aggregates: ['mean', 'p99', 'mean'] }), 'aggregates: mean is there twice');
  t.match(problem({ size: '10s', aggregates: ['avg'] }), /avg is none of count, sum/);
  t.match(problem({ size: '10s', aggregates: ['p100'] }), /p100 is none of/);
  t.match(problem({ size: '10s', aggregates: ['p0'] }), /p0 is none of/);
  t.equal(problem({}), 'size: is missing: a window needs `size` (windows of time), or `gap` (sessions), or `rows` (windows of rows)');
  t.match(problem({ gaps: '1s' }), /^: Unrecognized key/, 'one that is misspelt is not missing');
  t.equal(problem({ slide: '1s' }), 'slide: must go with `size` (windows of time), which is missing');
  t.equal(problem({ every: 5 }), 'every: must go with `rows` (windows of rows), which is missing');
  t.equal(problem({ gap: '30s' }), 'none');
  t.equal(problem({ rows: 100, every: 10 }), 'none');
  t.equal(problem({ size: '10s', gap: '1s' }), "gap: can't go with `size`: `size` makes windows of time, `gap` sessions; leave one out, or write two operators");
  t.equal(problem({ gap: '10s', rows: 5 }), "rows: can't go with `gap`: `gap` makes sessions, `rows` windows of rows; leave one out, or write two operators");
  t.equal(problem({ rows: 10, slide: '1s' }), 'slide: must go with `size` (windows of time); with `rows` there is `every`');
  t.equal(problem({ size: '10s', max: '1h' }), 'max: must go with `gap` (sessions); with `size` there is `slide`');
  t.equal(problem({ gap: '10s', max: '19s' }), 'max: must be at least twice the gap');
  t.equal(problem({ rows: 10, every: 3 }), 'every: must divide the rows of the window');
  t.equal(problem({ rows: 10_000, every: 1 }), "every: a window can't have more than 3600 times as many rows");
  t.match(problem({ rows: 0 }), /^rows: /);
});
