import { Actor, type Inlet, type SavedActor, type Turn } from './actor.js';
import { Channel } from './channel.js';
import type { AnySource, Position } from './connector.js';
import { receiveControl } from './control.js';
import type { Decision } from './journal.js';
import { BLOCK_SHIFT } from './limits.js';
import { ThreadNames, type Announcement } from './names.js';
import { Outlet } from './outlet.js';
import type { AnyOperator } from './operator.js';
import type { Plan, PlannedActor, PlannedOperator, Wire } from './plan.js';
import { CONTROL_SHAPE, ThreadChannels, type SharedMemory } from './shard-memory.js';
import { Signal } from './signal.js';
import type { Ask, Decided } from './ask.js';
import { Stage, type SavedStage } from './stage.js';
import { NodeField, ShardField, Stats, statsNodes, statsOfSource } from './stats.js';

/** What a shard starts from. */
export interface ShardStart {
  readonly plan: Plan;
  readonly shard: number;
  readonly memory: SharedMemory;
  /** The directory as it is. */
  readonly names: Announcement;
  /** Slot of each operator's own series; by node. */
  readonly selves: readonly number[];
  /** What the shards saved in the checkpoint that is restored. */
  readonly saved: readonly SavedStage[];
  /** Of sources read on shards, by source index: the slot of each of its series. */
  readonly localSlots: Readonly<Record<number, Uint32Array>>;
  /** And their positions. */
  readonly positions: Readonly<Record<number, readonly (readonly [number, Position])[]>>;
  readonly live: boolean;
  /** Whoever hears of a save has read it when the next barrier comes, and reads it no more: its memory is used again. Default: it is his. */
  readonly reusesMemory?: boolean;
  /** What a run before a crash decided about training tasks. */
  readonly decisions: readonly Decision[];
}

/** What a shard tells the main thread beside the stream. */
export type Report = { readonly type: 'saved'; readonly saved: SavedActor } | { readonly type: 'ask'; readonly node: number; readonly ask: Ask } | { readonly type: 'warning'; readonly message: string } | { readonly type: 'ready' };

/**
 * A worker thread's part of the graph: its actors, turned one after the other. `turn` never waits, so that
 * many shards can be scheduled in one thread; `run` is what a worker does.
 */
export class Shard {
  readonly #start: ShardStart;
  readonly #names: ThreadNames;
  readonly #actors: Actor[] = [];
  readonly #byNode: Stage[] = [];
  readonly #control: Channel;
  readonly #signal: Signal;
  readonly #stats: Stats;
  readonly #channels: ThreadChannels;
  #stopped = false;

  constructor(start: ShardStart, operators: readonly AnyOperator[], sources: readonly AnySource[], report: (report: Report) => void) {
    const { plan, shard, memory } = start;
    this.#start = start;
    this.#names = new ThreadNames(plan.partitions, plan.owner);
    const signals = memory.signals.map((m) => new Signal(m));
    this.#signal = signals[shard]!;
    this.#channels = new ThreadChannels(plan, memory.channels, signals);
    this.#stats = new Stats(memory.stats, statsNodes(plan), shard);
    this.#control = new Channel(memory.controls[shard]!, CONTROL_SHAPE, signals.at(-1)!, this.#signal);
    const definitions = new Map(operators.map((d) => [d.name, d]));
    for (const planned of plan.actors) this.#actors.push(this.#makeActor(planned, definitions, report));
    this.#learn(start.names);
    this.#restore(report);
    for (const actor of this.#actors) {
      if (actor.planned.local !== undefined) this.#readLocal(actor, actor.planned.local, sources);
    }
  }

  #makeActor(planned: PlannedActor, definitions: ReadonlyMap<string, AnyOperator>, report: (report: Report) => void): Actor {
    const { plan, shard, selves, live, decisions } = this.#start;
    const decided: Decided = (node, series, member, task, asked) => {
      for (const d of decisions) if (d.type === 'answer' && d.node === node && d.series === series && d.member === member && d.task === task && d.asked === asked) return d.due;
      return undefined;
    };
    const outlets = new Map<number, Outlet>();
    for (const wire of plan.wires) if (wire.from === planned.id) outlets.set(wire.id, this.#outlet(wire));
    const outletOf = (link: number): Outlet => outlets.get(plan.wires.find((w) => w.links.includes(link))!.id)!;
    const send = (node: PlannedOperator, each: (outlet: Outlet, link: Plan['links'][number]) => void): void => {
      for (const id of node.links) each(outletOf(id), plan.links[id]!);
    };
    // What comes of the past stays among the operators.
    const leaves = (node: PlannedOperator, { to }: Plan['links'][number]): boolean => to.kind !== 'sink' || !this.#byNode[node.index]!.output.learning;
    const down = {
      rows: (node: PlannedOperator, from: 'rows' | 'late', batch: Parameters<Outlet['rows']>[1]) => send(node, (outlet, link) => link.outlet === from && leaves(node, link) && outlet.rows(link, batch)),
      finding: (node: PlannedOperator, finding: Parameters<Outlet['finding']>[1]) => send(node, (outlet, link) => link.outlet === 'rows' && leaves(node, link) && outlet.finding(link, finding)),
      present: (node: PlannedOperator, again: boolean) => send(node, (outlet, link) => link.to.kind !== 'sink' && outlet.present(link, again)),
      watermark: (node: PlannedOperator, time: number) => send(node, (outlet, link) => outlet.watermark(link, time)),
      ask: (node: PlannedOperator, ask: Ask) => report({ type: 'ask', node: node.index, ask }),
    };
    const stages = planned.nodes.map((index) => {
      const node = plan.operators[index]!;
      const stage = new Stage(node, definitions.get(node.spec.type)!, plan, this.#names, selves[index]!, down, this.#stats, decided);
      stage.state.reusesMemory = this.#start.reusesMemory === true;
      this.#byNode[index] = stage;
      return stage;
    });
    for (const stage of stages) for (const { node, port, outlet } of stage.node.fused) stage.output.fused.push({ stage: this.#byNode[node]!, port, late: outlet === 'late' });
    const inlets = plan.wires.flatMap((wire): Inlet[] => {
      if (wire.to.kind !== 'actor' || wire.to.index !== planned.id) return [];
      if (wire.from === undefined) return [{ channel: this.#channels.open(wire, 'main', shard), wire, shard: 0 }];
      return Array.from({ length: plan.shards }, (_, from) => ({ channel: this.#channels.open(wire, from, shard), wire, shard: from }));
    });
    return new Actor(planned, plan, shard, this.#names, stages, inlets, [...outlets.values()], live, (saved) => report({ type: 'saved', saved }), () => this.#catchUp());
  }

  #outlet(wire: Wire): Outlet {
    const { plan, shard } = this.#start;
    const to: (number | 'main')[] = wire.to.kind === 'sink' ? ['main'] : Array.from({ length: plan.shards }, (_, other) => other);
    return new Outlet(wire, to.map((other) => this.#channels.open(wire, shard, other)), this.#names, plan);
  }

  #restore(report: (report: Report) => void): void {
    const { saved, shard } = this.#start;
    const owns = (block: number) => this.#names.owns(shard, block << BLOCK_SHIFT);
    for (const stage of this.#byNode) {
      const warnings = saved.filter((part) => part.node === stage.node.spec.name).map((part) => stage.restore(part, owns));
      // What the config changed is the same in all parts and for all shards.
      if (shard === 0 && warnings[0] !== undefined) report({ type: 'warning', message: warnings[0] });
    }
  }

  #readLocal(actor: Actor, index: number, sources: readonly AnySource[]): void {
    const { plan, shard, positions, localSlots } = this.#start;
    const { spec } = plan.sources[index]!;
    const source = sources.find((d) => d.name === spec.type)!.local!(spec.config)!;
    const slots = localSlots[index]!;
    const own = Uint32Array.from(slots.keys()).filter((i) => this.#names.owns(shard, slots[i]!));
    const slot = own.map((i) => slots[i]!);
    const from = new Map((positions[index] ?? []).filter(([partition]) => plan.owner[partition] === shard));
    source.open(own, slot, slot.map((each) => this.#names.partitionAt(each)), from);
    actor.read(source, (rows) => this.#stats.addNode(statsOfSource(plan, index), NodeField.rowsOut, rows));
  }

  #learn(announcement: Announcement): void {
    this.#names.learn(announcement);
    for (const stage of this.#byNode) stage.state.grow(this.#names.slots);
  }

  #catchUp(): void {
    if (this.#control.peek() === undefined) return;
    for (const control of receiveControl(this.#control)) {
      switch (control.type) {
        case 'names':
          this.#learn(control.announcement);
          break;
        case 'release':
          for (const actor of this.#actors) actor.releaseAt(control.checkpoint, control.slots);
          break;
        case 'forget':
          this.#names.release(control.slots);
          break;
        case 'barrier':
          for (const actor of this.#actors) actor.expect(control.checkpoint);
          break;
        case 'answer': {
          const ask = this.#byNode[control.node]!.output.asks.find((a) => a.slot === control.slot && a.task === control.task && a.asked === control.asked && a.answer === undefined);
          if (ask !== undefined) Object.assign(ask, { due: control.due, answer: new Uint8Array(Buffer.from(control.answer, 'base64')) });
          break;
        }
        case 'stop':
          this.#stopped = true;
          break;
        default:
          control satisfies never;
      }
    }
  }

  /** Told to stop by the main thread. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Told to stop, or everything has ended. */
  get finished(): boolean {
    return this.#stopped || this.#actors.every((actor) => actor.done);
  }

  /** A turn of every actor. */
  turn(): Turn {
    this.#catchUp();
    let turn: Turn = 'nothing';
    for (const actor of this.#actors) {
      const one = actor.turn();
      if (one === 'worked' || turn === 'nothing') turn = one;
    }
    return turn;
  }

  /** Hands on what its actors have gathered. */
  flush(): void {
    for (const actor of this.#actors) actor.flush();
  }

  /** Turns until it is told to stop: at its end, it may still be asked to save. Sleeps when there is nothing to do. `elapsed`: ms, for the shares of time. */
  run(elapsed: () => number): void {
    const stats = this.#stats;
    let before = elapsed();
    let flushed = before;
    for (;;) {
      const seen = this.#signal.rings();
      const turn = this.turn();
      const after = elapsed();
      stats.addShard(ShardField.turns, 1);
      if (turn === 'worked') {
        stats.addShard(ShardField.busyMs, after - before);
        stats.maxShard(ShardField.longestTurnMs, after - before);
        before = after;
        // To wake a thread for each few rows would cost more than they do.
        if (after - flushed > FLUSH_EVERY_MS) {
          this.flush();
          flushed = after;
        }
        continue;
      }
      if (this.#stopped) return;
      this.#signal.wait(seen, SLEEP_MS);
      before = elapsed();
      stats.addShard(turn === 'blocked' ? ShardField.blockedMs : ShardField.idleMs, before - after);
    }
  }
}

/** How long rows may lie in a batch that is not full while its shard has work. */
const FLUSH_EVERY_MS = 0.5;

/** A sleeping shard looks again after this long, though nobody rang: a lost ring would then be a delay, not a stop. */
const SLEEP_MS = 1_000;
