import fc from 'fast-check';
import t from 'tap';
import { allocateBatch } from '../../engine/batch.js';
import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type ColumnSpec, type Columns, type Operator, type Output } from '../../engine/operator.js';
import { MAX_WAITING } from '../../operators/window/counter.js';
import window from '../../operators/window/definition.js';
import { MAX_BINS } from '../../operators/window/sketch.js';
import type { WindowSchema } from '../../operators/window/state.js';

interface Row {
  readonly time: number;
  readonly slot: number;
  readonly value: number;
}
interface Result {
  readonly slot: number;
  readonly end: number;
  readonly aggregates: Readonly<Record<string, number>>;
}
type Config = ReturnType<typeof window.config.parse>;

const ARRAYS = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array };
const perSlot = (spec: ColumnSpec): number => (typeof spec === 'string' ? 1 : spec.per * (spec.planes ?? 1));
const typeOf = (spec: ColumnSpec): keyof typeof ARRAYS => (typeof spec === 'string' ? spec : spec.type);

const CAPACITY = 3 * BLOCK_SLOTS;
const ROWS_A_CALL = 20_000;

/** The window operator with a watermark, timers, and slots that can be moved, as the engine gives them. */
class Rig {
  readonly results: Result[] = [];
  readonly late: (Row & { reason: string })[] = [];
  readonly timers = new Map<number, number>();
  readonly schema: WindowSchema;
  readonly #config: Config;
  readonly #lead: number;
  #operator: Operator<WindowSchema>;
  #state: Columns<WindowSchema>;
  #watermark = -Infinity;
  /** Where each series is. */
  #slots = new Map<number, number>();

  constructor(config: Record<string, unknown>, lead: number) {
    this.#config = window.config.parse(config);
    this.#lead = lead;
    this.schema = window.state!(this.#config, lead);
    this.#operator = this.#create();
    this.#state = this.#allocate();
  }

  /** `row.slot` is the series' own number; where it lies is the rig's affair. */
  push(rows: readonly Row[]): void {
    const batch = allocateBatch([], Math.max(1, rows.length));
    batch.length = rows.length;
    rows.forEach((row, i) => {
      if (!this.#slots.has(row.slot)) this.#slots.set(row.slot, row.slot);
      batch.time[i] = row.time;
      batch.slot[i] = this.#slots.get(row.slot)!;
      batch.value[i] = row.value;
    });
    this.#call((out) => this.#operator.push!(batch, this.#state, out, 0));
  }

  advance(watermark: number): void {
    for (let from = 0; from < CAPACITY; from += BLOCK_SLOTS) {
      const due = [...this.timers].filter(([slot, time]) => slot >= from && slot < from + BLOCK_SLOTS && time <= watermark);
      for (const [slot] of due) this.timers.delete(slot);
      if (due.length > 0) this.#call((out) => this.#operator.advance!(watermark, from, from + BLOCK_SLOTS, this.#state, out));
    }
    for (const [slot, time] of this.timers) if (time <= watermark) throw new Error(`the timer of slot ${slot} is still due`);
    this.#watermark = watermark;
  }

  /** Moves every series to another slot of a new operator. */
  move(): void {
    const operator = this.#create();
    const state = this.#allocate();
    const slots = new Map<number, number>();
    const timers = new Map<number, number>();
    for (const [series, slot] of this.#slots) {
      const to = (slot + BLOCK_SLOTS + 5) % CAPACITY;
      for (const [name, spec] of Object.entries(this.schema) as [keyof WindowSchema, ColumnSpec][]) {
        const { per = 1, planes = 1 } = typeof spec === 'string' ? {} : spec;
        for (let plane = 0; plane < planes; plane++) {
          const at = placeIn(slot, plane, planes) * per;
          state[name].set(this.#state[name].subarray(at, at + per), placeIn(to, plane, planes) * per);
        }
      }
      const saved = this.#operator.save!(slot);
      if (saved !== undefined) operator.restore!(to, Buffer.from(saved));
      slots.set(series, to);
      if (this.timers.has(slot)) timers.set(to, this.timers.get(slot)!);
    }
    this.timers.clear();
    for (const [slot, time] of timers) this.timers.set(slot, time);
    this.#operator = operator;
    this.#state = state;
    this.#slots = slots;
  }

  saved(slot: number): number {
    return this.#operator.save!(slot)?.length ?? 0;
  }

  #create(): Operator<WindowSchema> {
    return window.create(this.#config, { node: 'w', lead: this.#lead, seed: 1, self: 0, names: undefined as never });
  }

  #allocate(): Columns<WindowSchema> {
    const entries = Object.entries(this.schema).map(([name, spec]) => [name, new ARRAYS[typeOf(spec)](CAPACITY * perSlot(spec))] as const);
    return Object.fromEntries(entries) as unknown as Columns<WindowSchema>;
  }

  /** Runs a call, with fresh columns to write to, and takes what it has written. */
  #call(run: (out: Output) => void): void {
    const columns = Object.fromEntries(this.#config.aggregates.map((name) => [name, new Float64Array(ROWS_A_CALL).fill(-1e-300)]));
    const rows: { slot: number; end: number; value: number }[] = [];
    const series = new Map([...this.#slots].map(([of, slot]) => [slot, of]));
    run({
      columns,
      watermark: this.#watermark,
      reserve: () => rows.length,
      append: (end, slots, length, values) => {
        for (let j = 0; j < length; j++) rows.push({ slot: series.get(slots[j]!)!, end, value: values[rows.length]! });
      },
      row: (end, slot, value) => rows.push({ slot: series.get(slot)!, end, value }) - 1,
      late: (batch, i, reason) => void this.late.push({ time: batch.time[i]!, slot: series.get(batch.slot[i]!)!, value: batch.value[i]!, reason }),
      wake: (slot, time) => void this.timers.set(slot, time),
      extend: () => columns,
      finding: () => undefined,
      ask: () => undefined,
    });
    rows.forEach(({ slot, end, value }, i) => {
      const aggregates = Object.fromEntries(this.#config.aggregates.map((name) => [name, columns[name]![i]!]));
      if (!Object.is(value, aggregates[this.#config.aggregates[0]!])) throw new Error('the value is not the first aggregate');
      this.results.push({ slot, end, aggregates });
    });
  }
}

const numbers = ['count', 'sum', 'mean', 'stddev', 'variance', 'min', 'max', 'first', 'last'] as const;
const every = [...numbers, 'p10', 'p50', 'p99.9', 'increase', 'rate'];

/** The aggregates of samples in order of arrival, each computed anew from all of them. */
function naive(rows: readonly Row[]): Record<string, number> {
  const values = rows.map(({ value }) => value);
  const ordered = rows.toSorted((a, b) => a.time - b.time);
  const sorted = values.toSorted((a, b) => a - b);
  const count = rows.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  let increase = 0;
  for (let i = 1; i < count; i++) increase += ordered[i]!.value >= ordered[i - 1]!.value ? ordered[i]!.value - ordered[i - 1]!.value : ordered[i]!.value;
  const elapsed = ordered.at(-1)!.time - ordered[0]!.time;
  const quantile = (q: number): number => sorted[Math.floor(q * (count - 1))]!;
  return {
    count,
    sum: mean * count,
    mean,
    variance,
    stddev: Math.sqrt(variance),
    min: sorted[0]!,
    max: sorted.at(-1)!,
    first: ordered[0]!.value,
    last: ordered.at(-1)!.value,
    p10: quantile(0.1),
    p50: quantile(0.5),
    'p99.9': quantile(0.999),
    increase: elapsed > 0 ? increase : NaN,
    rate: elapsed > 0 ? (1_000 * increase) / elapsed : NaN,
  };
}

function differs(name: string, got: number, expected: number): boolean {
  if (Number.isNaN(expected)) return !Number.isNaN(got);
  const tolerance = /^p\d/.test(name) ? 0.01 + 1e-9 : 1e-9;
  return !(Math.abs(got - expected) <= tolerance * Math.abs(expected) + 1e-7);
}

interface Run {
  readonly slide: number;
  readonly panes: number;
  readonly lateness: number;
  readonly steps: readonly ({ readonly row: { ago: number; slot: number; value: number } } | { readonly watermark: number } | { readonly move: true })[];
}
const LEAD = 12_000;
const START = 1_700_000_000_000;

const runs = fc.record({
  slide: fc.constantFrom(500, 1_000, 3_000, 10_000),
  panes: fc.integer({ min: 1, max: 6 }),
  lateness: fc.constantFrom(0, 700, 4_000, 11_000),
  steps: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.record({ row: fc.record({ ago: fc.oneof(fc.integer({ min: -LEAD, max: 14_000 }), fc.integer({ min: -3, max: 3 }).map((seconds) => 1_000 * seconds)), slot: fc.integer({ min: 0, max: 2 }), value: fc.integer({ min: -50, max: 1_000 }) }) }) },
      { weight: 4, arbitrary: fc.record({ watermark: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 40_000 })) }) },
      { weight: 1, arbitrary: fc.constant({ move: true as const }) },
    ),
    { maxLength: 120 },
  ),
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
  const bytes = (config: Record<string, unknown>, lead: number): number =>
    Object.values(new Rig(config, lead).schema).reduce((sum, spec) => sum + perSlot(spec) * ARRAYS[typeOf(spec)].BYTES_PER_ELEMENT, 0);
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
  t.match(problem({}), /^size: /);
});
