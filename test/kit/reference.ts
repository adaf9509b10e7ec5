import { allocateBatch, type Batch } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import { compareFindings, findingSchema, type Finding } from '../../engine/finding.js';
import { BATCH_ROWS, BLOCK_SLOTS } from '../../engine/limits.js';
import type { AnyOperator, ColumnSpec, Columns, Derived, Example, Names, Operator, Output, StateSchema } from '../../engine/operator.js';
import { NO_SLOT, seriesText, type Series } from '../../engine/series.js';
import { formatOutcome, parseMessages, type LateRow, type Message, type Outcome, type OutputRow } from './text.js';

/**
 * The operator contract, run as plainly as can be: one operator, one message after the other, in maps
 * and arrays. It shares no code with the engine and is the oracle that the engine is held against.
 *
 * At a watermark W, in this order:
 * 1. findings with time < W are received, by (time, id, revision);
 * 2. timers due at or before W: `wake` by (time, slot), until none is left; or `advance` block by block,
 *    by slot. The engine goes block by block in both cases: what comes out must not depend on the order
 *    of slots;
 * 3. answers due at or before W are learnt, by (due, order of asking); timers that they set and that are
 *    due already fire, and so on until nothing is due.
 * After the last message the watermark goes to Infinity.
 *
 * It is stricter than the engine where an operator's mistake would show only now and then: further
 * columns must all be set, findings must meet their schema and `ports`, a batch is overwritten after
 * the call that borrowed it, rows must not come out further behind the watermark than `delay`.
 */
export function runReference(definition: AnyOperator, config: unknown, messages: readonly Message[]): Outcome & { readonly refused: readonly string[] } {
  const reference = new Reference(definition, config, leadOf(messages));
  for (const message of messages) {
    switch (message.type) {
      case 'row':
        reference.push(message);
        break;
      case 'finding':
        reference.hold(message.finding, message.port);
        break;
      case 'watermark':
        reference.advance(message.time);
        break;
      default:
        message satisfies never;
    }
  }
  reference.advance(Infinity);
  return reference;
}

/** The lines that a documented example gives. */
export function runExample(definition: AnyOperator, example: Example): string[] {
  return formatOutcome(runReference(definition, definition.config.parse(example.config), parseMessages(example.input)));
}

/** How far rows are ahead of the watermark; before the first watermark, ahead of the oldest row. */
export function leadOf(messages: readonly Message[]): number {
  let oldest = Infinity;
  for (const message of messages) if (message.type === 'row') oldest = Math.min(oldest, message.row.time);
  let lead = 1_000;
  let watermark = oldest;
  for (const message of messages) {
    if (message.type === 'watermark') watermark = Math.max(watermark, message.time);
    else if (message.type === 'row') lead = Math.max(lead, message.row.time - watermark);
  }
  return lead;
}

/** Calls at one watermark after which an operator is taken to set timers for ever. */
const CALLS_AT_ONE_WATERMARK = 100_000;

/** A value that no operator gives: where it is seen, a column was not set. */
const UNSET = -1.234_567_890_123e-300;

interface SlotEntry {
  readonly text: string;
  readonly series: Series;
  /** Of a member: the slot of its group and its text. */
  readonly group?: number;
  readonly member?: string;
  /** A member under whose own series rows come out. */
  readonly gives?: boolean;
}

class Reference implements Outcome {
  readonly rows: OutputRow[] = [];
  readonly findings: Finding[] = [];
  readonly late: LateRow[] = [];
  /** Series whose name at this node another series has already. */
  readonly refused: string[] = [];

  readonly #definition: AnyOperator;
  readonly #operator: Operator;
  readonly #schema: StateSchema;
  readonly #inputColumns: readonly string[];
  readonly #outputColumns: readonly string[];
  readonly #takes: readonly string[];
  readonly #kinds: readonly string[];
  readonly #delay: number;
  readonly #derive: (of: Series, port: number) => readonly Derived[];

  #state: Columns<StateSchema> = {};
  #capacity = 0;
  readonly #slots: SlotEntry[] = [];
  readonly #slotOf = new Map<string, number>();
  /** By text of the series at this node: the input series that has it. */
  readonly #owner = new Map<string, string>();
  readonly #timers = new Map<number, Time>();
  #held: { finding: Finding; port: number }[] = [];
  #asked: { slot: number; due: Time; answer: Uint8Array }[] = [];

  #watermark = -Infinity;
  /** Of timers and answers at this watermark. */
  #calls = 0;
  /** Time of the oldest row that came behind the watermark: what follows from it may be as old. */
  #oldest = Infinity;
  /** The batch at hand, during `push`. */
  #batch: Batch | undefined;
  /** Rows whose further columns may still be set: they are taken at the end of the call. `passed`: columns of the row they extend. */
  #open: { time: Time; slot: number; value: number; flags: number; passed: Record<string, number> }[] = [];
  #columns: Record<string, Float64Array> = {};
  #extended = false;

  readonly #names: Names = {
    series: (slot) => this.#entry(slot).series,
    text: (slot) => this.#entry(slot).text,
    group: (member) => this.#entry(member).group ?? member,
    member: (slot) => this.#entry(slot).member ?? this.#entry(slot).text,
    members: (group) =>
      this.#slots
        .flatMap((entry, slot) => (entry.group === group ? [slot] : []))
        .sort((a, b) => (this.#slots[a]!.member! < this.#slots[b]!.member! ? -1 : 1)),
  };

  readonly #out: Output;

  constructor(definition: AnyOperator, config: unknown, lead: number) {
    const ports = definition.ports(config);
    this.#definition = definition;
    this.#inputColumns = ports.input.rows ?? [];
    this.#outputColumns = ports.output.rows ?? [];
    this.#takes = ports.input.findings ?? [];
    this.#kinds = ports.output.findings ?? [];
    this.#delay = definition.delay?.(config) ?? 0;
    this.#derive = definition.series?.(config) ?? ((series) => [{ series }]);
    this.#schema = definition.state?.(config, lead) ?? {};
    // As in the engine: before the first series there are columns, of no slots.
    this.#state = Object.fromEntries(Object.entries(this.#schema).map(([name, spec]) => [name, allocateColumn(spec, 0)]));
    this.#out = this.#output(ports.output.rows !== undefined, ports.output.passes === true, ports.output.late === true);
    this.#clearColumns();
    let self = NO_SLOT;
    if (definition.route?.(config) === 'one') {
      this.#owner.set(definition.name, 'the node itself');
      self = this.#slot(definition.name, { text: definition.name, series: { name: definition.name, labels: {} } });
    }
    this.#operator = definition.create(config, { node: definition.name, names: this.#names, lead, self, seed: 1 });
  }

  push({ row, port }: Extract<Message, { type: 'row' }>): void {
    for (const name of this.#inputColumns) {
      if (!(name in row.columns)) fail(`${this.#definition.name} takes rows with the column ${name}, which the row at ${row.time} ms lacks`);
    }
    if (row.time < this.#watermark) this.#oldest = Math.min(this.#oldest, row.time);
    for (const slot of this.#intern(row.series, port)) {
      const batch = allocateBatch(Object.keys(row.columns), 4);
      batch.time.fill(NaN);
      batch.slot.fill(0xffffffff);
      batch.value.fill(NaN);
      batch.length = 1;
      batch.time[0] = row.time;
      batch.slot[0] = slot;
      batch.value[0] = row.value;
      batch.flags[0] = row.flags;
      for (const [name, value] of Object.entries(row.columns)) batch.columns[name]![0] = value;
      if (this.#operator.push === undefined) fail(`${this.#definition.name} takes no rows`);
      this.#batch = batch;
      this.#operator.push(batch, this.#state, this.#out, port);
      this.#endOfCall();
      this.#batch = undefined;
      // Borrowed until here.
      batch.time.fill(NaN);
      batch.value.fill(NaN);
      batch.slot.fill(0xffffffff);
    }
  }

  /** Kinds that the operator does not take do not reach it. */
  hold(finding: Finding, port: number): void {
    if (this.#takes.includes(finding.kind)) this.#held.push({ finding, port });
  }

  advance(watermark: Time): void {
    const due = this.#held.filter(({ finding }) => finding.time < watermark).sort((a, b) => compareFindings(a.finding, b.finding));
    this.#held = this.#held.filter(({ finding }) => !(finding.time < watermark));
    for (const { finding, port } of due) {
      if (this.#operator.receive === undefined) fail(`${this.#definition.name} takes no findings`);
      this.#operator.receive(structuredClone(finding), this.#state, this.#out, port);
      this.#endOfCall();
    }
    do {
      this.#fire(watermark);
      this.#learn(watermark);
    } while (this.#isDue(watermark));
    this.#watermark = watermark;
    this.#calls = 0;
  }

  #isDue(watermark: Time): boolean {
    return [...this.#timers.values()].some((time) => time <= watermark) || this.#asked.some(({ due }) => due <= watermark);
  }

  #learn(watermark: Time): void {
    const answers = this.#asked.filter(({ due }) => due <= watermark).sort((a, b) => a.due - b.due);
    this.#asked = this.#asked.filter(({ due }) => !(due <= watermark));
    for (const { slot, answer } of answers) {
      if (this.#operator.learn === undefined) fail(`${this.#definition.name} asks, but has no \`learn\``);
      this.#countCall(watermark);
      this.#operator.learn(slot, answer, this.#state, this.#out);
      this.#endOfCall();
    }
  }

  #countCall(watermark: Time): void {
    this.#calls += 1;
    if (this.#calls <= CALLS_AT_ONE_WATERMARK) return;
    fail(`${this.#definition.name} sets timers without end at watermark ${watermark}: set one only while something waits for it`);
  }

  #fire(watermark: Time): void {
    for (;;) {
      const due = [...this.#timers].filter(([, time]) => time <= watermark).sort(([a, timeA], [b, timeB]) => timeA - timeB || a - b);
      if (due.length === 0) return;
      this.#countCall(watermark);
      if (this.#operator.advance !== undefined) {
        const block = Math.min(...due.map(([slot]) => Math.floor(slot / BLOCK_SLOTS)));
        const from = block * BLOCK_SLOTS;
        const to = from + BLOCK_SLOTS;
        for (const [slot] of due) if (slot >= from && slot < to) this.#timers.delete(slot);
        this.#operator.advance(watermark, from, to, this.#state, this.#out);
      } else if (this.#operator.wake !== undefined) {
        const [slot, time] = due[0]!;
        this.#timers.delete(slot);
        this.#operator.wake(slot, time, this.#state, this.#out);
      } else fail(`${this.#definition.name} sets timers, but has neither \`wake\` nor \`advance\``);
      this.#endOfCall();
    }
  }

  #output(givesRows: boolean, passes: boolean, givesLate: boolean): Output {
    const name = this.#definition.name;
    const columns = (): Record<string, Float64Array> => this.#columns;
    const watermark = (): Time => this.#watermark;
    const output: Output = {
      row: (time, slot, value, flags = 0) => {
        if (!givesRows) fail(`${name} gives rows, but \`ports\` says that it does not`);
        if (this.#extended) fail(`${name} calls both \`row\` and \`extend\``);
        this.#checkTime(time);
        const { group, gives } = this.#entry(slot);
        if (group !== undefined && gives !== true) fail(`${name} gives a row for a member of a group: rows are of series`);
        if (this.#open.length === BATCH_ROWS) this.#take();
        return this.#open.push({ time, slot, value, flags, passed: {} }) - 1;
      },
      reserve: (rows) => {
        if (this.#open.length + rows > BATCH_ROWS) this.#take();
        return this.#open.length;
      },
      append: (time, slots, rows, values) => {
        if (this.#open.length + rows > BATCH_ROWS) fail(`${name} appends rows that it has not reserved room for`);
        for (let j = 0; j < rows; j++) output.row(time, slots[j]!, values[this.#open.length]!);
      },
      extend: (batch) => {
        if (!givesRows) fail(`${name} gives rows, but \`ports\` says that it does not`);
        if (this.#batch === undefined) fail(`${name} extends a batch, but none is at hand`);
        if (this.#extended || this.#open.length > 0) fail(`${name} calls \`extend\` twice, or after \`row\``);
        this.#extended = true;
        for (let i = 0; i < batch.length; i++) {
          const passed = passes ? Object.fromEntries(Object.entries(batch.columns).map(([column, values]) => [column, values[i]!])) : {};
          this.#open.push({ time: batch.time[i]!, slot: batch.slot[i]!, value: batch.value[i]!, flags: batch.flags[i]!, passed });
        }
        return this.#columns;
      },
      get columns() {
        return columns();
      },
      get watermark() {
        return watermark();
      },
      finding: (finding) => {
        findingSchema.parse(finding);
        if (!this.#kinds.includes(finding.kind)) fail(`${name} gives a finding of kind ${finding.kind}, which its \`ports\` does not name`);
        this.findings.push(structuredClone(finding));
      },
      late: (batch, index, reason) => {
        if (!givesLate) fail(`${name} has no output \`late\``);
        if (batch !== this.#batch) fail(`${name} hands on a late row of a batch that is not at hand`);
        this.late.push({ time: batch.time[index]!, series: this.#entry(batch.slot[index]!).text, value: batch.value[index]!, reason });
      },
      wake: (slot, time) => {
        if (Number.isNaN(time)) fail(`${name} sets a timer of slot ${slot} to NaN`);
        if (time === Infinity) this.#timers.delete(slot);
        else this.#timers.set(slot, time);
      },
      ask: (slot, task, input, due) => {
        const run = this.#definition.tasks?.[task] ?? fail(`${name} has no task ${task}`);
        this.#asked.push({ slot, due, answer: run(input.slice()) });
      },
    };
    return output;
  }

  #checkTime(time: Time): void {
    if (!Number.isFinite(time)) fail(`${this.#definition.name} gives a row at time ${time}`);
    const floor = Math.min(this.#watermark - this.#delay, this.#oldest);
    if (time < floor) fail(`${this.#definition.name} gives a row at ${time} ms though it has passed on the watermark ${floor} ms: see \`delay\``);
  }

  #endOfCall(): void {
    this.#take();
    this.#extended = false;
  }

  /** Takes the rows appended so far, with the further columns they have now. */
  #take(): void {
    if (this.#open.length === 0) return;
    this.#open.forEach((row, index) => {
      const columns: Record<string, number> = {};
      Object.assign(columns, row.passed);
      for (const name of this.#outputColumns) {
        const value = this.#columns[name]![index]!;
        if (value === UNSET) fail(`${this.#definition.name} gives a row at ${row.time} ms without setting its column ${name}`);
        columns[name] = value;
      }
      this.rows.push({ time: row.time, series: this.#entry(row.slot).text, value: row.value, flags: row.flags, columns });
    });
    this.#open = [];
    this.#clearColumns();
  }

  #clearColumns(): void {
    this.#columns = {};
    for (const name of this.#outputColumns) this.#columns[name] = new Float64Array(BATCH_ROWS).fill(UNSET);
  }

  #entry(slot: number): SlotEntry {
    return this.#slots[slot] ?? fail(`no series has slot ${slot}`);
  }

  /** Slots of what an input series becomes at this node. */
  #intern(of: Series, port: number): number[] {
    const origin = seriesText(of.name, of.labels);
    return this.#derive(of, port).flatMap(({ series, member, gives }) => {
      const text = seriesText(series.name, series.labels);
      if (member !== undefined) {
        const own = gives === undefined ? { text, series } : { text: seriesText(gives.name, gives.labels), series: gives, gives: true };
        if (gives !== undefined && !this.#claim(own.text, origin)) return [];
        const group = this.#slot(`group ${text}`, { text, series });
        return [this.#slot(`${text}\0${member}`, { ...own, group, member })];
      }
      return this.#claim(text, origin) ? [this.#slot(text, { text, series })] : [];
    });
  }

  #claim(text: string, origin: string): boolean {
    const owner = this.#owner.get(text) ?? origin;
    this.#owner.set(text, owner);
    if (owner !== origin && !this.refused.includes(origin)) this.refused.push(origin);
    return owner === origin;
  }

  #slot(key: string, entry: SlotEntry): number {
    const known = this.#slotOf.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.push(entry) - 1;
    this.#slotOf.set(key, slot);
    if (slot >= this.#capacity) this.#grow();
    return slot;
  }

  /** One more block of slots. Arrays are replaced, as the engine does it. */
  #grow(): void {
    this.#capacity += BLOCK_SLOTS;
    const grown: Record<string, StateColumn> = {};
    for (const [name, spec] of Object.entries(this.#schema)) {
      const column = allocateColumn(spec, this.#capacity);
      column.set((this.#state as Record<string, StateColumn>)[name]!);
      grown[name] = column;
    }
    this.#state = grown;
  }
}

type StateColumn = Float64Array | Uint32Array | Int32Array | Uint8Array;

function allocateColumn(spec: ColumnSpec, slots: number): StateColumn {
  const { type, per: each, planes = 1 } = typeof spec === 'string' ? { type: spec, per: 1 } : spec;
  const per = each * planes;
  switch (type) {
    case 'f64':
      return new Float64Array(slots * per);
    case 'u32':
      return new Uint32Array(slots * per);
    case 'i32':
      return new Int32Array(slots * per);
    case 'u8':
      return new Uint8Array(slots * per);
    default:
      return type satisfies never;
  }
}

function fail(message: string): never {
  throw new Error(message);
}
