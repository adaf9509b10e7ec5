import type { ConnectorContext, ConnectorHealth } from '../../engine/connector.js';
import type { Spool } from '../../engine/spool.js';
import { pause, systemTimers } from '../../engine/timers.js';
import { waitingHealth } from '../spooled/health.js';
import type { ClientThread } from './client-thread.js';
import { IN_FLIGHT, SEND_BYTES } from './limits.js';
import { NotTaken } from './not-taken.js';
import { decodeOutgoing, type Outgoing } from './outgoing.js';
import { Retry } from './retry.js';
import type { Confirmation } from './thread-messages.js';

/**
 * Brings what is in the spool to NATS, in order, some messages at a time. A message leaves the spool once it is confirmed: what fails is
 * published again, under the same id, later and later, for ever. What can't be taken as it is becomes a dead letter.
 */
export class Delivery {
  readonly #spool: Spool;
  readonly #client: ClientThread;
  readonly #confirm: Confirmation;
  readonly #context: ConnectorContext;
  readonly #retry: Retry;
  readonly #closing = new AbortController();
  /** Why the newest try failed. */
  #trouble: string | undefined;
  #running: Promise<void> | undefined;

  constructor(spool: Spool, client: ClientThread, confirm: Confirmation, context: ConnectorContext) {
    this.#spool = spool;
    this.#client = client;
    this.#confirm = confirm;
    this.#context = context;
    this.#retry = new Retry(context.random);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is under way is given up: it stays in the spool, which is closed beside it. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  get well(): boolean {
    return this.#trouble === undefined && this.#client.connected;
  }

  health(): ConnectorHealth {
    const client = this.#client.health();
    const trouble = client.status === 'ok' ? this.#trouble : client.detail;
    if (trouble === undefined) return client;
    return waitingHealth(trouble, 'messages', this.#spool.figures, this.#context.clock.now());
  }

  /** Publishes what was refused once more, past the spool. Rejects with the reason why not. */
  async resubmit(message: Outgoing): Promise<void> {
    await this.#client.publish({ ...message, confirm: this.#confirm });
  }

  async #run(): Promise<void> {
    for (let records = await this.#spool.next(SEND_BYTES); records !== undefined; ) {
      await this.#client.whileAway(this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      try {
        for (let from = 0; from < records.length; from += IN_FLIGHT) await this.#publish(records.slice(from, from + IN_FLIGHT).map(({ bytes }) => decodeOutgoing(bytes)));
        this.#recovered();
        await this.#spool.acknowledge(records.at(-1)!.sequence);
        records = await this.#spool.next(SEND_BYTES);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#failed((error as Error).message);
        await pause(systemTimers, this.#retry.delay(), this.#closing.signal);
      }
    }
  }

  /** All at once; rejects with the first reason when not all of them are confirmed. */
  async #publish(messages: readonly Outgoing[]): Promise<void> {
    const settled = await Promise.allSettled(
      messages.map(async (message) => {
        try {
          await this.#client.publish({ ...message, confirm: this.#confirm });
          this.#context.count('published');
        } catch (error) {
          if (!(error instanceof NotTaken)) throw error;
          this.#refuse(message, error.message);
        }
      }),
    );
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  #refuse({ subject, headers, payload }: Outgoing, reason: string): void {
    this.#context.count('refused');
    this.#context.deadLetter({ origin: subject, reason, headers: { ...headers, subject }, payload });
  }

  #failed(trouble: string): void {
    this.#context.count('retries');
    // That it is away is told by the client.
    if (!this.#client.connected) return;
    if (trouble !== this.#trouble) this.#context.log.warn(`${trouble}; what is published waits on disk`);
    this.#trouble = trouble;
  }

  #recovered(): void {
    this.#retry.succeeded();
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#context.log.info({ ...this.#spool.figures }, 'NATS takes what is published again');
  }
}
