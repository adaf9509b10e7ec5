import { allocateBatch, type Batch } from './batch.js';
import type { Ask, Decided } from './ask.js';
import type { Time } from './clock.js';
import { compareFindings, type Finding } from './finding.js';
import { BATCH_ROWS, BLOCK_SHIFT, BLOCK_SLOTS, FINDINGS_PER_MINUTE } from './limits.js';
import { LookUp } from './look-up.js';
import type { ThreadNames } from './names.js';
import { NodeError } from './node-error.js';
import type { AnyOperator, Operator, Output } from './operator.js';
import type { Plan, PlannedOperator } from './plan.js';
import { partitionOf } from './series.js';
import { State, type SavedColumns } from './state.js';
import { NodeField, type Stats } from './stats.js';
import { WatermarkMerge } from './watermark.js';

/** Where a stage's output goes besides its fused consumers: the actor's outlets and the training pool. */
export interface Downstream {
  rows(node: PlannedOperator, outlet: 'rows' | 'late', batch: Batch): void;
  finding(node: PlannedOperator, finding: Finding): void;
  watermark(node: PlannedOperator, time: Time, idle: boolean): void;
  ask(node: PlannedOperator, ask: Ask): void;
}

/** A stage as saved at a barrier. */
export interface SavedStage {
  readonly node: string;
  readonly type: string;
  readonly version: number;
  readonly meaning: string;
  readonly columns: SavedColumns;
  /** What is kept outside columns: [slot, bytes]. */
  readonly kept: readonly (readonly [number, Uint8Array])[];
  readonly watermark: Time;
  readonly findings: readonly (readonly Finding[])[];
  readonly asks: readonly Ask[];
}

/** Blocks of slots in one step of an advance: what they give fills a batch, in well under a millisecond. */
const BLOCKS_A_STEP = 16;

/**
 * One node of the graph on one shard: the operator with all that the engine does for it: look-up of
 * derived series, state, timers, findings held until the watermark has passed them, watermarks.
 */
export class Stage implements Output {
  readonly node: PlannedOperator;
  readonly state: State;
  readonly watermarks: WatermarkMerge;
  readonly columns: Readonly<Record<string, Float64Array>>;
  /** Consumers in the same actor. */
  readonly fused: { stage: Stage; port: number; late: boolean }[] = [];
  /** Asked and not yet learnt. */
  readonly asks: Ask[] = [];
  readonly #operator: Operator;
  readonly #definition: AnyOperator;
  readonly #names: ThreadNames;
  readonly #down: Downstream;
  readonly #stats: Stats;
  readonly #decided: Decided;
  /** Rows being appended. */
  readonly #rows: Batch;
  readonly #late: Batch;
  /** A row outlet that is all of the batch at hand. */
  #extended: Batch | undefined;
  readonly #passes: readonly string[];
  readonly #lookUps: LookUp[] = [];
  /** By port, until the watermark has passed them. */
  readonly #findings: Finding[][];
  /** Index in `watermarks` of the first input of each port, and how many each has. */
  readonly #inputs: readonly { first: number; count: number }[];
  /** New findings by partition in the last minute in which it had any. */
  readonly #told = new Map<number, { minute: number; count: number }>();
  #watermark: Time = -Infinity;
  #idle = false;
  #restored = false;
  readonly #dueSlots = new Uint32Array(BLOCK_SLOTS);
  readonly #dueTimes = new Float64Array(BLOCK_SLOTS);

  constructor(node: PlannedOperator, definition: AnyOperator, plan: Plan, names: ThreadNames, self: number, down: Downstream, stats: Stats, decided: Decided = () => undefined) {
    this.#decided = decided;
    this.node = node;
    this.#definition = definition;
    this.#names = names;
    this.#down = down;
    this.#stats = stats;
    this.state = new State(definition.state?.(node.spec.config, node.lead) ?? {});
    const columns = node.columns ?? [];
    this.#passes = columns.filter((name) => !(definition.ports(node.spec.config).output.rows ?? []).includes(name));
    this.#rows = allocateBatch(columns);
    this.#late = allocateBatch([]);
    this.columns = this.#rows.columns;
    this.#findings = node.inputs.map(() => []);
    let first = 0;
    this.#inputs = node.inputs.map((input) => {
      // A link from another actor brings one watermark from each shard.
      const count = input.kind === 'link' && plan.links[input.link]!.from.kind === 'operator' ? plan.shards : 1;
      const at = { first, count };
      first += count;
      return at;
    });
    this.watermarks = new WatermarkMerge(first);
    this.#operator = definition.create(node.spec.config, { node: node.spec.name, names: names.at(node.index), lead: node.lead, seed: plan.seed, self });
  }

  /** Everything that has come with time below it is dealt with. */
  get watermark(): Time {
    return this.#watermark;
  }

  // Input.

  /** Rows of a port; `looked`: their slots are this node's already. */
  push(batch: Batch, port: number, looked: boolean): void {
    const own = looked || !this.node.derives ? batch : (this.#lookUps[port] ??= new LookUp()).apply(batch, this.#names.derivation(this.node.index, port));
    if (own.length === 0 || this.#operator.push === undefined) return;
    this.#stats.addNode(this.node.index, NodeField.rowsIn, own.length);
    try {
      this.#operator.push(own, this.state.columns, this, port);
      this.emit();
    } catch (error) {
      throw NodeError.of(this.node, `in ${own.length} rows of port ${port}, the first at ${own.time[0]} of ${this.#names.text(own.slot[0]!)}`, error);
    }
  }

  receive(finding: Finding, port: number): void {
    const takes = this.#definition.ports(this.node.spec.config).input.findings ?? [];
    if (takes.includes(finding.kind)) this.#findings[port]!.push(finding);
  }

  setWatermark(port: number, shard: number, time: Time, idle: boolean): void {
    const { first, count } = this.#inputs[port]!;
    this.watermarks.set(first + (count === 1 ? 0 : shard), time, idle);
  }

  /** The shard has promised more to the port than another shard of the same sender. */
  isAhead(port: number, shard: number): boolean {
    const { first, count } = this.#inputs[port]!;
    return count > 1 && this.watermarks.isAhead(first + shard, first, count);
  }

  // Advance, in steps: findings that the watermark has passed, then timers, then answers.

  /** True when there is something to do for the present watermark. */
  get behind(): boolean {
    return this.#restored || this.watermarks.time > this.#watermark || this.watermarks.idle !== this.#idle;
  }

  /** One step. `done`: it has caught up, and has told its consumers. `waits`: for a training task's answer. */
  step(live: boolean): 'more' | 'done' | 'waits' {
    const time = this.watermarks.time;
    if (this.#restored) {
      // Its consumers hear again what they heard before the barrier. What was set behind the watermark waits for the next, as it would have.
      this.#restored = false;
      this.watermarks.restore(this.#watermark);
      this.#passOn(this.#watermark);
      return 'done';
    }
    if (time === this.#watermark) {
      // News of idleness alone: no time has passed.
      this.#passOn(time);
      return 'done';
    }
    try {
      this.#receivePassed(time);
      for (let n = 0; n < BLOCKS_A_STEP; n++) {
        const block = this.state.dueBlock(time);
        if (block >= 0) {
          this.#fire(block, time);
          continue;
        }
        this.emit();
        if (!this.#learnDue(time, live)) return 'waits';
        // What was learnt may have set timers, or asked again.
        if (this.state.dueBlock(time) >= 0 || this.asks.some((ask) => ask.due <= time && (ask.answer !== undefined || !live || ask.waits))) continue;
        this.#passOn(time);
        return 'done';
      }
      this.emit();
      return 'more';
    } catch (error) {
      throw NodeError.of(this.node, `at watermark ${time}`, error);
    }
  }

  /** Of all ports together, in one order. */
  #receivePassed(time: Time): void {
    const passed: { finding: Finding; port: number }[] = [];
    for (const [port, held] of this.#findings.entries()) {
      if (held.length === 0) continue;
      for (const finding of held) if (finding.time < time) passed.push({ finding, port });
      this.#findings[port] = held.filter((finding) => !(finding.time < time));
    }
    if (passed.length === 0) return;
    passed.sort((a, b) => compareFindings(a.finding, b.finding) || a.port - b.port);
    for (const { finding, port } of passed) this.#operator.receive?.(finding, this.state.columns, this, port);
    this.emit();
  }

  #fire(block: number, time: Time): void {
    const count = this.state.takeDue(block, time, this.#dueSlots, this.#dueTimes);
    const operator = this.#operator;
    if (operator.advance !== undefined) {
      if (count > 0) operator.advance(time, block << BLOCK_SHIFT, (block + 1) << BLOCK_SHIFT, this.state.columns, this);
    } else for (let i = 0; i < count; i++) operator.wake?.(this.#dueSlots[i]!, this.#dueTimes[i]!, this.state.columns, this);
  }

  /** False: an answer is due and not there, and must be waited for. Live, the main thread moves the due of a late one. */
  #learnDue(time: Time, live: boolean): boolean {
    const due = this.asks.filter((ask) => ask.due <= time);
    if (due.some((ask) => ask.answer === undefined && (!live || ask.waits))) return false;
    due.sort((a, b) => a.due - b.due || (this.#names.member(a.slot) < this.#names.member(b.slot) ? -1 : 1));
    for (const ask of due) {
      if (ask.answer === undefined) continue;
      this.asks.splice(this.asks.indexOf(ask), 1);
      this.#operator.learn?.(ask.slot, ask.answer, this.state.columns, this);
    }
    this.emit();
    return true;
  }

  #passOn(time: Time): void {
    this.#watermark = time;
    this.#idle = this.watermarks.idle;
    const out = time - this.node.delay;
    for (const { stage, port } of this.fused) stage.setWatermark(port, 0, out, this.#idle);
    this.#down.watermark(this.node, out, this.#idle);
    this.#stats.setNode(this.node.index, NodeField.watermark, out);
  }

  // Output, as the operator sees it.

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
    for (const name of this.node.columns ?? []) columns[name] = this.#passes.includes(name) ? batch.columns[name]! : new Float64Array(batch.length);
    this.#extended = { length: batch.length, time: batch.time, slot: batch.slot, value: batch.value, flags: batch.flags, columns };
    return columns;
  }

  finding(finding: Finding): void {
    // What is known already may always change and close; a storm of new ones is counted.
    if (finding.revision === 1 && !this.#admit(finding)) {
      this.#stats.addNode(this.node.index, NodeField.capped, 1);
      return;
    }
    this.#stats.addNode(this.node.index, NodeField.findings, 1);
    for (const { stage, port, late } of this.fused) if (!late) stage.receive(finding, port);
    this.#down.finding(this.node, finding);
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
    this.#stats.addNode(this.node.index, reason === 'late' ? NodeField.late : NodeField.ahead, 1);
    const late = this.#late;
    if (late.length === BATCH_ROWS) this.#emitLate();
    const i = late.length++;
    late.time[i] = batch.time[index]!;
    late.slot[i] = batch.slot[index]!;
    late.value[i] = batch.value[index]!;
    late.flags[i] = batch.flags[index]!;
  }

  wake(slot: number, time: Time): void {
    this.state.wake(slot, time);
  }

  ask(slot: number, task: string, input: Uint8Array, due: Time): void {
    this.#ask({ slot, task, input, asked: due, due, waits: false });
  }

  #ask(ask: Ask): void {
    const due = this.#decided(this.node.spec.name, this.#names.text(ask.slot), this.#names.member(ask.slot), ask.task, ask.asked);
    if (due !== undefined) Object.assign(ask, { due, waits: true });
    this.asks.push(ask);
    if (ask.answer === undefined) this.#down.ask(this.node, ask);
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
    if (!late) this.#stats.addNode(this.node.index, NodeField.rowsOut, batch.length);
    for (const consumer of this.fused) if (consumer.late === late) consumer.stage.push(batch, consumer.port, false);
    this.#down.rows(this.node, late ? 'late' : 'rows', batch);
  }

  // State.

  save(blocks: readonly number[]): SavedStage {
    const kept: [number, Uint8Array][] = [];
    if (this.#operator.save !== undefined) {
      for (const block of blocks) {
        for (let slot = block << BLOCK_SHIFT; slot < (block + 1) << BLOCK_SHIFT; slot++) {
          const bytes = this.#operator.save(slot);
          if (bytes !== undefined) kept.push([slot, bytes]);
        }
      }
    }
    return {
      node: this.node.spec.name,
      type: this.node.spec.type,
      version: this.#definition.version,
      meaning: this.#meaning,
      columns: this.state.save(blocks),
      kept,
      watermark: this.#watermark,
      findings: this.#findings.map((held) => [...held]),
      asks: this.asks.map((ask) => ({ ...ask })),
    };
  }

  get #meaning(): string {
    return this.#definition.meaning?.(this.node.spec.config, this.node.lead) ?? '';
  }

  /** Takes back what one shard saved, as far as `owns` says; call once for each shard that saved. Returns what a person should know. */
  restore(saved: SavedStage, owns: (block: number) => boolean): string | undefined {
    const name = this.node.spec.name;
    if (saved.type !== this.node.spec.type) throw new Error(`${name} was saved as ${saved.type} and is now ${this.node.spec.type}: rename the node, or start without the checkpoint`);
    if (saved.version !== this.#definition.version) {
      throw new Error(`the state of ${name} (${saved.type}) has version ${saved.version} in the checkpoint, this build reads version ${this.#definition.version}: start without the checkpoint, or with the build that wrote it`);
    }
    // Shards that read their sources themselves may stand at different ones.
    this.#watermark = this.#restored ? Math.min(this.#watermark, saved.watermark) : saved.watermark;
    this.#restored = true;
    if (saved.meaning !== this.#meaning) return `${name} (${saved.type}) was configured otherwise when its state was saved (${saved.meaning}, now ${this.#meaning}): it begins anew`;
    try {
      this.state.restore(saved.columns, owns);
    } catch (error) {
      throw new Error(`the state of ${name} (${saved.type}) in the checkpoint is not as this build keeps it (${(error as Error).message}): start without the checkpoint, or with the build that wrote it`, { cause: error });
    }
    for (const [slot, bytes] of saved.kept) if (owns(slot >> BLOCK_SHIFT)) this.#operator.restore?.(slot, bytes);
    for (const ask of saved.asks) {
      if (!owns(ask.slot >> BLOCK_SHIFT)) continue;
      this.#ask({ ...ask });
    }
    for (const [port, held] of saved.findings.entries()) {
      for (const finding of held) if (this.#names.owner[partitionOf(this.node.route === 'one' ? this.node.spec.name : finding.series, this.#names.partitions)] === this.#stats.shard) this.#findings[port]?.push(finding);
    }
    return undefined;
  }

  release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.state.clear(slot);
      this.#operator.release?.(slot);
    }
    for (let i = this.asks.length - 1; i >= 0; i--) if (slots.includes(this.asks[i]!.slot)) this.asks.splice(i, 1);
  }
}
