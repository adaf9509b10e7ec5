import type { Connection } from './client.js';
import { FETCH, fetchNow, type Fetched } from './fetch-now.js';
import { JetStream } from './jetstream.js';
import type { StreamTask } from './thread-messages.js';

/**
 * A durable consumer that shows people, and what watches the server, how far this graph has come: everything that the oldest
 * checkpoint has is acknowledged. Nothing here depends on it; it can't be set back, so nothing could.
 */
export class ProgressMark {
  readonly #task: StreamTask;
  readonly #name: string;
  readonly #warn: (message: string) => void;
  #connection: Connection | undefined;
  /** The last sequence delivered, where it is known; delivered and not acknowledged yet, by sequence. */
  #last: number | undefined;
  #delivered: Fetched[] = [];
  #wanted = 0;
  #work: Promise<void> = Promise.resolve();
  #warned: string | undefined;

  constructor(task: StreamTask, name: string, warn: (message: string) => void) {
    this.#task = task;
    this.#name = name;
    this.#warn = warn;
  }

  /** Marks go over this connection from now on, or nowhere. */
  use(connection: Connection | undefined): void {
    this.#connection = connection;
    this.#last = undefined;
  }

  /** Everything up to this sequence is committed. Sets one mark after the other, and leaves out those that are not the newest any more. */
  set(sequence: number): void {
    this.#wanted = sequence;
    this.#work = this.#work
      .then(async () => {
        if (this.#connection !== undefined && sequence === this.#wanted) await this.#set(this.#connection, sequence);
      })
      .catch(({ message }: Error) => {
        this.#last = undefined;
        if (message !== this.#warned && this.#connection !== undefined) this.#warn(`consumer ${this.#name} does not mark the progress: ${message}`);
        this.#warned = message;
      });
  }

  async #set(connection: Connection, sequence: number): Promise<void> {
    const { stream, subjects, domain } = this.#task;
    const jetstream = new JetStream(connection, domain);
    if (this.#last === undefined) {
      const { policy, acknowledged } = await jetstream.durable(stream, this.#name, subjects);
      if (policy !== 'all') throw new Error(`it acknowledges by ${policy}, not all: take another name`);
      this.#delivered = [];
      this.#last = acknowledged;
    }
    while (this.#last < sequence) {
      const fetched = await fetchNow(connection, jetstream, stream, this.#name, Math.min(FETCH, sequence - this.#last));
      if (fetched.length === 0) break;
      this.#delivered.push(...fetched);
      // Some may come again, after newer ones.
      this.#last = Math.max(this.#last, ...fetched.map((message) => message.sequence));
      this.#acknowledge(connection, sequence);
    }
    this.#acknowledge(connection, sequence);
  }

  #acknowledge(connection: Connection, sequence: number): void {
    const done = this.#delivered.filter((message) => message.sequence <= sequence);
    if (done.length === 0) return;
    this.#delivered = this.#delivered.filter((message) => message.sequence > sequence);
    connection.publish(done.reduce((a, b) => (b.sequence > a.sequence ? b : a)).reply, new Uint8Array());
  }
}
