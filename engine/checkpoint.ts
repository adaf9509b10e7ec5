import type { SavedActor } from './actor.js';
import type { Checkpoint, CheckpointStore, CheckpointWriter } from './checkpoint-store.js';
import type { Clock, Time } from './clock.js';
import type { Position } from './connector.js';
import { changesFrom, isEmpty, type DirectoryChanges } from './directory-changes.js';
import { CHECKPOINT_AHEAD_BYTES } from './limits.js';
import type { SavedSource } from './staging.js';
import type { SavedAligner } from './ordered.js';
import type { Plan } from './plan.js';
import type { SavedSink } from './sink-pump.js';
import type { Ask } from './ask.js';
import type { SavedStage } from './stage.js';
import type { Finding } from './finding.js';
import type { Timers } from './timers.js';

/** What a manifest says beside the chunks. */
interface Content {
  readonly at: Time;
  /** Decisions up to here are in it. */
  readonly journal: number;
  readonly partitions: number;
  readonly sources: Readonly<Record<string, SavedSource>>;
  readonly local: readonly (readonly [actor: number, partition: number, position: Position])[];
  readonly sinks: Readonly<Record<string, { readonly position: Position; readonly held: SavedAligner | null }>>;
  /** Chunks of the directory, in order. */
  readonly directory: readonly string[];
  /** Chunks that describe stages. */
  readonly stages: readonly string[];
}

/** A stage without its bytes, which are chunks of their own: columns one each, and what is kept in one. */
interface StageHead extends Omit<SavedStage, 'columns' | 'kept' | 'asks'> {
  readonly columns: Omit<SavedStage['columns'], 'bytes'>;
  readonly kept: readonly (readonly [slot: number, length: number])[];
  readonly asks: readonly (Omit<Ask, 'input' | 'answer'> & { readonly input: string; readonly answer: string | null })[];
}

/** A checkpoint read back. */
export interface Restored {
  readonly number: number;
  readonly at: Time;
  readonly journal: number;
  readonly sources: Readonly<Record<string, SavedSource>>;
  readonly local: readonly (readonly [actor: number, partition: number, position: Position])[];
  readonly sinks: Readonly<Record<string, { readonly position: Position; readonly held: SavedAligner | null }>>;
  readonly directory: readonly DirectoryChanges[];
  readonly stages: readonly SavedStage[];
}

export interface CheckpointDone {
  readonly number: number;
  readonly at: Time;
  readonly bytes: number;
  readonly ms: number;
}

/** Of the directory, in one turn of the event loop. */
const TURN_BYTES = 32_768;

/** After this many changes the directory is saved as a whole again. */
const DIRECTORY_PARTS = 64;

/**
 * Gathers what intake, actors and sinks hand over at a barrier and makes one version of it. One at a time:
 * the next barrier is not sent before this one is durable.
 */
export class Checkpoints {
  readonly #store: CheckpointStore;
  readonly #plan: Plan;
  readonly #clock: Clock;
  readonly #timers: Timers;
  #directory: string[] = [];
  #running: { number: number; actors: SavedActor[]; sinks: SavedSink[]; told: () => void } | undefined;

  constructor(store: CheckpointStore, plan: Plan, clock: Clock, timers: Timers) {
    this.#store = store;
    this.#plan = plan;
    this.#clock = clock;
    this.#timers = timers;
  }

  /** The newest sound checkpoint. */
  async restore(): Promise<Restored | undefined> {
    const checkpoint = await this.#store.latest();
    if (checkpoint === undefined) return undefined;
    const content = checkpoint.content as Content;
    if (content.partitions !== this.#plan.partitions) {
      throw new Error(`checkpoint ${checkpoint.number} has ${content.partitions} partitions and the graph ${this.#plan.partitions}: partitions are fixed when a graph is created; set them back, or start without the checkpoint`);
    }
    this.#directory = [...content.directory];
    const directory: DirectoryChanges[] = [];
    for (const name of content.directory) directory.push(changesFrom(parse(await checkpoint.chunk(name))));
    const stages: SavedStage[] = [];
    for (const name of content.stages) stages.push(await readStage(checkpoint, name));
    return { number: checkpoint.number, at: content.at, journal: content.journal, sources: content.sources, local: content.local, sinks: content.sinks, directory, stages };
  }

  /** The number of the oldest version kept; -1: none. */
  get oldest(): number {
    return this.#store.oldest()?.number ?? -1;
  }

  /** Positions of the sources, and of the journal, in the oldest version kept: nothing before them is ever asked for again. */
  committed(): { readonly sources: Readonly<Record<string, SavedSource>>; readonly journal: number } {
    return (this.#store.oldest()?.content as Content | undefined) ?? { sources: {}, journal: 0 };
  }

  actor(saved: SavedActor): void {
    if (this.#running?.number !== saved.checkpoint) return;
    this.#running.actors.push(saved);
    this.#running.told();
  }

  sink(saved: SavedSink): void {
    if (this.#running?.number !== saved.checkpoint) return;
    this.#running.sinks.push(saved);
    this.#running.told();
  }

  /** Takes a checkpoint: sends the barrier by `barrier`, waits for all, writes. `gone`: rejects when the graph fails meanwhile. */
  async take(number: number, directory: { all(): Iterable<DirectoryChanges>; changes(): DirectoryChanges }, barrier: () => Promise<{ sources: Record<string, SavedSource>; journal: number }>, gone: Promise<never>): Promise<CheckpointDone> {
    const began = this.#clock.elapsed();
    const writer = await this.#store.begin(number);
    try {
      let told = (): void => {};
      const all = new Promise<void>((resolve) => {
        told = () => {
          if (running.actors.length === this.#plan.actors.length * this.#plan.shards && running.sinks.length === this.#plan.sinks.length) resolve();
        };
      });
      const running = { number, actors: [] as SavedActor[], sinks: [] as SavedSink[], told };
      this.#running = running;
      const { sources, journal } = await Promise.race([barrier(), gone]);
      // After the barrier: what it tells of new series includes all that rows before the barrier have.
      const whole = this.#directory.length === 0 || this.#directory.filter(isChange).length >= DIRECTORY_PARTS;
      const changes = whole ? directory.all() : [directory.changes()];
      running.told();
      await Promise.race([all, gone]);
      const chunks = new Chunks(writer);
      const names = whole ? [] : [...this.#directory];
      for (const name of names) writer.carry(name);
      let part = 0;
      for (const change of changes) {
        if (isEmpty(change)) continue;
        names.push(whole ? `directory/${number}/${part++}` : `directory/${number}`);
        const bytes = Buffer.from(JSON.stringify(change));
        await chunks.add(names.at(-1)!, bytes, true);
        // Of a full part that took milliseconds, and there may be hundreds: sinks take nothing meanwhile, and shards wait for them.
        if (bytes.length >= TURN_BYTES) await this.#timers.turn();
      }
      const stages: string[] = [];
      for (const actor of running.actors) {
        for (const stage of actor.stages) {
          const name = `stage/${stage.node}/${actor.shard}`;
          stages.push(name);
          await writeStage(chunks, name, stage);
        }
      }
      const content: Content = {
        at: this.#clock.now(),
        journal,
        partitions: this.#plan.partitions,
        sources,
        local: running.actors.flatMap((actor) => (actor.local ?? []).map(([partition, position]) => [actor.actor, partition, position] as const)),
        sinks: Object.fromEntries(running.sinks.map((sink) => [sink.sink, { position: sink.position, held: sink.held }])),
        directory: names,
        stages,
      };
      await chunks.written();
      await writer.commit(content);
      this.#directory = names;
      return { number, at: content.at, bytes: chunks.bytes, ms: this.#clock.elapsed() - began };
    } catch (error) {
      // The changes are lost with this version: the next saves the whole.
      this.#directory = [];
      await writer.abort();
      throw error;
    } finally {
      this.#running = undefined;
    }
  }
}

/** Writes the chunks of a version, some ahead, so that small ones share a write. */
class Chunks {
  readonly #writer: CheckpointWriter;
  #ahead: Promise<void>[] = [];
  #aheadBytes = 0;
  /** Of all of them. */
  bytes = 0;

  constructor(writer: CheckpointWriter) {
    this.#writer = writer;
  }

  /** Resolves when there is room for the next. */
  async add(name: string, data: Uint8Array, lasting = false): Promise<void> {
    const written = this.#writer.chunk(name, data, { lasting });
    // Told to whoever waits next.
    written.catch(() => {});
    this.#ahead.push(written);
    this.#aheadBytes += data.length;
    this.bytes += data.length;
    if (this.#aheadBytes >= CHECKPOINT_AHEAD_BYTES) await this.written();
  }

  async written(): Promise<void> {
    const ahead = this.#ahead;
    [this.#ahead, this.#aheadBytes] = [[], 0];
    await Promise.all(ahead);
  }
}

async function writeStage(chunks: Chunks, name: string, stage: SavedStage): Promise<void> {
  const { columns, kept, asks, ...rest } = stage;
  const { bytes, ...shape } = columns;
  const head: StageHead = {
    ...rest,
    watermark: stage.watermark,
    columns: shape,
    kept: kept.map(([slot, saved]) => [slot, saved.length]),
    asks: asks.map((ask) => ({ slot: ask.slot, task: ask.task, asked: ask.asked, due: ask.due, waits: ask.waits, input: base64(ask.input), answer: ask.answer === undefined ? null : base64(ask.answer) })),
  };
  await chunks.add(name, Buffer.from(JSON.stringify(head, infinities)));
  for (const [c, column] of bytes.entries()) await chunks.add(`${name}/${c}`, column);
  await chunks.add(`${name}/kept`, Buffer.concat(kept.map(([, saved]) => saved)));
}

async function readStage(checkpoint: Checkpoint, name: string): Promise<SavedStage> {
  const head = parse(await checkpoint.chunk(name)) as StageHead;
  const bytes: Uint8Array[] = [];
  for (const c of head.columns.columns.keys()) bytes.push(await checkpoint.chunk(`${name}/${c}`));
  const kept = await checkpoint.chunk(`${name}/kept`);
  let at = 0;
  return {
    ...head,
    watermark: number(head.watermark),
    findings: head.findings as readonly (readonly Finding[])[],
    columns: { ...head.columns, bytes },
    kept: head.kept.map(([slot, length]) => [slot, kept.slice(at, (at += length))] as const),
    asks: head.asks.map((ask) => ({ slot: ask.slot, task: ask.task, asked: number(ask.asked), due: number(ask.due), waits: ask.waits, input: bytesOf(ask.input), ...(ask.answer === null ? {} : { answer: bytesOf(ask.answer) }) })),
  };
}

/** A part of the directory that has what changed, not a part of the whole. */
const isChange = (name: string): boolean => /^directory\/\d+$/.test(name);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

/** JSON has no infinities, and watermarks do. */
function infinities(_key: string, value: unknown): unknown {
  return value === Infinity ? 'Infinity' : value === -Infinity ? '-Infinity' : value;
}
const number = (value: unknown): number => Number(value);

/** The furthest event time that any source had seen. */
export function furthestSeen({ sources }: Restored): Time {
  return Math.max(-Infinity, ...Object.values(sources).map(({ watermark }) => watermark.largest ?? -Infinity));
}
