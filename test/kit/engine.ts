import { z } from 'zod';
import { allocateBatch } from '../../engine/batch.js';
import { Channel } from '../../engine/channel.js';
import type { AnySink, AnySource } from '../../engine/connector.js';
import { ControlSender, type Control } from '../../engine/control.js';
import { Directory } from '../../engine/directory.js';
import type { DirectoryChanges } from '../../engine/directory-changes.js';
import { findingKinds, findingSchema, type Finding } from '../../engine/finding.js';
import type { GraphSpec, Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { WATERMARK_STEP_MS } from '../../engine/limits.js';
import { findingsOf, MessageKind } from '../../engine/message.js';
import { ThreadNames } from '../../engine/names.js';
import { defineOperator, type AnyOperator } from '../../engine/operator.js';
import { Outlet } from '../../engine/outlet.js';
import { makePlan, type Link, type Plan } from '../../engine/plan.js';
import { seriesText } from '../../engine/series.js';
import { channelKey, CONTROL_SHAPE, shareMemory } from '../../engine/shard-memory.js';
import { Shard, type Report } from '../../engine/shard.js';
import { Signal } from '../../engine/signal.js';
import type { SavedStage } from '../../engine/stage.js';
import { leadOf } from './reference.js';
import type { LateRow, Message, Outcome, OutputRow } from './text.js';

/** One operator to be run by the engine. */
export interface Subject {
  readonly definition: AnyOperator;
  readonly config: unknown;
  readonly messages: readonly Message[];
}

export interface Layout {
  readonly shards: number;
  /** Shard of each partition; default: in turn. */
  readonly owner?: readonly number[];
  /** Behind another operator, so that what is re-routed goes from shard to shard. */
  readonly behind?: boolean;
}

export const PARTITIONS = 8;

/** Steps after which a run is taken to go on for ever. */
const MOST_STEPS = 1_000_000;

/** Gives on what comes. Further columns, which a source can't give, are looked up in the messages. */
function passOn(messages: readonly Message[]): AnyOperator {
  const columns = new Map<string, Readonly<Record<string, number>>>();
  for (const message of messages) {
    if (message.type !== 'row') continue;
    const { row } = message;
    columns.set(`${row.time} ${seriesText(row.series.name, row.series.labels)} ${row.value}`, row.columns);
  }
  const names = [...new Set([...columns.values()].flatMap((row) => Object.keys(row)))];
  const kinds = findingKinds;
  return defineOperator({
    name: 'pass-on',
    version: 1,
    summary: '',
    description: '',
    config: z.strictObject({}),
    examples: [],
    ports: () => ({ input: { rows: [], findings: kinds }, output: { rows: names, findings: kinds } }),
    create: (_, context) => ({
      push(batch, _state, out) {
        const given = out.extend(batch);
        for (let i = 0; i < batch.length; i++) {
          const own = columns.get(`${batch.time[i]} ${context.names.text(batch.slot[i]!)} ${batch.value[i]}`);
          for (const name of names) given[name]![i] = own?.[name] ?? NaN;
        }
      },
      receive: (finding, _state, out) => out.finding(finding),
    }),
  });
}

/**
 * The engine around one operator, in one thread and turned by hand: the directory, the intake's outlets,
 * shards, channels and a sink, all real. Whoever holds it decides what happens next.
 */
export class Engine implements Outcome {
  readonly rows: OutputRow[] = [];
  readonly findings: Finding[] = [];
  /** The stream does not tell the reason: it is always 'late' here. */
  readonly late: LateRow[] = [];

  readonly #subject: Subject;
  readonly #registry: Registry;
  readonly #graph: GraphSpec;
  readonly #ports: number;
  readonly #saves: DirectoryChanges[] = [];
  #layout: Layout;
  #plan!: Plan;
  #directory!: Directory;
  #names!: ThreadNames;
  #outlets!: { link: Link; outlet: Outlet }[];
  #controls!: ControlSender[];
  #sinks!: Channel[][];
  #saved: SavedStage[] = [];
  #savesDue = 0;
  #checkpoint = 0;
  /** Asked of the training pool, which is slow. */
  #asks: Extract<Report, { type: 'ask' }>[] = [];
  shards!: Shard[];

  constructor(subject: Subject, layout: Layout) {
    const { definition, messages } = subject;
    this.#subject = subject;
    this.#layout = layout;
    this.#ports = 1 + Math.max(0, ...messages.map((message) => (message.type === 'watermark' ? 0 : message.port)));
    const sources = Array.from({ length: this.#ports }, (_, port) => `in${port}`);
    const needsColumns = messages.some((message) => message.type === 'row' && Object.keys(message.row.columns).length > 0);
    const behind = layout.behind === true || needsColumns;
    const ports = definition.ports(subject.config);
    const node = definition.name;
    this.#registry = {
      operators: [definition, passOn(messages)],
      // Taken together with what the plan adds, rows are as far ahead as the reference says.
      sources: [{ name: 'kit', live: () => false, disorder: () => leadOf(messages) - 2 * WATERMARK_STEP_MS } as Partial<AnySource> as AnySource],
      sinks: [{ name: 'kit' } as Partial<AnySink> as AnySink],
    };
    this.#graph = {
      sources: sources.map((name) => ({ name, type: 'kit', from: [], config: {} })),
      operators: [
        ...(behind ? sources.map((name) => ({ name: `passed-${name}`, type: 'pass-on', from: [name], config: {} })) : []),
        { name: node, type: node, from: behind ? sources.map((name) => `passed-${name}`) : sources, config: subject.config },
      ],
      sinks: [{ name: 'out', type: 'kit', from: ports.output.late === true ? [node, `${node}.late`] : [node], config: {} }],
      partitions: PARTITIONS,
      maxSeries: 1 << 20,
      seed: 1,
    };
    const problems = checkGraph(this.#graph, this.#registry);
    if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join('; '));
    this.#build(layout);
  }

  /** Makes everything anew from what was saved last. */
  #build(layout: Layout): void {
    this.#layout = layout;
    const planned = makePlan(this.#graph, this.#registry, layout.shards);
    const plan = { ...planned, owner: layout.owner ?? planned.owner };
    this.#plan = plan;
    const memory = shareMemory(plan);
    this.#directory = new Directory(plan, this.#registry);
    if (this.#saves.length > 0) this.#directory.restore(this.#saves, 0);
    this.#names = new ThreadNames(plan.partitions, plan.owner);
    const names = this.#directory.announce() ?? { blocks: [], series: { slots: [], texts: [] }, members: [], derived: [] };
    this.#names.learn(names);
    const signals = memory.signals.map((words) => new Signal(words));
    const main = signals.at(-1)!;
    const shards = Array.from({ length: plan.shards }, (_, shard) => shard);
    this.#controls = shards.map((shard) => new ControlSender(new Channel(memory.controls[shard]!, CONTROL_SHAPE, main, signals[shard]!)));
    this.#outlets = plan.wires
      .filter((wire) => wire.from === undefined)
      .flatMap((wire) => {
        const channels = shards.map((shard) => new Channel(memory.channels[channelKey(wire, 'main', shard)]!, { columns: wire.columns }, main, signals[shard]!));
        const outlet = new Outlet(wire, channels, this.#names, plan);
        return wire.links.map((link) => ({ link: plan.links[link]!, outlet }));
      });
    this.#sinks = plan.wires
      .filter((wire) => wire.to.kind === 'sink')
      .map((wire) => shards.map((shard) => new Channel(memory.channels[channelKey(wire, shard, 'main')]!, { columns: wire.columns }, signals[shard]!, main)));
    const selves = plan.operators.map((node) => this.#directory.self(node));
    const saved = structuredClone(this.#saved);
    this.#saved = [];
    this.#asks = [];
    this.shards = shards.map(
      (shard) => new Shard({ plan, shard, memory, names: structuredClone(names), selves, saved, localSlots: {}, positions: {}, live: false, decisions: [] }, this.#registry.operators, [], (report) => this.#hear(report)),
    );
  }

  #hear(report: Report): void {
    if (report.type === 'ask') this.#asks.push(report);
    else if (report.type === 'saved') {
      this.#saved.push(...report.saved.stages);
      this.#savesDue -= 1;
    }
  }

  // What may happen next.

  send(message: Message): void {
    if (message.type === 'watermark') {
      for (const { link, outlet } of this.#outlets) outlet.watermark(link, message.time);
      return;
    }
    const links = this.#outlets.filter(({ link }) => link.from.index === message.port);
    if (message.type === 'finding') {
      for (const { link, outlet } of links) outlet.finding(link, message.finding);
      return;
    }
    const { row } = message;
    const slot = this.#directory.slot(message.port, seriesText(row.series.name, row.series.labels), row.time);
    const announcement = this.#directory.announce();
    if (announcement !== undefined) {
      this.#names.learn(announcement);
      this.#tell(...this.#controls.map((to) => [to, { type: 'names', announcement }] as const));
    }
    const batch = allocateBatch([], 1);
    batch.length = 1;
    batch.time[0] = row.time;
    batch.slot[0] = slot;
    batch.value[0] = row.value;
    batch.flags[0] = row.flags;
    for (const { link, outlet } of links) outlet.rows(link, batch);
  }

  #tell(...controls: readonly (readonly [ControlSender, Control])[]): void {
    for (const [to, control] of controls) {
      to.send(control);
      for (let step = 0; to.blocked; step++) {
        if (step > MOST_STEPS) throw new Error('a shard does not read what it is told');
        for (const shard of this.shards) shard.turn();
        to.flush();
      }
    }
  }

  /** Publishes what the intake has gathered. */
  flush(): void {
    for (const { outlet } of this.#outlets) outlet.flush();
  }

  get intakeBlocked(): boolean {
    return this.#outlets.some(({ outlet }) => outlet.blocked);
  }

  /** The training pool answers the question asked first; false: none is open. */
  answer(): boolean {
    const report = this.#asks.shift();
    if (report === undefined) return false;
    const { slot, task, asked, due, input } = report.ask;
    const answer = Buffer.from(this.#subject.definition.tasks![task]!(input.slice())).toString('base64');
    this.#tell(...this.#controls.map((to) => [to, { type: 'answer', node: report.node, slot, task, asked, due, answer }] as const));
    return true;
  }

  /** The sink takes at most so many frames of each shard; how many it took. */
  drain(most: number): number {
    let taken = 0;
    for (const channels of this.#sinks) {
      for (const channel of channels) {
        for (let n = 0; n < most && channel.peek() !== undefined; n++, taken++) this.#take(channel);
      }
    }
    return taken;
  }

  #take(channel: Channel): void {
    const frame = channel.peek()!;
    if (frame.kind === MessageKind.rows) {
      const link = this.#plan.links[frame.link]!;
      const { length, time, slot, value, flags, columns } = frame.batch(link.columns);
      for (let i = 0; i < length; i++) {
        const row = { time: time[i]!, series: this.#names.text(slot[i]!), value: value[i]! };
        if (link.outlet === 'late') this.late.push({ ...row, reason: 'late' });
        else this.rows.push({ ...row, flags: flags[i]!, columns: Object.fromEntries(link.columns.map((name) => [name, columns[name]![i]!])) });
      }
    } else if (frame.kind === MessageKind.findings) {
      const bytes = channel.collect(frame);
      if (bytes !== undefined) for (const finding of findingsOf(bytes)) this.findings.push(findingSchema.parse(finding));
    }
    channel.release();
  }

  /** Turns everything until nothing moves any more. */
  settle(): void {
    for (let step = 0; ; step++) {
      if (step > MOST_STEPS) throw new Error('the engine does not come to rest');
      this.flush();
      let moved = this.drain(Infinity) > 0;
      for (const shard of this.shards) if (shard.turn() === 'worked') moved = true;
      if (!moved && !this.answer()) return;
    }
  }

  /** Saves at a barrier and goes on with fresh shards, laid out anew. */
  restart(layout: Layout = this.#layout): void {
    this.#checkpoint += 1;
    this.#savesDue = this.#plan.actors.length * this.#plan.shards;
    for (const outlet of new Set(this.#outlets.map((o) => o.outlet))) outlet.barrier(this.#checkpoint);
    this.settle();
    if (this.#savesDue !== 0) throw new Error(`${this.#savesDue} actors have not saved at the barrier`);
    this.#saves.push(structuredClone(this.#directory.save()));
    this.#build(layout);
  }

  /** No message comes any more. */
  end(): void {
    this.send({ type: 'watermark', time: Infinity });
    for (const outlet of new Set(this.#outlets.map((o) => o.outlet))) outlet.end();
  }

  get finished(): boolean {
    return this.shards.every((shard) => shard.finished);
  }
}
