import { allocateBatch, type Batch } from './batch.js';
import type { Ask, Decided } from './ask.js';
import type { Time } from './clock.js';
import type { Finding } from './finding.js';
import { BATCH_ROWS, FINDINGS_PER_MINUTE, WATERMARK_STEP_MS } from './limits.js';
import type { ThreadNames } from './names.js';
import type { AnyOperator, Output } from './operator.js';
import type { PlannedOperator } from './plan.js';
import { partitionOf } from './series.js';
import type { Stage } from './stage.js';
import type { State } from './state.js';
import { NodeField, type Stats } from './stats.js';

/** Where a stage's output goes besides its fused consumers: the actor's outlets and the training pool. */
export interface Downstream {
  rows(node: PlannedOperator, outlet: 'rows' | 'late', batch: Batch): void;
  finding(node: PlannedOperator, finding: Finding): void;
  watermark(node: PlannedOperator, time: Time): void;
  /** The node has learnt from the past. */
  present(node: PlannedOperator, again: boolean): void;
  ask(node: PlannedOperator, ask: Ask): void;
}

/** What an operator gives on one shard: rows and late rows, gathered into batches; findings, within the cap; timers; training tasks. */
export class StageOutput implements Output {
  readonly columns: Readonly<Record<string, Float64Array>>;
  /** What the node has dealt with. */
  watermark: Time = -Infinity;
  /** It learns from the past: none of its output goes to a sink, and the stream waits for what is trained meanwhile, as in a replay. */
  learning = false;
  /** Consumers in the same actor. */
  readonly fused: { stage: Stage; port: number; late: boolean }[] = [];
  /** Asked and not yet learnt. */
  readonly asks: Ask[] = [];
  readonly #node: PlannedOperator;
  readonly #names: ThreadNames;
  readonly #state: State;
  readonly #down: Downstream;
  readonly #stats: Stats;
  readonly #decided: Decided;
  /** Rows being appended. */
  readonly #rows: Batch;
  readonly #late: Batch;
  /** A row outlet that is all of the batch at hand. */
  #extended: Batch | undefined;
  readonly #passes: readonly string[];
  /** New findings by partition in the last minute in which it had any. */
  readonly #told = new Map<number, { minute: number; count: number }>();

  constructor(node: PlannedOperator, definition: AnyOperator, names: ThreadNames, state: State, down: Downstream, stats: Stats, decided: Decided) {
    this.#node = node;
    this.#names = names;
    this.#state = state;
    this.#down = down;
    this.#stats = stats;
    this.#decided = decided;
    const columns = node.columns ?? [];
    this.#passes = columns.filter((name) => !(definition.ports(node.spec.config).output.rows ?? []).includes(name));
    this.#rows = allocateBatch(columns);
    this.#late = allocateBatch([]);
    this.columns = this.#rows.columns;
  }

  row(time: Time, slot: number, value: number, flags = 0): number {
    const rows = this.#rows;
    if (rows.length === BATCH_ROWS) this.emit();
    const i = rows.length++;
    rows.time[i] = time;
    rows.slot[i] = slot;
    rows.value[i] = value;
    rows.flags[i] = flags;
    return i;
  }

  reserve(rows: number): number {
    if (this.#rows.length + rows > BATCH_ROWS) this.emit();
    return this.#rows.length;
  }

  append(time: Time, slots: Uint32Array, rows: number, values: Float64Array): void {
    const { length, time: times, slot, value, flags } = this.#rows;
    const end = length + rows;
    for (let i = length, j = 0; i < end; i++, j++) {
      times[i] = time;
      slot[i] = slots[j]!;
      value[i] = values[i]!;
      flags[i] = 0;
    }
    this.#rows.length = end;
  }

  extend(batch: Batch): Readonly<Record<string, Float64Array>> {
    if (this.#rows.length > 0) this.emit();
    if (batch.length <= BATCH_ROWS && this.#passes.length === 0) {
      this.#extended = { length: batch.length, time: batch.time, slot: batch.slot, value: batch.value, flags: batch.flags, columns: this.columns };
      return this.columns;
    }
    const columns: Record<string, Float64Array> = {};
    for (const name of this.#node.columns ?? []) columns[name] = this.#passes.includes(name) ? batch.columns[name]! : new Float64Array(batch.length);
    this.#extended = { length: batch.length, time: batch.time, slot: batch.slot, value: batch.value, flags: batch.flags, columns };
    return columns;
  }

  finding(finding: Finding): void {
    // What is known already may always change and close; a storm of new ones is counted.
    if (finding.revision === 1 && !this.#admit(finding)) {
      this.#stats.addNode(this.#node.index, NodeField.capped, 1);
      return;
    }
    this.#stats.addNode(this.#node.index, NodeField.findings, 1);
    for (const { stage, port, late } of this.fused) if (!late) stage.receive(finding, port, 0);
    this.#down.finding(this.#node, finding);
  }

  /** At most so many new findings a partition and minute of event time: by partition, so that it does not depend on placement. */
  #admit(finding: Finding): boolean {
    const minute = Math.floor(finding.time / 60_000);
    const partition = partitionOf(finding.series, this.#names.partitions);
    const told = this.#told.get(partition);
    if (told === undefined || told.minute !== minute) {
      this.#told.set(partition, { minute, count: 1 });
      return true;
    }
    told.count += 1;
    return told.count <= FINDINGS_PER_MINUTE;
  }

  late(batch: Batch, index: number, reason: 'late' | 'ahead'): void {
    this.#stats.addNode(this.#node.index, reason === 'late' ? NodeField.late : NodeField.ahead, 1);
    const late = this.#late;
    if (late.length === BATCH_ROWS) this.#emitLate();
    const i = late.length++;
    late.time[i] = batch.time[index]!;
    late.slot[i] = batch.slot[index]!;
    late.value[i] = batch.value[index]!;
    late.flags[i] = batch.flags[index]!;
  }

  wake(slot: number, time: Time): void {
    this.#state.wake(slot, time);
  }

  ask(slot: number, task: string, input: Uint8Array, due: Time): void {
    // On the grid of watermarks: where inputs jump, a node stops at each such time.
    this.askFor({ slot, task, input, asked: due, due: Math.ceil(due / WATERMARK_STEP_MS) * WATERMARK_STEP_MS, waits: this.learning });
  }

  /** Also what was asked for before a restart and not answered. */
  askFor(ask: Ask): void {
    const due = this.#decided(this.#node.spec.name, this.#names.text(ask.slot), this.#names.member(ask.slot), ask.task, ask.asked);
    if (due !== undefined) Object.assign(ask, { due, waits: true });
    this.asks.push(ask);
    if (ask.answer === undefined) this.#down.ask(this.#node, ask);
  }

  /** Hands on what the operator has appended or extended so far. */
  emit(): void {
    if (this.#extended !== undefined) {
      const extended = this.#extended;
      this.#extended = undefined;
      this.#send(extended, false);
    }
    if (this.#rows.length > 0) {
      this.#send(this.#rows, false);
      this.#rows.length = 0;
    }
    if (this.#late.length > 0) this.#emitLate();
  }

  #emitLate(): void {
    this.#send(this.#late, true);
    this.#late.length = 0;
  }

  #send(batch: Batch, late: boolean): void {
    if (!late) this.#stats.addNode(this.#node.index, NodeField.rowsOut, batch.length);
    for (const consumer of this.fused) if (consumer.late === late) consumer.stage.push(batch, consumer.port, 0, false);
    this.#down.rows(this.#node, late ? 'late' : 'rows', batch);
  }
}
