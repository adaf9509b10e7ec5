import { Worker } from 'node:worker_threads';
import type { ConnectorContext, ConnectorHealth } from '../../engine/connector.js';
import { PUBLISHING, PUBLISHING_BYTES, YOUNG_MB } from './limits.js';
import { NotTaken } from './not-taken.js';
import type { Packed } from './packing.js';
import type { FromThread, Publication, ThreadState, ThreadTask, Told, ToThread } from './thread-messages.js';

/** How long a client that is to close may take to say goodbye. */
const GOODBYE_MS = 1_000;

/** Reasons of one outage that are logged. */
const REASONS = 16;

interface Waiting {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A client in a thread of its own, seen from the thread of the connector: what it reads lies in a queue, in order. */
export class ClientThread {
  readonly #context: Pick<ConnectorContext, 'log'>;
  readonly #worker: Worker;
  readonly #queue: Told[] = [];
  readonly #shed: (subjects: readonly (readonly [string, number])[]) => void;
  readonly #publishing = new Map<number, Waiting>();
  #publishingBytes = 0;
  #number = 0;
  #state: ThreadState = { status: 'connecting', detail: 'the first connection is being made' };
  /** Reasons logged since the status changed. */
  readonly #reasons = new Set<string>();
  #failure: Error | undefined;
  #wake: () => void = () => {};
  #closed: () => void = () => {};
  #closing = false;

  constructor(task: ThreadTask, context: Pick<ConnectorContext, 'log'>, shed: (subjects: readonly (readonly [string, number])[]) => void = () => {}) {
    this.#context = context;
    this.#shed = shed;
    this.#worker = new Worker(new URL('client-worker.js', import.meta.url), { workerData: task, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#worker.on('message', (told: FromThread) => this.#hear(told));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread of the NATS client ended with ${code}`)));
  }

  get connected(): boolean {
    return this.#state.status === 'connected';
  }

  get state(): ThreadState {
    return this.#state;
  }

  /** Nothing waits to be taken. */
  get empty(): boolean {
    return this.#queue.length === 0;
  }

  /** What comes next; undefined when nothing is there. Throws when the thread has failed. */
  take(): Told | undefined {
    if (this.#queue.length === 0 && this.#failure !== undefined) throw this.#failure;
    return this.#queue.shift();
  }

  /** Until it is connected, has failed, or `signal` aborts. */
  async whileAway(signal: AbortSignal): Promise<void> {
    while (!this.connected && this.#failure === undefined && !signal.aborted) await this.wait(signal);
  }

  /** Until something can be taken, the state changes, or `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#queue.length > 0 || this.#failure !== undefined || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }

  /** Messages were read: their memory may be used again. */
  read({ memory, length }: Packed): void {
    this.#post({ type: 'read', memory, length }, [memory]);
  }

  /** Everything up to this sequence of the stream is committed. */
  mark(sequence: number): void {
    this.#post({ type: 'mark', sequence }, []);
  }

  /** Resolves when it is confirmed as asked; rejects with why it was not taken (`NotTaken`: nor ever will be), also when too much waits already. */
  publish(publication: Publication): Promise<void> {
    const bytes = publication.payload.length;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#publishing.size >= PUBLISHING || (this.#publishingBytes > 0 && this.#publishingBytes + bytes > PUBLISHING_BYTES)) return Promise.reject(new Error('too much waits to be published'));
    const number = (this.#number += 1);
    this.#publishingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#publishing.set(number, { bytes, resolve, reject });
      this.#post({ type: 'publish', number, ...publication }, []);
    });
  }

  /** How the connection is. */
  health(): ConnectorHealth {
    const { status, detail } = this.#state;
    if (status === 'connected') return { status: 'ok', detail: `connected to ${detail}` };
    return { status: 'down', detail: status === 'away' ? `NATS is away: ${detail}` : detail };
  }

  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => (this.#closed = resolve));
    const late = setTimeout(this.#closed, GOODBYE_MS);
    this.#worker.removeAllListeners('exit');
    if (this.#failure === undefined) this.#post({ type: 'close' }, []);
    else this.#closed();
    await closed;
    clearTimeout(late);
    await this.#worker.terminate();
    this.#fail(new Error('the NATS client is closed'));
  }

  #post(told: ToThread, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(told, transfer);
  }

  #hear(told: FromThread): void {
    switch (told.type) {
      case 'state':
        this.#become(told);
        break;
      case 'shed':
        this.#shed(told.subjects);
        break;
      case 'warning':
        this.#context.log.warn(told.message);
        break;
      case 'published':
        this.#published(told.number, told.error === undefined ? undefined : told.final === true ? new NotTaken(told.error) : new Error(told.error));
        break;
      case 'closed':
        this.#closed();
        break;
      default:
        this.#queue.push(told);
        this.#wake();
    }
  }

  /** Every change is logged once, and so is every further reason why the server is away. */
  #become({ status, detail }: ThreadState): void {
    // That our own goodbye ended the connection is no news.
    if (this.#closing) return;
    if (status !== this.#state.status) this.#reasons.clear();
    this.#state = { status, detail };
    this.#wake();
    if (this.#reasons.has(detail) || this.#reasons.size >= REASONS) return;
    this.#reasons.add(detail);
    const { log } = this.#context;
    if (status === 'connected') log.info({ server: detail }, 'connected to NATS');
    else if (status === 'away') log.warn(`NATS is away: ${detail}; trying again until it is back`);
    else log.error(`nothing can be read: ${detail}`);
  }

  #published(number: number, error: Error | undefined): void {
    const waiting = this.#publishing.get(number);
    if (waiting === undefined) return;
    this.#publishing.delete(number);
    this.#publishingBytes -= waiting.bytes;
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const number of [...this.#publishing.keys()]) this.#published(number, error);
    this.#wake();
  }
}
