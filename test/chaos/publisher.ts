import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type JetStreamClient, type NatsConnection } from 'nats';
import { systemClock } from '../../engine/clock.js';
import type { Load, Message } from './load.js';

const SUBJECT = 'metrics.v1.load';
/** Messages without an answer at most. */
const WINDOW = 64;
const ANSWER_MS = 3_000;
const AGAIN_MS = 50;
const TICK_MS = 10;

/** Publishes a load to JetStream until every message is acknowledged: while the server is away none is made, and what has no answer is sent again under its id. */
export class LoadPublisher {
  readonly #doubtful: Message[] = [];
  #perSecond: number;
  #stopped = false;
  #rounds = 0;

  constructor(
    private readonly url: string,
    private readonly load: Load,
    perSecond: number,
  ) {
    this.#perSecond = perSecond;
  }

  /** How often it has connected and then had an answer to all that it had sent before. */
  get rounds(): number {
    return this.#rounds;
  }

  pace(perSecond: number): void {
    this.#perSecond = perSecond;
  }

  /** No new message is made; `run` ends when those made are acknowledged. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped || this.#doubtful.length > 0) {
      let connection: NatsConnection | undefined;
      try {
        connection = await connect({ servers: this.url, reconnect: false, timeout: 1_000 });
        const stream = connection.jetstream();
        await Promise.all([...this.#doubtful].map((message) => this.#publish(stream, message)));
        this.#rounds += 1;
        await this.#go(stream, connection.closed());
      } catch {
        await sleep(AGAIN_MS);
      } finally {
        await connection?.close().catch(() => undefined);
      }
    }
  }

  /** Publishes one more message, whether stopped or not. */
  async once(message: Message): Promise<void> {
    this.#doubtful.push(message);
    await this.run();
  }

  async #go(stream: JetStreamClient, closed: Promise<unknown>): Promise<void> {
    let failed = false;
    const failing = (): void => void (failed = true);
    closed.then(failing, failing);
    let due = 0;
    let ticked = performance.now();
    while (!failed && !(this.#stopped && this.#doubtful.length === 0)) {
      await sleep(TICK_MS);
      const now = performance.now();
      // Not more than a window: time that it could not publish in is not made up for.
      due = Math.min(WINDOW, due + ((now - ticked) * this.#perSecond) / 1_000);
      ticked = now;
      for (; due >= 1 && !this.#stopped && this.#doubtful.length < WINDOW; due--) {
        const message = this.load.next(systemClock.now());
        this.#doubtful.push(message);
        this.#publish(stream, message).catch(failing);
      }
    }
  }

  async #publish(stream: JetStreamClient, message: Message): Promise<void> {
    await stream.publish(SUBJECT, message.payload, { msgID: message.id, timeout: ANSWER_MS });
    this.#doubtful.splice(this.#doubtful.indexOf(message), 1);
  }
}
