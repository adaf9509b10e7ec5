import { join } from 'node:path';
import { Channel } from './channel.js';
import { Checkpoints, furthestSeen, type CheckpointDone, type Restored } from './checkpoint.js';
import type { CheckpointStore } from './checkpoint-store.js';
import type { ConnectorContext, History, Sink, Source } from './connector.js';
import { ControlSender } from './control.js';
import { Deferred } from './deferred.js';
import { Directory } from './directory.js';
import { Intake } from './intake.js';
import { Journal } from './journal.js';
import { ThreadNames } from './names.js';
import { Outlet } from './outlet.js';
import type { Plan } from './plan.js';
import type { Platform } from './platform.js';
import type { RuntimeOptions } from './runtime.js';
import { CONTROL_SHAPE, shareMemory, ThreadChannels, type SharedMemory } from './shard-memory.js';
import type { Report, ShardStart } from './shard.js';
import type { RunningShards, Threads } from './shard-threads.js';
import { Signal } from './signal.js';
import { SinkPump } from './sink-pump.js';
import type { Refusals } from './staging.js';
import { Stats, statsNodes } from './stats.js';
import { Training } from './training.js';
import { NO_SLOT, seriesText } from './series.js';

/** What a run asks of the runtime around it. */
export interface RunHost extends Refusals {
  context(node: string): ConnectorContext;
  checkpoint(done: CheckpointDone): void;
  /** A checkpoint, or a decision that must survive a crash, could not be written. */
  unsaved(error: Error): void;
  readonly platform: Platform;
  readonly threads: Threads;
}

/**
 * One life of a graph, from a checkpoint to its end, its drain or its crash: the threads, channels, sources
 * and sinks of a plan, put together.
 */
export class Run {
  readonly plan: Plan;
  readonly stats: Stats;
  readonly names: ThreadNames;
  readonly directory: Directory;
  readonly sources = new Map<number, Source>();
  /** By name. */
  readonly sinks = new Map<string, Sink>();
  readonly pumps: SinkPump[] = [];
  /** Rejects when any part fails. */
  readonly finished: Promise<'ended' | 'stopped'>;
  intake: Intake | undefined;

  readonly #options: RuntimeOptions;
  readonly #host: RunHost;
  readonly #memory: SharedMemory;
  readonly #signal: Signal;
  readonly #signals: readonly Signal[];
  readonly #controls: readonly ControlSender[];
  readonly #checkpoints: Checkpoints | undefined;
  readonly #channels: ThreadChannels;
  readonly #done = new Deferred<'ended' | 'stopped'>();
  readonly #failed = new Deferred<never>();
  /** Rejects when everything has come through. */
  readonly #ended = new Deferred<never>();
  readonly #gone = Promise.race([this.#failed.promise, this.#ended.promise]);
  #started: Promise<void> | undefined;
  #shards: RunningShards | undefined;
  #training: Training | undefined;
  readonly #open = new Deferred<Intake>();
  #number = 0;
  /** Takes the next checkpoint back. */
  #unschedule: () => void = () => {};
  /** Settles when sinks and sources are open. */
  #opening: Promise<void> = Promise.resolve();
  /** Settles with the checkpoint being taken, if any. */
  #taking: Promise<unknown> = Promise.resolve();
  /** The end of the intake's sources is being saved and told. */
  #ending = false;
  /** Everything has come through. */
  #over = false;
  #stopping = false;
  /** It ends before everything has come through, or is saved. */
  #crashed = false;
  #closed: Promise<void> | undefined;
  #journal: Journal | undefined;
  /** Slots released by the directory, until a checkpoint at whose barrier they were released is complete. */
  #released: number[] = [];
  /** Pumps and intake, until they have returned. */
  readonly #running: Promise<unknown>[] = [];

  constructor(plan: Plan, options: RuntimeOptions, store: CheckpointStore | undefined, host: RunHost) {
    this.plan = plan;
    this.#options = options;
    this.#host = host;
    this.#memory = shareMemory(plan);
    this.#signals = this.#memory.signals.map((memory) => new Signal(memory, host.platform.timers));
    this.#signal = this.#signals.at(-1)!;
    this.#channels = new ThreadChannels(plan, this.#memory.channels, this.#signals);
    this.stats = new Stats(this.#memory.stats, statsNodes(plan), 0);
    this.names = new ThreadNames(plan.partitions, plan.owner);
    this.directory = new Directory(plan, options.registry);
    // Without operators no shard runs: what it is told would fill its channel, and nobody would read it.
    const told = plan.actors.length === 0 ? [] : this.#memory.controls;
    this.#controls = told.map((memory, shard) => new ControlSender(new Channel(memory, CONTROL_SHAPE, this.#signal, this.#signals[shard]!)));
    this.#checkpoints = store === undefined ? undefined : new Checkpoints(store, plan, options.clock, host.platform.timers);
    this.finished = this.#done.promise;
    for (const each of [this.finished, this.#failed.promise, this.#gone]) each.catch(() => {});
  }

  start(): Promise<void> {
    return (this.#started = this.#start());
  }

  async #start(): Promise<void> {
    try {
      const restored = await this.#checkpoints?.restore();
      await this.#openJournal(restored);
      if (restored !== undefined) {
        this.#number = restored.number;
        this.directory.restore(restored.directory, furthestSeen(restored));
      }
      const localSlots = this.#internLocal();
      const announced = this.directory.announce();
      if (announced !== undefined) this.names.learn(announced);
      // Threads come up while stores are opened: both take their time.
      this.#startShards(restored, localSlots);
      await (this.#opening = this.#openSinks(restored).then(() => this.#openSources(restored)));
      this.#startPumps(restored);
      const intake = this.#openIntake(restored);
      this.#open.resolve(intake);
      await Promise.race([this.#shards?.ready, this.#failed.promise]);
      if (this.#stopping) return;
      this.#schedule();
      this.#run(intake);
    } catch (error) {
      this.#stopping = this.#crashed = true;
      await this.#close();
      throw error;
    }
  }

  /** Nothing more is read; what is under way is finished and saved. */
  async drain(): Promise<void> {
    await this.#started?.catch(() => {});
    if (this.#stopping) return;
    this.#stopping = true;
    this.#unschedule();
    try {
      this.intake?.stop();
      await Promise.race([Promise.all(this.#running.slice(this.pumps.length)), this.#failed.promise]);
      await this.#take().catch((error: Error) => {
        if (!this.#over) throw error;
      });
    } finally {
      await this.#close();
      this.#done.resolve('stopped');
    }
  }

  histories(): readonly History[] {
    return [...this.sinks.values()].flatMap((sink) => (sink.history === undefined ? [] : [sink.history]));
  }

  async #openJournal(restored: Restored | undefined): Promise<void> {
    const { checkpoint, replay, log } = this.#options;
    if (checkpoint === undefined || replay) return;
    const replaying = new Set(this.plan.sources.filter((source) => source.replays).map(({ spec }) => spec.name));
    this.#journal = await Journal.open(join(checkpoint.folder, 'journal'), restored?.journal ?? 0, (source) => replaying.has(source), { warn: (message) => log.warn(message), refused: (error) => this.#host.unsaved(error) }, this.#host.platform.files);
  }

  async #openSinks(restored: Restored | undefined): Promise<void> {
    for (const { spec } of this.plan.sinks) {
      const definition = this.#options.registry.sinks.find((d) => d.name === spec.type)!;
      const sink = definition.create(spec.config, this.#host.context(spec.name));
      this.sinks.set(spec.name, sink);
      await sink.open(restored?.sinks[spec.name]?.position);
    }
  }

  async #openSources(restored: Restored | undefined): Promise<void> {
    for (const [index, { spec, local }] of this.plan.sources.entries()) {
      if (local !== undefined) continue;
      if (this.#stopping) throw new Error('the graph stopped before its sources were open');
      const definition = this.#options.registry.sources.find((d) => d.name === spec.type)!;
      const source = definition.create(spec.config, { ...this.#host.context(spec.name), history: (sink) => this.sinks.get(sink)?.history });
      this.sources.set(index, source);
      await source.open(restored?.sources[spec.name]?.position ?? undefined);
    }
  }

  /** Series of the sources that shards read are known now; their slots, by source. */
  #internLocal(): ShardStart['localSlots'] {
    const slots: Record<number, Uint32Array> = {};
    for (const [index, { spec, local }] of this.plan.sources.entries()) {
      if (local === undefined) continue;
      const definition = this.#options.registry.sources.find((d) => d.name === spec.type)!;
      slots[index] = Uint32Array.from(definition.local!(spec.config)!.series, ({ name, labels }) => {
        const slot = this.directory.slot(index, seriesText(name, labels), -Infinity);
        if (slot === NO_SLOT) throw new Error(`source ${spec.name} has more series than server.max_series allows (${this.plan.maxSeries})`);
        return slot;
      });
    }
    return slots;
  }

  #startShards(restored: Restored | undefined, localSlots: ShardStart['localSlots']): void {
    const { modules, replay } = this.#options;
    if (this.plan.actors.length === 0) return;
    this.#training = new Training(this.#host.platform.trainer(), modules.operators, replay, this.names, this.#controls, this.#journal);
    const names = this.names.all();
    const selves = this.plan.operators.map((node) => this.directory.self(node));
    const positions = this.#localPositions(restored);
    const tasks = this.#controls.map((_, shard) => {
      const start: ShardStart = { plan: this.plan, shard, memory: this.#memory, names, selves, saved: restored?.stages ?? [], localSlots, positions, live: !replay, reusesMemory: true, decisions: this.#journal?.decisions ?? [] };
      return { start, operators: modules.operators, sources: Object.keys(localSlots).length > 0 ? modules.sources : undefined };
    });
    this.#shards = this.#host.threads.start(tasks, (report) => this.#hear(report), (error) => this.#fail(error));
  }

  #localPositions(restored: Restored | undefined): ShardStart['positions'] {
    const positions: Record<number, [number, Restored['local'][number][2]][]> = {};
    for (const [actor, partition, position] of restored?.local ?? []) {
      const source = this.plan.actors.find((a) => a.id === actor)?.local;
      if (source !== undefined) (positions[source] ??= []).push([partition, position]);
    }
    return positions;
  }

  #startPumps(restored: Restored | undefined): void {
    const { clock } = this.#options;
    for (const [index, planned] of this.plan.sinks.entries()) {
      const inlets = this.plan.wires
        .filter((wire) => wire.to.kind === 'sink' && wire.to.index === index)
        .flatMap((wire) => (wire.from === undefined ? [{ channel: this.#channels.open(wire, 'main', 'main'), shard: 0 }] : this.#controls.map((_, shard) => ({ channel: this.#channels.open(wire, shard, 'main'), shard }))));
      const pump = new SinkPump(planned, this.plan, this.sinks.get(planned.spec.name)!, this.names, inlets, this.#signal, () => clock.elapsed(), (saved) => this.#checkpoints?.sink(saved));
      const held = restored?.sinks[planned.spec.name]?.held;
      if (held !== undefined && held !== null) pump.restore(held);
      this.pumps.push(pump);
    }
    const running = this.pumps.map((pump) => pump.run().catch((error: Error) => Promise.reject(Object.assign(error, { node: pump.name }))));
    this.#running.push(...running);
    Promise.all(running).then(
      () => this.#end(),
      (error: Error) => this.#fail(error),
    );
  }

  #openIntake(restored: Restored | undefined): Intake {
    const { clock, replay } = this.#options;
    const outlets = this.plan.wires.filter((wire) => wire.from === undefined).map((wire) => new Outlet(wire, wire.to.kind === 'sink' ? [this.#channels.open(wire, 'main', 'main')] : this.#controls.map((_, shard) => this.#channels.open(wire, 'main', shard)), this.names, this.plan));
    const intake = new Intake(this.plan, this.sources, this.directory, this.names, outlets, this.#controls, this.#signal, clock, !replay, this.#host, this.#journal);
    this.intake = intake;
    intake.restore(restored?.sources ?? {});
    return intake;
  }

  #run(intake: Intake): void {
    const running = intake.run();
    this.#running.push(running);
    running
      .then(async () => {
        // Those that shards read go on.
        if (this.#stopping || this.sources.size === 0) return;
        // What has ended is saved as ended: a start after this finds nothing to do again.
        this.#ending = true;
        this.#unschedule();
        await this.#take();
        await intake.end();
        this.#ending = false;
        if (!this.#stopping) this.#schedule();
      })
      .catch((error: Error) => this.#fail(error));
  }

  #hear(report: Exclude<Report, { type: 'ready' }>): void {
    switch (report.type) {
      case 'saved':
        this.#checkpoints?.actor(report.saved);
        break;
      case 'ask':
        this.#open.promise.then((intake) => this.#training!.answer(this.plan.operators[report.node]!, report.ask, intake)).catch((error: Error) => this.#fail(error));
        break;
      case 'warning':
        this.#options.log.warn(report.message);
        break;
      default:
        report satisfies never;
    }
  }

  #schedule(): void {
    const interval = this.#options.checkpoint?.intervalMs;
    if (interval === undefined || this.#checkpoints === undefined) return;
    const take = (): void => {
      this.#take()
        .catch((error: Error) => {
          if (!this.#stopping) this.#host.unsaved(error);
        })
        .finally(() => {
          if (!this.#stopping && !this.#ending) this.#schedule();
        });
    };
    this.#unschedule = this.#host.platform.timers.after(interval, take, 'background');
  }

  /** One after the other. */
  #take(): Promise<void> {
    const taken = this.#taking.then(() => this.#takeCheckpoint());
    this.#taking = taken.catch(() => {});
    return taken;
  }

  async #takeCheckpoint(): Promise<void> {
    const checkpoints = this.#checkpoints;
    if (checkpoints === undefined || this.intake === undefined) return;
    const number = (this.#number += 1);
    const directory = { all: () => this.directory.saveAll(), changes: () => this.directory.save() };
    this.#released = this.#released.concat(this.directory.expire(this.intake.watermark - this.plan.keep, number, checkpoints.oldest));
    const released = this.#released;
    const done = await checkpoints.take(number, directory, () => this.#sendBarrier(number, released), this.#gone);
    // Every thread and sink has passed the barrier: nobody names these slots any more.
    this.#released = [];
    this.names.release(released);
    if (released.length > 0) for (const control of this.#controls) control.send({ type: 'forget', slots: released });
    this.#host.checkpoint(done);
    const committed = checkpoints.committed();
    for (const [index, source] of this.sources) {
      const saved = committed.sources[this.plan.sources[index]!.spec.name];
      if (saved !== undefined && saved.position !== null) await source.commit?.(saved.position);
    }
    await this.#journal?.drop(committed.journal);
  }

  async #sendBarrier(number: number, released: readonly number[]): Promise<Awaited<ReturnType<Intake['barrier']>>> {
    const saved = await this.intake!.barrier(number, released);
    for (const pump of this.pumps) await pump.expect(number);
    return saved;
  }

  /** Everything has come through. */
  #end(): void {
    this.#over = true;
    this.#ended.reject(new Error('everything has ended'));
    if (this.#stopping) return;
    this.#stopping = true;
    this.#unschedule();
    this.#flushEnded()
      .then(() => this.#close())
      .then(
        () => this.#done.resolve('ended'),
        (error: Error) => this.#done.reject(error),
      );
  }

  async #flushEnded(): Promise<void> {
    await this.#taking;
    for (const sink of this.sinks.values()) await sink.flush(this.#number + 1);
  }

  #fail(error: Error): void {
    this.#failed.reject(error);
    this.#crashed = true;
    if (this.#stopping) return;
    this.#stopping = true;
    this.#unschedule();
    const told = (): void => this.#done.reject(error);
    this.#close().then(told, told);
  }

  #close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.intake?.stop(true);
    for (const pump of this.pumps) pump.stop();
    if (this.#crashed) for (const sink of this.sinks.values()) sink.abort?.();
    for (const control of this.#controls) control.send({ type: 'stop' });
    // Who has not read yet what he was told before has no room for more.
    let telling = (): void => {};
    const tell = (): void => {
      for (const control of this.#controls) control.flush();
      telling = this.#host.platform.timers.after(TELL_AGAIN_MS, tell);
    };
    tell();
    await Promise.allSettled([this.#shards?.returned(), ...this.#running]);
    telling();
    await this.#training?.close();
    // One that is being opened would be open after it is closed, beside that of whoever starts next.
    await this.#opening.catch(() => {});
    for (const source of this.sources.values()) await source.close().catch((error: Error) => this.#options.log.warn({ err: error }, 'closing a source failed'));
    for (const sink of this.sinks.values()) await sink.close().catch((error: Error) => this.#options.log.warn({ err: error }, 'closing a sink failed'));
    // Whoever starts next must find what is being committed, and not begin before it.
    await this.#taking;
    await this.#journal?.close();
  }
}

const TELL_AGAIN_MS = 10;
