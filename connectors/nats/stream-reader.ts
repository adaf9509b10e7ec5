import type { Clock } from '../../engine/clock.js';
import { pause, systemTimers } from '../../engine/timers.js';
import type { Connection, Incoming } from './client.js';
import { envelopeOf } from './envelope.js';
import type { HandOver } from './hand-over.js';
import { JetStream, UnfitStream, type Place, type Start, type StreamState } from './jetstream.js';
import { OrderedPull } from './ordered-pull.js';
import type { Retry } from './retry.js';
import { overlap } from './subjects.js';
import type { Pass, PassKind, StreamTask, Told } from './thread-messages.js';

/** How often the stream is looked at: whether it drops what was not read yet, and how far it is read where other subjects lie between. */
const LOOK_MS = 5_000;

/** Reads a stream from where an earlier run stood, over any number of connections, and tells what it has missed. */
export class StreamReader {
  readonly #task: StreamTask;
  readonly #handOver: HandOver;
  readonly #tell: (told: Told) => void;
  readonly #say: (reason: string | undefined) => void;
  readonly #retry: Retry;
  readonly #clock: Clock;
  #passes: readonly Pass[];
  #created: string | undefined;
  /** Where the pass goes on; a sequence, once a message has come. */
  #start: Start;
  /** Where it ends. */
  #upTo: number | undefined;
  #started = false;
  /** Everything that the stream had was handed over. */
  #current = false;
  /** Only some of the stream's subjects are ours. */
  #filtered = false;
  /** Of a stream with other subjects: its last sequence at some moment, and how often nothing was pending since then. */
  #last: { readonly sequence: number; idles: number } | undefined;
  #pull: OrderedPull | undefined;
  #finish: () => void = () => {};

  /** `say`: why nothing can be read, or undefined when it can. */
  constructor(task: StreamTask, handOver: HandOver, retry: Retry, clock: Clock, tell: (told: Told) => void, say: (reason: string | undefined) => void) {
    this.#task = task;
    this.#handOver = handOver;
    this.#retry = retry;
    this.#clock = clock;
    this.#tell = tell;
    this.#say = say;
    this.#passes = task.passes;
    this.#created = task.created;
    this.#start = task.passes[0]!.start;
    this.#upTo = task.passes[0]!.upTo;
  }

  /** What is handed over belongs to. */
  get pass(): PassKind {
    return this.#passes[0]!.kind;
  }

  get current(): boolean {
    return this.#current;
  }

  /** Reads until the connection ends, or everything is read. */
  async read(connection: Connection, ended: AbortSignal): Promise<void> {
    const jetstream = new JetStream(connection, this.#task.domain);
    this.#current = false;
    this.#tell({ type: 'behind' });
    const gone = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
    while (!ended.aborted && this.#passes.length > 0) {
      try {
        await this.#readPass(connection, jetstream, gone);
        continue;
      } catch (error) {
        if (ended.aborted) return;
        this.#say((error as Error).message);
      } finally {
        this.#pull?.stop();
        this.#pull = undefined;
      }
      await pause(systemTimers, this.#retry.delay(), ended);
    }
  }

  /** There is more room. */
  ask(): void {
    this.#pull?.ask();
  }

  /** Rejects with why it can't be read; returns when the pass is over, or has to be begun again. */
  async #readPass(connection: Connection, jetstream: JetStream, gone: Promise<void>): Promise<void> {
    const { stream, subjects, limits } = this.#task;
    const state = await jetstream.stream(stream, subjects, limits);
    if (state.subjects.length > 0 && !state.subjects.some((one) => subjects.some((other) => overlap(one, other)))) {
      throw new UnfitStream(`stream ${stream} keeps ${state.subjects.join(', ')}, and nothing of ${subjects.join(', ')}`);
    }
    // A mirror has no subjects of its own.
    this.#filtered = state.subjects.length === 0 || state.subjects.some((subject) => !subjects.includes(subject));
    this.#judge(state);
    const kind = this.pass;
    if (this.#task.bounded && kind === 'new') this.#upTo ??= state.last;
    const pass = new Promise<void>((resolve) => (this.#finish = resolve));
    const task = { stream, start: this.#start, filter: this.#filtered ? subjects : [], headersOnly: kind === 'ids' };
    const listener = { room: () => this.#handOver.room, hear: (message: Incoming, place: Place) => this.#hear(message, place), idle: () => this.#idle(jetstream) };
    const pull = await OrderedPull.start(connection, jetstream, task, listener, this.#clock);
    this.#pull = pull;
    this.#start = { after: pull.after };
    if (kind === 'new' && !this.#started) {
      this.#started = true;
      this.#tell({ type: 'started', created: state.created, after: pull.after, renewed: false });
    }
    this.#say(undefined);
    if (pull.pending === 0 || this.#beyond(pull.after)) this.#idle(jetstream);
    pull.ask();
    const look = setInterval(() => void this.#look(jetstream).catch(() => {}), LOOK_MS);
    const why = await Promise.race([pass, gone, pull.over]);
    clearInterval(look);
    if (typeof why === 'string') throw new Error(why);
  }

  /** Whether the stream is the one we know, and still has what comes next. */
  #judge({ created, first, last }: StreamState): void {
    if (this.#start === 'start') this.#start = { after: first - 1 };
    const after = typeof this.#start === 'object' && 'after' in this.#start ? this.#start.after : undefined;
    const renewed = this.#created !== undefined && (created !== this.#created || (after ?? 0) > last);
    this.#created = created;
    if (renewed) {
      this.#passes = this.#passes.slice(-1);
      [this.#start, this.#upTo, this.#started] = [{ after: first - 1 }, undefined, true];
      this.#handOver.flush();
      this.#tell({ type: 'started', created, after: first - 1, renewed });
    } else if (after !== undefined) this.#missed(after, first - 1);
  }

  /** The sequences after `after`, up to `to`, can't be read any more. */
  #missed(after: number, to: number): void {
    if (to <= after) return;
    this.#start = { after: to };
    this.#handOver.flush();
    this.#tell({ type: 'gap', pass: this.pass, from: after + 1, to, ours: !this.#filtered });
  }

  #beyond(sequence: number): boolean {
    return this.#upTo !== undefined && sequence >= this.#upTo;
  }

  #hear(message: Incoming, place: Place): void {
    const { sequence, pending, time } = place;
    if (this.#upTo !== undefined && sequence > this.#upTo) return this.#pass();
    if (!this.#filtered) this.#missed((this.#start as { after: number }).after, sequence - 1);
    this.#start = { after: sequence };
    this.#last = undefined;
    this.#retry.succeeded();
    this.#current = pending === 0;
    this.#handOver.add(envelopeOf(message, sequence, time), message.data);
    if (this.#beyond(sequence) || (this.#upTo !== undefined && pending === 0)) this.#pass();
  }

  /** Nothing of ours is pending. */
  #idle(jetstream: JetStream): void {
    this.#retry.succeeded();
    if (this.#upTo !== undefined) return this.#pass();
    const { after } = this.#start as { after: number };
    if (!this.#current) {
      this.#current = true;
      this.#handOver.flush();
      this.#tell({ type: 'seen', sequence: after });
    }
    if (this.#filtered) this.#skip(after, jetstream);
  }

  /** Goes on behind messages that are not ours: else, after a restart, it would seem that the stream had dropped some of ours. */
  #skip(after: number, jetstream: JetStream): void {
    const last = this.#last;
    if (last === undefined) {
      jetstream.stream(this.#task.stream, this.#task.subjects, undefined).then((state) => (this.#last = { sequence: state.last, idles: 0 }), () => {});
      return;
    }
    last.idles += 1;
    // Twice, as the server may have found nothing pending just before the sequence was its last.
    if (last.idles < 2) return;
    this.#last = undefined;
    if (last.sequence <= after) return;
    this.#start = { after: last.sequence };
    this.#tell({ type: 'seen', sequence: last.sequence });
  }

  /** While messages wait: has the stream dropped some that were not read? */
  async #look(jetstream: JetStream): Promise<void> {
    if (!this.#filtered || this.#current) return;
    const { first } = await jetstream.stream(this.#task.stream, this.#task.subjects, undefined);
    if (!this.#current) this.#missed((this.#start as { after: number }).after, first - 1);
  }

  /** The pass is over, the next one begins. */
  #pass(): void {
    this.#handOver.flush();
    this.#passes = this.#passes.slice(1);
    const [next] = this.#passes;
    if (next === undefined) this.#tell({ type: 'ended' });
    else [this.#start, this.#upTo] = [next.start, next.upTo];
    this.#finish();
    this.#pull?.stop();
  }
}
