import fc from 'fast-check';
import { allocateBatch } from '../../engine/batch.js';
import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type ColumnSpec, type Columns, type Operator, type Output, type StateSchema } from '../../engine/operator.js';
import window from '../../operators/window/definition.js';

export interface Row {
  readonly time: number;
  readonly slot: number;
  readonly value: number;
}
export interface Result {
  readonly slot: number;
  readonly end: number;
  readonly aggregates: Readonly<Record<string, number>>;
}
type Config = ReturnType<typeof window.config.parse>;

const ARRAYS = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array };
const perSlot = (spec: ColumnSpec): number => (typeof spec === 'string' ? 1 : spec.per * (spec.planes ?? 1));
const typeOf = (spec: ColumnSpec): keyof typeof ARRAYS => (typeof spec === 'string' ? spec : spec.type);

export const CAPACITY = 3 * BLOCK_SLOTS;
/** How far rows are ahead of the watermark at most in `steps`, ms. */
export const LEAD = 12_000;
/** Before the first row; ms. */
export const START = 1_700_000_000_000;

/** What may happen: a row, so long before the watermark; the watermark, so much further; all series move. */
export type Step = { readonly row: { readonly ago: number; readonly slot: number; readonly value: number } } | { readonly watermark: number } | { readonly move: true };

/** Rows out of order, late, ahead, of equal times and at whole seconds. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ row: fc.record({ ago: fc.oneof(fc.integer({ min: -LEAD, max: 14_000 }), fc.integer({ min: -3, max: 3 }).map((seconds) => 1_000 * seconds)), slot: fc.integer({ min: 0, max: 2 }), value: fc.integer({ min: -50, max: 1_000 }) }) }) },
    { weight: 4, arbitrary: fc.record({ watermark: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 40_000 })) }) },
    { weight: 1, arbitrary: fc.constant({ move: true as const }) },
  ),
  { maxLength: 120 },
);

const ROWS_A_CALL = 20_000;

/** The window operator with a watermark, timers, and slots that can be moved, as the engine gives them. */
export class Rig {
  readonly results: Result[] = [];
  readonly late: (Row & { reason: string })[] = [];
  readonly timers = new Map<number, number>();
  readonly #schema: StateSchema;
  readonly #config: Config;
  readonly #lead: number;
  readonly #outputs: readonly string[];
  #operator: Operator<StateSchema>;
  #state: Columns<StateSchema>;
  #watermark = -Infinity;
  /** Where each series is. */
  #slots = new Map<number, number>();

  constructor(config: Record<string, unknown>, lead: number) {
    this.#config = window.config.parse(config);
    this.#lead = lead;
    this.#outputs = window.ports(this.#config).output.rows!;
    this.#schema = window.state!(this.#config, lead);
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
      for (const [name, spec] of Object.entries(this.#schema) as [string, ColumnSpec][]) {
        const { per = 1, planes = 1 } = typeof spec === 'string' ? {} : spec;
        for (let plane = 0; plane < planes; plane++) {
          const at = placeIn(slot, plane, planes) * per;
          state[name]!.set(this.#state[name]!.subarray(at, at + per), placeIn(to, plane, planes) * per);
        }
      }
      const saved = this.#operator.save?.(slot);
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

  /** Of the columns. */
  get bytesPerSeries(): number {
    return Object.values(this.#schema).reduce((sum, spec) => sum + perSlot(spec) * ARRAYS[typeOf(spec)].BYTES_PER_ELEMENT, 0);
  }

  /** Bytes that are kept of a slot outside columns. */
  saved(slot: number): number {
    return this.#operator.save?.(slot)?.length ?? 0;
  }

  #create(): Operator<StateSchema> {
    return window.create(this.#config, { node: 'w', lead: this.#lead, seed: 1, self: 0, names: undefined as never });
  }

  #allocate(): Columns<StateSchema> {
    const entries = Object.entries(this.#schema).map(([name, spec]) => [name, new ARRAYS[typeOf(spec)](CAPACITY * perSlot(spec))] as const);
    return Object.fromEntries(entries) as unknown as Columns<StateSchema>;
  }

  /** Runs a call, with fresh columns to write to, and takes what it has written. */
  #call(run: (out: Output) => void): void {
    const columns = Object.fromEntries(this.#outputs.map((name) => [name, new Float64Array(ROWS_A_CALL).fill(-1e-300)]));
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
      const aggregates = Object.fromEntries(this.#outputs.map((name) => [name, columns[name]![i]!]));
      if (!Object.is(value, aggregates[this.#config.aggregates[0]!])) throw new Error('the value is not the first aggregate');
      this.results.push({ slot, end, aggregates });
    });
  }
}

export const numbers = ['count', 'sum', 'mean', 'stddev', 'variance', 'min', 'max', 'first', 'last'] as const;
export const every = [...numbers, 'p10', 'p50', 'p99.9', 'increase', 'rate'];

/** The aggregates of samples in order of arrival, each computed anew from all of them. */
export function naive(rows: readonly Row[]): Record<string, number> {
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

export function differs(name: string, got: number, expected: number): boolean {
  if (Number.isNaN(expected)) return !Number.isNaN(got);
  const tolerance = /^p\d/.test(name) ? 0.01 + 1e-9 : 1e-9;
  return !(Math.abs(got - expected) <= tolerance * Math.abs(expected) + 1e-7);
}
