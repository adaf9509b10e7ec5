import type { Clock } from '../../engine/clock.js';
import type { Connection, Incoming } from './client.js';
import { placeOf, type JetStream, type Place, type Start } from './jetstream.js';
import { HEARTBEAT_MS, PULL_MESSAGES, WINDOW_BYTES } from './limits.js';

/** A pull lasts so long where nothing comes; then the next one is sent. */
const PULL_MS = 30_000;

/** Heartbeats that may be missed. */
const UNHEARD = 4;

/** Less room than this is not worth a pull. */
const WORTHWHILE = WINDOW_BYTES / 4;

export interface PullTask {
  readonly stream: string;
  readonly start: Start;
  /** Empty: all subjects of the stream. */
  readonly filter: readonly string[];
  readonly headersOnly: boolean;
}

export interface PullListener {
  /** Bytes that may be asked for now. */
  room(): number;
  hear(message: Incoming, place: Place): void;
  /** Everything that the stream has was sent. */
  idle(): void;
}

/**
 * Reads a stream in order by a consumer of its own, which the server forgets with us: no acknowledgement, no
 * redelivery. It is asked for as much as there is room for, so a fast publisher waits in the stream. When anything is
 * out of order it is over, and whoever reads makes another from the next sequence.
 */
export class OrderedPull {
  /** Resolves with the reason when it gives nothing more. */
  readonly over: Promise<string>;
  /** Its messages have higher sequences. */
  readonly after: number;
  /** Messages that it had to send when it began. */
  readonly pending: number;
  readonly #jetstream: JetStream;
  readonly #task: PullTask;
  readonly #listener: PullListener;
  readonly #clock: Clock;
  readonly #consumer: string;
  readonly #inbox: string;
  readonly #unsubscribe: () => void;
  readonly #watch: NodeJS.Timeout;
  #end!: (reason: string) => void;
  #delivery = 0;
  /** Messages that the pull under way may still bring, 0: none is under way; whether it brought any. */
  #messages = 0;
  /** Bytes that it may still bring. */
  #bytes = 0;
  #fruitful = true;
  /** The next message is larger than what was asked for: it is asked for by itself, when there is all the room there is. */
  #large = false;
  #heard: number;
  #stopped = false;

  private constructor(connection: Connection, jetstream: JetStream, task: PullTask, listener: PullListener, clock: Clock, consumer: { readonly name: string; readonly after: number; readonly pending: number }) {
    this.#jetstream = jetstream;
    this.#task = task;
    this.#listener = listener;
    this.#clock = clock;
    this.#consumer = consumer.name;
    this.after = consumer.after;
    this.pending = consumer.pending;
    this.#heard = clock.elapsed();
    this.over = new Promise((resolve) => (this.#end = resolve));
    this.#inbox = connection.inbox();
    this.#unsubscribe = connection.subscribe(this.#inbox, (message) => this.#hear(message), (reason) => this.#end(reason));
    this.#watch = setInterval(() => {
      if (this.#messages > 0 && clock.elapsed() - this.#heard > UNHEARD * HEARTBEAT_MS) this.#end('JetStream is silent');
    }, HEARTBEAT_MS);
  }

  static async start(connection: Connection, jetstream: JetStream, task: PullTask, listener: PullListener, clock: Clock): Promise<OrderedPull> {
    const consumer = await jetstream.consumer(task.stream, task.start, task.filter, task.headersOnly);
    return new OrderedPull(connection, jetstream, task, listener, clock, consumer);
  }

  /** Asks for more where there is room. To be called at the beginning, and when room was made. */
  ask(): void {
    if (this.#messages > 0 || this.#stopped) return;
    const room = this.#listener.room();
    if (room < (this.#large ? WINDOW_BYTES : WORTHWHILE)) return;
    this.#messages = this.#large ? 1 : PULL_MESSAGES;
    this.#fruitful = false;
    this.#heard = this.#clock.elapsed();
    this.#bytes = this.#large ? Infinity : room;
    const want = { messages: this.#messages, expiresMs: PULL_MS, heartbeatMs: HEARTBEAT_MS, ...(this.#large ? {} : { bytes: room }) };
    this.#jetstream.pull(this.#task.stream, this.#consumer, this.#inbox, want);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watch);
    this.#unsubscribe();
    this.#end('stopped');
    this.#jetstream.deleteConsumer(this.#task.stream, this.#consumer).catch(() => {
      // The server forgets it by itself.
    });
  }

  #hear(message: Incoming): void {
    this.#heard = this.#clock.elapsed();
    const place = placeOf(message.reply);
    if (place === undefined) return this.#told(message);
    if (place.delivery !== this.#delivery + 1) return this.#end(`message ${place.delivery} of the consumer came after ${this.#delivery}`);
    this.#delivery = place.delivery;
    this.#messages -= 1;
    this.#bytes -= message.size;
    // Where a message takes just what was left, JetStream ends the pull without saying so.
    if (this.#bytes === 0) this.#messages = 0;
    this.#fruitful = true;
    this.#large = false;
    this.#listener.hear(message, place);
    if (this.#messages === 0) this.ask();
  }

  /** Something other than a message: by its status, as HTTP has them. */
  #told({ status, description }: Incoming): void {
    if (status === 100) return this.#listener.idle();
    const why = description.toLowerCase();
    if (status === 408) this.#listener.idle();
    else if (status === 409 && why.includes('exceeds maxbytes')) this.#large = !this.#fruitful;
    else if (status !== 409 || why.includes('consumer') || !this.#fruitful) return this.#end(`JetStream says ${status} ${description}`.trim());
    this.#messages = 0;
    this.ask();
  }
}
