import type { Batch } from './batch.js';
import type { Ask, Decided } from './ask.js';
import type { Time } from './clock.js';
import { compareFindings, goesToAll, type Finding } from './finding.js';
import { ADVANCE_SLOTS, BLOCK_SHIFT, BLOCK_SLOTS } from './limits.js';
import { HeldRows, type SavedHeldRow } from './held-rows.js';
import { LookUp } from './look-up.js';
import type { ThreadNames } from './names.js';
import { NodeError } from './node-error.js';
import type { AnyOperator, Operator } from './operator.js';
import { shardsOf, type Plan, type PlannedOperator } from './plan.js';
import { partitionOf } from './series.js';
import { StageOutput, type Downstream } from './stage-output.js';
import type { SavedColumns } from './saved-columns.js';
import { State } from './state.js';
import { NodeField, type Stats } from './stats.js';
import { WatermarkMerge } from './watermark.js';

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
  /** When these are received; not in checkpoints of 0.1.0. */
  readonly dues?: readonly (readonly Time[])[];
  readonly held?: readonly SavedHeldRow[];
  readonly asks: readonly Ask[];
}

interface HeldFinding {
  readonly finding: Finding;
  /** It is received when the watermark is beyond this. */
  readonly due: Time;
}

/** Blocks of slots in one step. */
const BLOCKS_A_STEP = ADVANCE_SLOTS / BLOCK_SLOTS;

/**
 * One node of the graph on one shard: the operator with all that the engine does for it: look-up of
 * derived series, state, timers, findings held until the watermark has passed them, watermarks.
 */
export class Stage {
  readonly node: PlannedOperator;
  readonly state: State;
  readonly watermarks: WatermarkMerge;
  readonly output: StageOutput;
  /** Which inputs are of the present: 1; undefined where the graph never reads the past. */
  readonly #present: WatermarkMerge | undefined;
  /** What is behind the watermark of the past's findings and timers is dealt with before the present: a node that was there before the past was read is ahead of it. */
  #concludes = false;
  readonly #operator: Operator;
  readonly #definition: AnyOperator;
  readonly #names: ThreadNames;
  readonly #down: Downstream;
  readonly #stats: Stats;
  readonly #lookUps: LookUp[] = [];
  /** By port, until the watermark has passed them. */
  readonly #findings: HeldFinding[][];
  readonly #held: HeldRows;
  /** It reads one source, which tells a watermark before each row that moves it: nothing ever waits. */
  readonly #alone: boolean;
  /** Too many wait. */
  #hurries = false;
  #restored = false;
  readonly #dueSlots = new Uint32Array(BLOCK_SLOTS);
  readonly #dueTimes = new Float64Array(BLOCK_SLOTS);

  constructor(node: PlannedOperator, definition: AnyOperator, plan: Plan, names: ThreadNames, self: number, down: Downstream, stats: Stats, decided: Decided = () => undefined) {
    this.node = node;
    this.#definition = definition;
    this.#names = names;
    this.#down = down;
    this.#stats = stats;
    this.state = new State(definition.state?.(node.spec.config, node.lead) ?? {});
    this.output = new StageOutput(node, definition, names, this.state, down, stats, decided);
    this.#findings = node.inputs.map(() => []);
    this.#held = new HeldRows(node.inputs.map(({ columns }) => columns), node.bounded ? node.lead : Infinity);
    const senders = node.inputs.map((input) => (input.kind === 'link' ? shardsOf(plan, input) : 1));
    this.watermarks = new WatermarkMerge(senders);
    this.#alone = node.inputs.length === 1 && node.inputs.every(({ kind, link }) => kind === 'local' || (kind === 'link' && plan.links[link]!.from.kind === 'source'));
    this.#present = plan.sources.some(({ teaches }) => teaches) ? new WatermarkMerge(senders) : undefined;
    this.output.learning = node.learns;
    this.#operator = definition.create(node.spec.config, { node: node.spec.name, names: names.at(node.index), lead: node.lead, seed: plan.seed, self });
  }

  // Input.

  /** Rows of a port, by one of its shards; `looked`: their slots are this node's already. */
  push(batch: Batch, port: number, shard: number, looked: boolean): void {
    const own = looked || !this.node.derives ? batch : (this.#lookUps[port] ??= new LookUp()).apply(batch, this.#names.derivation(this.node.index, port));
    if (this.#operator.push === undefined) return;
    const promised = this.watermarks.of(port, shard);
    const watermark = this.watermarks.time;
    if (this.#alone || this.#held.lets(own, promised, watermark)) this.#take(own, port);
    else {
      this.#take(this.#held.sift(own, port, promised, watermark), port);
      this.#hurries ||= this.#held.full;
    }
  }

  #take(own: Batch, port: number): void {
    if (own.length === 0) return;
    this.#stats.addNode(this.node.index, NodeField.rowsIn, own.length);
    try {
      this.#operator.push!(own, this.state.columns, this.output, port);
      this.output.emit();
    } catch (error) {
      throw NodeError.of(this.node, `in ${own.length} rows of port ${port}, the first at ${own.time[0]} of ${this.#names.text(own.slot[0]!)}`, error);
    }
  }

  receive(finding: Finding, port: number, shard: number): void {
    const takes = this.#definition.ports(this.node.spec.config).input.findings ?? [];
    if (!takes.includes(finding.kind)) return;
    const after = this.watermarks.of(port, shard);
    // A source that gives no rows promises nothing.
    this.#findings[port]!.push({ finding, due: after === Infinity ? finding.time : Math.max(finding.time, after) });
  }

  setWatermark(port: number, shard: number, time: Time): void {
    this.watermarks.set(port, shard, time);
  }

  /**
   * An input has come to the present, by one of its shards. With all of them this node has, and says so, also to those that learn
   * where it does not. `again`: it had before a restart.
   */
  setPresent(port: number, shard: number, again: boolean): void {
    if (this.#present === undefined || this.#present.time === 1) return;
    this.#present.set(port, shard, 1);
    if (this.#present.time !== 1) return;
    if (this.node.learns && !again) this.#concludes = true;
    else this.#becomePresent(again);
  }

  #becomePresent(again: boolean): void {
    this.output.emit();
    this.output.learning = false;
    for (const { stage, port } of this.output.fused) stage.setPresent(port, 0, again);
    this.#down.present(this.node, again);
  }

  /** The shard has promised more to the port than another shard of the same sender. */
  isAhead(port: number, shard: number): boolean {
    return this.watermarks.isAhead(port, shard) || this.#present?.isAhead(port, shard) === true;
  }

  // Advance, in steps: findings that the watermark has passed, then timers, then answers.

  /** True when there is something to do for the present watermark. */
  get behind(): boolean {
    return this.#restored || this.#concludes || this.#hurries || this.watermarks.time > this.output.watermark || this.#held.isDue(this.output.watermark);
  }

  /** One step. `done`: it has caught up, and has told its consumers. `waits`: for a training task's answer. */
  step(live: boolean): 'more' | 'done' | 'waits' {
    // Without an answer that is due and not there.
    const goesOn = live && !this.node.waits;
    let time = this.#target(goesOn);
    if (this.#restored) {
      // Its consumers hear again what they heard before the barrier. What was set behind the watermark waits for the next, as it would have.
      this.#restored = false;
      this.watermarks.restore(this.output.watermark);
      this.#passOn(this.output.watermark);
      return 'done';
    }
    if (this.#pushHeld()) return 'more';
    try {
      this.#receivePassed(time);
      for (let blocks = 0; blocks < BLOCKS_A_STEP; blocks++) {
        const block = this.state.dueBlock(time);
        if (block >= 0) {
          const asks = this.output.asks.length;
          if (this.#operator.advance === undefined) this.#wakeDue(block, time);
          else {
            this.#advance(block, time);
            blocks = BLOCKS_A_STEP;
          }
          if (this.output.asks.length > asks) time = this.#target(goesOn);
          continue;
        }
        this.output.emit();
        if (!this.#learnDue(time, goesOn)) return 'waits';
        // What was learnt may have set timers, or asked again.
        if (this.state.dueBlock(time) >= 0 || this.output.asks.some((ask) => ask.due <= time && (ask.answer !== undefined || !goesOn || ask.waits))) continue;
        this.#passOn(time);
        if (this.#concludes && time === this.watermarks.time) {
          this.#concludes = false;
          this.#becomePresent(false);
        }
        return 'done';
      }
      // What is gathered goes on when it fills a batch, or before the watermark does.
      return 'more';
    } catch (error) {
      throw NodeError.of(this.node, `at watermark ${time}`, error);
    }
  }

  /** How far it goes at once. Answers, and rows that wait, take effect at their own watermark, however far the inputs jump. */
  #target(goesOn: boolean): Time {
    let target = Math.min(this.watermarks.time, this.#held.until);
    for (const { due, answer, waits } of this.output.asks) if (due > this.output.watermark && due < target && (answer !== undefined || waits || !goesOn)) target = due;
    return target;
  }

  /** Rows that waited for the watermark, some at once. False: there are none. */
  #pushHeld(): boolean {
    const held = this.#held.take(this.#hurries ? Infinity : this.output.watermark);
    this.#hurries &&= held !== undefined;
    if (held === undefined) return false;
    if (this.#hurries) this.#stats.addNode(this.node.index, NodeField.unaligned, held.batch.length);
    this.#take(held.batch, held.port);
    return true;
  }

  /** Of all ports together, in one order, whatever the steps of the watermark. */
  #receivePassed(time: Time): void {
    const passed: (HeldFinding & { port: number })[] = [];
    for (const [port, held] of this.#findings.entries()) {
      if (held.length === 0) continue;
      for (const each of held) if (each.due < time) passed.push({ ...each, port });
      this.#findings[port] = held.filter(({ due }) => !(due < time));
    }
    if (passed.length === 0) return;
    passed.sort((a, b) => a.due - b.due || compareFindings(a.finding, b.finding) || a.port - b.port);
    for (const { finding, port } of passed) this.#operator.receive?.(finding, this.state.columns, this.output, port);
    this.output.emit();
  }

  #wakeDue(block: number, time: Time): void {
    const count = this.state.takeDue(block, time, this.#dueSlots, this.#dueTimes);
    for (let i = 0; i < count; i++) this.#operator.wake?.(this.#dueSlots[i]!, this.#dueTimes[i]!, this.state.columns, this.output);
  }

  /** The stretch that begins with this block. */
  #advance(block: number, time: Time): void {
    let end = block;
    for (let b = block; b < block + BLOCKS_A_STEP; b++) {
      if (this.state.isDue(b, time) && this.state.takeDue(b, time, this.#dueSlots, this.#dueTimes) > 0) end = b + 1;
    }
    if (end > block) this.#operator.advance!(time, block << BLOCK_SHIFT, end << BLOCK_SHIFT, this.state.columns, this.output);
  }

  /** False: an answer is due and not there, and must be waited for. Live, the main thread moves the due of a late one. */
  #learnDue(time: Time, goesOn: boolean): boolean {
    if (this.output.asks.length === 0) return true;
    const due = this.output.asks.filter((ask) => ask.due <= time);
    if (due.some((ask) => ask.answer === undefined && (!goesOn || ask.waits))) return false;
    due.sort((a, b) => a.due - b.due || (this.#names.member(a.slot) < this.#names.member(b.slot) ? -1 : 1));
    for (const ask of due) {
      if (ask.answer === undefined) continue;
      this.output.asks.splice(this.output.asks.indexOf(ask), 1);
      this.#operator.learn?.(ask.slot, ask.answer, this.state.columns, this.output);
    }
    this.output.emit();
    return true;
  }

  #passOn(time: Time): void {
    this.output.watermark = time;
    const out = time - this.node.delay;
    for (const { stage, port } of this.output.fused) stage.setWatermark(port, 0, out);
    this.#down.watermark(this.node, out);
    this.#stats.setNode(this.node.index, NodeField.watermark, out);
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
      watermark: this.output.watermark,
      findings: this.#findings.map((held) => held.map(({ finding }) => finding)),
      dues: this.#findings.map((held) => held.map(({ due }) => due)),
      held: this.#held.save(),
      asks: this.output.asks.map((ask) => ({ ...ask })),
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
    this.output.watermark = this.#restored ? Math.min(this.output.watermark, saved.watermark) : saved.watermark;
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
      this.output.askFor({ ...ask });
    }
    for (const [port, held] of saved.findings.entries()) {
      for (const [i, finding] of held.entries()) {
        if (this.#isFor(finding) && !(goesToAll(finding) && this.#holds(port, finding))) this.#findings[port]?.push({ finding, due: saved.dues?.[port]?.[i] ?? finding.time });
      }
    }
    this.#held.restore(saved.held ?? [], (slot) => owns(slot >> BLOCK_SHIFT));
    return undefined;
  }

  #isFor(finding: Finding): boolean {
    if (goesToAll(finding) && this.node.route !== 'one') return true;
    return this.#names.owner[partitionOf(this.node.route === 'one' ? this.node.spec.name : finding.series, this.#names.partitions)] === this.#stats.shard;
  }

  /** Each shard has saved what goes to all. */
  #holds(port: number, { id, revision }: Finding): boolean {
    return this.#findings[port]?.some(({ finding }) => finding.id === id && finding.revision === revision) === true;
  }

  release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.state.clear(slot);
      this.#operator.release?.(slot);
    }
    for (let i = this.output.asks.length - 1; i >= 0; i--) if (slots.includes(this.output.asks[i]!.slot)) this.output.asks.splice(i, 1);
  }
}
