import { z } from 'zod';
import { defineSource, type AnySource, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { DiskLog } from '../../engine/disk-log.js';
import type { Finding } from '../../engine/finding.js';
import type { Files } from '../../engine/files.js';
import type { Latency, Life, Scheduler } from './scheduler.js';

export type Row = readonly [time: number, series: string, value: number];

/** What a publisher sends at once. Told apart by `id`: one that is sent twice has it twice. */
export interface Message {
  readonly id: number;
  /** Virtual time at which it is sent. */
  readonly at: number;
  readonly rows: readonly Row[];
}

export type Input =
  /** A file: as fast as it is read. `endsWithRows`: the reading that gives the last rows says that it was the last. */
  | { readonly kind: 'file'; readonly name: string; readonly disorder: number; readonly rows: readonly Row[]; readonly endsWithRows: boolean }
  /** A stream that can be read again from any message. */
  | { readonly kind: 'stream'; readonly name: string; readonly disorder: number; readonly messages: readonly Message[]; readonly endsWithRows: boolean }
  /** Posted, and answered when it is in a log. */
  | { readonly kind: 'posted'; readonly name: string; readonly disorder: number; readonly messages: readonly Message[]; readonly endsWithRows: boolean }
  /** What people say, kept where it can be read again: findings, at a virtual time each. */
  | { readonly kind: 'said'; readonly name: string; readonly disorder: number; readonly findings: readonly { readonly at: number; readonly finding: Finding }[] };

/** Around the sources of one life. */
export interface SourceWorld {
  readonly scheduler: Scheduler;
  readonly life: Life;
  readonly latency: Latency;
  readonly files: Files;
  readonly inputs: ReadonlyMap<string, Input>;
  /** By name of the source. */
  readonly brokers: ReadonlyMap<string, Broker>;
  readonly publishers: ReadonlyMap<string, Publisher>;
  /** Something goes wrong here, now. */
  fails(what: string): boolean;
}

/** Ids of messages that a source remembers: more than there are between a message and its repetition. */
const REMEMBERED = 12;

interface Handled {
  readonly sequence: number;
  readonly ids: readonly number[];
}

/** Which messages a source has handed on: by number, and by id for what a publisher sent again. */
class Repeats {
  readonly #ids: number[] = [];

  restore(ids: readonly number[]): void {
    this.#ids.push(...ids);
  }

  /** Takes note of a message; true: it has been before. */
  has(message: Message): boolean {
    const identity = message.id;
    if (this.#ids.includes(identity)) return true;
    this.#ids.push(identity);
    if (this.#ids.length > REMEMBERED) this.#ids.shift();
    return false;
  }

  save(): readonly number[] {
    return [...this.#ids];
  }
}

/** Holds a stream's messages as they were sent. It lives on when the engine dies. */
export class Broker {
  readonly messages: readonly Message[];
  /** Until then nobody gets through to it. */
  away = 0;

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }

  /** How many have been sent by then. */
  sent(now: number): number {
    let count = 0;
    while (count < this.messages.length && this.messages[count]!.at <= now) count += 1;
    return count;
  }
}

/** Posts its messages one after the other, each until it is answered. */
export class Publisher {
  readonly messages: readonly Message[];
  /** The source that takes posts now. */
  accepts: ((message: Message) => Promise<unknown>) | undefined;
  /** Posted and answered. */
  answered = 0;

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }

  /** `world`: that of no process. */
  run(scheduler: Scheduler, world: Life, answerMs: number): void {
    const post = (): void => {
      const message = this.messages[this.answered];
      if (message === undefined) return;
      const wait = message.at - scheduler.now;
      if (wait > 0) return void scheduler.after(world, wait, post);
      const { accepts } = this;
      let decided = false;
      const again = (answered: boolean): void => {
        if (decided) return;
        decided = true;
        if (answered) this.answered += 1;
        scheduler.after(world, answered ? 1 : answerMs / 4, post);
      };
      // Where no answer comes it is posted again.
      scheduler.after(world, answerMs, () => again(false));
      if (accepts === undefined) again(false);
      else
        accepts(message).then(
          () => again(true),
          () => again(false),
        );
    };
    scheduler.after(world, 0, post);
  }
}

abstract class SimulatedSource implements Source {
  protected readonly input: Input;
  protected readonly world: SourceWorld;

  constructor(input: Input, world: SourceWorld) {
    this.input = input;
    this.world = world;
  }

  abstract open(from: Position | undefined): Promise<void>;
  abstract read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading>;

  close(): Promise<void> {
    return Promise.resolve();
  }

  protected wait(ms = 0): Promise<void> {
    const { scheduler, life, latency } = this.world;
    return scheduler.later(life, ms + scheduler.draw(latency), () => {
      if (this.world.fails('source')) throw new Error(`${this.input.name} cannot be read`);
    });
  }

  protected waitFor(ms: number, signal: AbortSignal): Promise<void> {
    const { scheduler, life } = this.world;
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = scheduler.after(life, ms, done);
      signal.addEventListener('abort', done);
    });
  }
}

class FileSource extends SimulatedSource {
  #at = 0;

  async open(from: Position | undefined): Promise<void> {
    await this.wait();
    this.#at = (from as number | undefined) ?? 0;
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    await this.wait();
    const { rows, endsWithRows } = this.input as Input & { kind: 'file' };
    if (signal.aborted) return { position: this.#at };
    if (this.#at === rows.length) return { position: this.#at, ended: true };
    const end = Math.min(rows.length, this.#at + this.world.scheduler.between(1, 30));
    for (; this.#at < end; this.#at++) into.add(...rows[this.#at]!);
    return { position: this.#at, ended: endsWithRows && end === rows.length };
  }
}

class StreamSource extends SimulatedSource {
  #sequence = 0;
  readonly #repeats = new Repeats();

  async open(from: Position | undefined): Promise<void> {
    await this.wait();
    if (from === undefined) return;
    const { sequence, ids } = from as unknown as Handled;
    this.#sequence = sequence;
    this.#repeats.restore(ids);
  }

  get #broker(): Broker {
    return this.world.brokers.get(this.input.name)!;
  }

  /** While the broker is away, and until all that it has is read, silence is no silence. */
  hears(): boolean {
    const { scheduler } = this.world;
    return this.#broker.away <= scheduler.now && this.#sequence === this.#broker.sent(scheduler.now);
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    const { scheduler } = this.world;
    const broker = this.#broker;
    const { messages } = broker;
    await this.wait();
    while (!signal.aborted) {
      if (broker.away > scheduler.now) await this.waitFor(broker.away - scheduler.now, signal);
      else if (this.#sequence === messages.length) return this.#reading(true);
      else if (broker.sent(scheduler.now) === this.#sequence) await this.waitFor(messages[this.#sequence]!.at - scheduler.now, signal);
      else break;
    }
    if (signal.aborted) return this.#reading(false);
    // After a broken connection it begins with what was handed on before.
    const begin = scheduler.chance(0.1) ? scheduler.between(0, this.#sequence + 1) : this.#sequence;
    const end = Math.min(broker.sent(scheduler.now), this.#sequence + scheduler.between(1, 5));
    for (let at = begin; at < end; at++) {
      if (at < this.#sequence) continue;
      const message = messages[at]!;
      this.#sequence = at + 1;
      if (!this.#repeats.has(message)) for (const row of message.rows) into.add(...row);
    }
    return this.#reading((this.input as { endsWithRows: boolean }).endsWithRows && end === messages.length);
  }

  #reading(ended: boolean): Reading {
    const position: Position = { sequence: this.#sequence, ids: [...this.#repeats.save()] };
    return { position, ended };
  }
}

/** As `http` does it: a post is answered when it is in the log, and the log is what is read. */
class PostedSource extends SimulatedSource {
  #log: DiskLog | undefined;
  #sequence = 0;
  readonly #repeats = new Repeats();
  /** The last one has been handed on. */
  #seen = 0;

  async open(from: Position | undefined): Promise<void> {
    if (from !== undefined) {
      const { sequence, ids, seen } = from as unknown as Handled & { seen: number };
      this.#sequence = sequence;
      this.#seen = seen;
      this.#repeats.restore(ids);
    }
    const log = await DiskLog.open(`/posted/${this.input.name}`, { limit: 1e6, after: this.#sequence, files: this.world.files });
    this.#log = log;
    this.world.publishers.get(this.input.name)!.accepts = (message) => log.append(Buffer.from(JSON.stringify(message)));
  }

  hears(): boolean {
    return this.#seen >= this.world.publishers.get(this.input.name)!.answered;
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    const { messages } = this.input as Input & { kind: 'posted' };
    await this.wait();
    if (this.#seen === messages.length) return this.#reading(true);
    for (;;) {
      await this.#log!.wait(this.#sequence, signal);
      if (signal.aborted) return this.#reading(false);
      const { records, upTo } = await this.#log!.read(this.#sequence, this.world.scheduler.between(1, 2_000));
      this.#sequence = upTo;
      for (const { bytes } of records) {
        const message = JSON.parse(Buffer.from(bytes).toString()) as Message;
        if (this.#repeats.has(message)) continue;
        this.#seen += 1;
        for (const row of message.rows) into.add(...row);
      }
      if (records.length > 0) return this.#reading((this.input as { endsWithRows: boolean }).endsWithRows && this.#seen === messages.length);
    }
  }

  async commit(position: Position): Promise<void> {
    await this.#log?.drop((position as unknown as Handled).sequence);
  }

  override async close(): Promise<void> {
    this.world.publishers.get(this.input.name)!.accepts = undefined;
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  #reading(ended: boolean): Reading {
    const position: Position = { sequence: this.#sequence, ids: [...this.#repeats.save()], seen: this.#seen };
    return { position, ended };
  }
}

/** As `feedback` does it: what was said is there at once, also for who does not wait. */
class SaidSource extends SimulatedSource {
  #at = 0;

  async open(from: Position | undefined): Promise<void> {
    await this.wait();
    this.#at = (from as number | undefined) ?? 0;
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    await this.wait();
    const { scheduler } = this.world;
    const { findings } = this.input as Input & { kind: 'said' };
    while (this.#at < findings.length && findings[this.#at]!.at > scheduler.now) {
      if (signal.aborted) return { position: this.#at };
      await this.waitFor(findings[this.#at]!.at - scheduler.now, signal);
    }
    const end = Math.min(findings.length, this.#at + scheduler.between(1, 3));
    for (; this.#at < end && findings[this.#at]!.at <= scheduler.now; this.#at++) into.finding(findings[this.#at]!.finding);
    return { position: this.#at, ended: this.#at === findings.length };
  }
}

const config = z.strictObject({ disorder: z.number() });

/** The sources of a life, by type. */
export function sourcesOf(world: SourceWorld): AnySource[] {
  const define = (name: string, live: boolean, create: (input: Input) => Source, more: Partial<AnySource> = {}): AnySource =>
    defineSource<z.output<typeof config>>({
      name,
      summary: '',
      description: '',
      config,
      examples: [],
      live: () => live,
      replays: true,
      disorder: ({ disorder }) => disorder,
      create: (_config, { node }) => create(world.inputs.get(node)!),
      ...more,
    });
  return [
    define('file', false, (input) => new FileSource(input, world)),
    define('stream', true, (input) => new StreamSource(input, world)),
    define('posted', true, (input) => new PostedSource(input, world)),
    define('said', true, (input) => new SaidSource(input, world), { findings: ['feedback'] }),
  ];
}
