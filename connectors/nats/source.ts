import { defineSource, payloadOf, type ConnectorContext, type ConnectorHealth, type DeadLetter, type Intake, type Position, type Reading, type RefusedInput, type ResubmitAttempt, type Source } from '../../engine/connector.js';
import { ClientThread } from './client-thread.js';
import { connectionOptions } from './connection-config.js';
import { deadLetterJson } from './dead-letter-json.js';
import { isoTime } from '../payload/iso-time.js';
import { MessageDecoder } from './decoding.js';
import { DEGRADED_MS, REMEMBERED_IDS } from './limits.js';
import { Unpacker } from './packing.js';
import { RecentIds } from './recent-ids.js';
import { Shedding } from './shedding.js';
import { DEAD_LETTERS, sourceConfig, type SourceConfig } from './source-config.js';
import { passesFrom, streamPosition, type StreamPosition } from './stream-position.js';
import { MESSAGE_ID, type StreamTask, type Told } from './thread-messages.js';

type Messages = Extract<Told, { type: 'messages' }>;

class NatsSource implements Source {
  readonly #config: SourceConfig;
  readonly #context: ConnectorContext;
  readonly #decoder: MessageDecoder;
  readonly #ids: RecentIds;
  readonly #shedding: Shedding;
  #client: ClientThread | undefined;
  /** Messages of which some are still to be taken. */
  #messages: (Messages & { readonly unpacker: Unpacker }) | undefined;
  /** When the stream was created, once it is known; the last sequence taken. */
  #created: string | undefined;
  #sequence = 0;
  /** Everything that the stream has was taken. */
  #current = false;
  #ended = false;
  #toldOfIds = false;
  /** When messages were last lost, and how, for `health`. */
  #lost: { readonly at: number; readonly what: string } | undefined;

  constructor(config: SourceConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    this.#decoder = new MessageDecoder(config.precision, context, (letter) => this.#refuse(letter));
    this.#ids = new RecentIds(REMEMBERED_IDS, config.jetstream?.dedup_window ?? 0, (ms) => this.#remembersLess(ms));
    this.#shedding = new Shedding(context);
  }

  async open(from: Position | undefined): Promise<void> {
    const { subjects, queue, jetstream } = this.#config;
    const { node, base, replay } = this.#context;
    // What nobody keeps can't be replayed.
    if (replay && jetstream === undefined) return;
    const connection = await connectionOptions(this.#config, `millrace ${node}`, base);
    const read = jetstream === undefined ? ({ kind: 'subjects', subjects, ...(queue !== undefined && { queue }) } as const) : this.#streamTask(jetstream, from);
    this.#client = new ClientThread({ connection, read }, this.#context, (shed) => this.#shedding.add(shed));
  }

  async read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading> {
    const client = this.#client;
    if (client === undefined) return { position: null, ended: true };
    while (!signal.aborted && !this.#ended && into.length < limit) {
      if (this.#messages !== undefined) {
        this.#takeMessages(client, this.#messages, into, limit);
        continue;
      }
      const told = client.take();
      if (told !== undefined) {
        if (this.#hear(told)) break;
      } else if (into.length > 0) break;
      else {
        if (this.#context.replay) failReplay(client);
        await client.wait(signal);
      }
    }
    return { position: this.#position(), ...(this.#ended && { ended: true }) };
  }

  commit(position: Position): Promise<void> {
    const committed = streamPosition(position);
    if (committed !== undefined && this.#config.jetstream?.durable !== undefined) this.#client?.mark(committed.sequence);
    return Promise.resolve();
  }

  hears(): boolean {
    const client = this.#client;
    if (client === undefined) return true;
    return client.connected && client.empty && this.#messages === undefined && (this.#config.jetstream === undefined || this.#current);
  }

  health(): ConnectorHealth {
    const health = this.#client?.health() ?? { status: 'ok' };
    const lost = this.#lost ?? this.#shedding.lost;
    if (health.status !== 'ok' || lost === undefined || this.#context.clock.elapsed() - lost.at > DEGRADED_MS) return health;
    return { status: 'degraded', detail: lost.what };
  }

  /** Publishes it again where it came from: what a stream has acknowledged comes back whatever happens. */
  async resubmit(letter: DeadLetter, { key, repeated }: ResubmitAttempt): Promise<void> {
    const { subject, ...headers } = letter.headers ?? {};
    const { jetstream } = this.#config;
    if (subject === undefined) throw new Error('the letter does not say which subject it came from');
    if (this.#client === undefined) throw new Error('the source is not open');
    const message = { subject, payload: payloadOf(letter), headers };
    if (jetstream !== undefined) {
      const unless = { stream: jetstream.stream, domain: jetstream.domain, after: letter.sequence ?? 0 };
      await this.#client.publish({ ...message, headers: { ...headers, [MESSAGE_ID]: `resubmitted-${key}` }, confirm: 'stream', ...(repeated && { unless }) });
    } else if (repeated) throw new Error('it was sent to core NATS before, which does not tell whether it came: publish it by hand where it is missing');
    else await this.#client.publish({ ...message, confirm: 'server' });
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  #streamTask({ stream, domain, create, durable, from: configured }: NonNullable<SourceConfig['jetstream']>, from: Position | undefined): StreamTask {
    const { replay, log } = this.#context;
    let position = streamPosition(from);
    if (position !== undefined && position.stream !== stream) {
      log.error(`the checkpoint stands in stream ${position.stream}: ${stream} is read as if there were none`);
      position = undefined;
    }
    if (position !== undefined) {
      this.#created = position.created;
      this.#sequence = position.sequence;
      if (position.ids !== undefined) this.#ids.restore(position.ids);
    }
    const start = replay || configured === 'start' ? 'start' : configured === 'new' ? 'new' : { time: new Date(isoTime(configured)).toISOString() };
    return {
      kind: 'stream',
      stream,
      subjects: this.#config.subjects,
      ...(domain !== undefined && { domain }),
      ...(create !== undefined && { limits: { maxBytes: create.max_bytes, maxAgeMs: create.max_age, replicas: create.replicas, storage: create.storage } }),
      ...(durable !== undefined && { durable }),
      ...(position !== undefined && { created: position.created }),
      passes: position === undefined ? [{ kind: 'new', start }] : passesFrom(position),
      bounded: replay,
    };
  }

  /** Whether the position has changed, so that it should be known although no row came. */
  #hear(told: Told): boolean {
    switch (told.type) {
      case 'messages':
        this.#messages = { ...told, unpacker: new Unpacker(told.packed) };
        return false;
      case 'started':
        if (told.renewed) this.#startAnew();
        this.#created = told.created;
        this.#sequence = told.after;
        return true;
      case 'behind':
        this.#current = false;
        return false;
      case 'seen': {
        const moved = told.sequence !== this.#sequence;
        this.#sequence = told.sequence;
        this.#current = true;
        return moved;
      }
      case 'gap':
        this.#miss(told);
        return false;
      case 'ended':
        this.#ended = true;
        return true;
      default:
        return told satisfies never;
    }
  }

  #takeMessages(client: ClientThread, messages: Messages & { readonly unpacker: Unpacker }, into: Intake, limit: number): void {
    const { unpacker, pass, packed, current } = messages;
    while (into.length < limit) {
      if (!unpacker.next()) {
        this.#messages = undefined;
        this.#current = current;
        client.read(packed);
        return;
      }
      if (pass === 'dictionaries') this.#decoder.learn(unpacker);
      else if (pass === 'ids') this.#repeats(unpacker);
      else this.#takeNew(unpacker, into);
    }
  }

  #takeNew(message: Unpacker, into: Intake): void {
    const { sequence } = message;
    this.#context.count('messages');
    if (this.#repeats(message)) {
      this.#context.count('repeated');
      this.#decoder.learn(message);
    } else this.#decoder.decode(message, sequence > 0 ? message.time : this.#context.clock.now(), into);
    this.#sequence = sequence;
  }

  #repeats({ id, sequence, time }: Unpacker): boolean {
    return id !== '' && (this.#config.jetstream?.dedup_window ?? 0) > 0 && this.#ids.repeats(id, sequence, time);
  }

  /** Told once: it is so while as many messages come. */
  #remembersLess(ms: number): void {
    if (this.#toldOfIds) return;
    this.#toldOfIds = true;
    this.#context.log.warn(`${REMEMBERED_IDS} messages with ids came within ${Math.round(ms / 1_000)} s: a repeat is known for that long, not for all of \`dedup_window\``);
  }

  #position(): Position {
    const { jetstream } = this.#config;
    if (jetstream === undefined || this.#created === undefined) return null;
    const ids = this.#ids.position;
    const dictionaries = this.#decoder.oldest;
    return { stream: jetstream.stream, created: this.#created, sequence: this.#sequence, ...(ids !== undefined && { ids }), ...(dictionaries !== undefined && { dictionaries }) } satisfies StreamPosition;
  }

  #startAnew(): void {
    this.#lose(`stream ${this.#config.jetstream!.stream} is another than before, created anew: it is read from its beginning; what the one before had after sequence ${this.#sequence} is lost`);
    this.#ids.clear();
    this.#decoder.forget();
  }

  #miss({ pass, from, to, ours }: Extract<Told, { type: 'gap' }>): void {
    const { log } = this.#context;
    const messages = to - from + 1;
    if (pass !== 'new') {
      log.warn(`the stream has dropped ${messages} messages that were read before the restart, of which the ${pass} should be known again: a repeat, or rows of series announced there, may be judged otherwise`);
      return;
    }
    this.#context.count('gap', messages);
    this.#lose(`the stream has dropped ${ours ? '' : 'up to '}${messages} messages before they were read (sequences ${from} to ${to}): its limits are too small for how long this graph was away or behind`);
    this.#sequence = to;
  }

  #lose(what: string): void {
    this.#lost = { at: this.#context.clock.elapsed(), what };
    this.#context.log.error(what);
  }

  #refuse({ payload: borrowed, ...rest }: RefusedInput): void {
    const context = this.#context;
    // The memory goes back to the client's thread.
    const letter = { ...rest, payload: typeof borrowed === 'string' ? borrowed : new Uint8Array(borrowed) };
    context.deadLetter(letter);
    if (!this.#config.dead_letters) return;
    const told = deadLetterJson(context.node, context.clock.now(), letter);
    this.#client?.publish({ subject: `${DEAD_LETTERS}.${context.node.replaceAll(/[\s.*>]/g, '_')}`, payload: told, headers: { 'Content-Type': 'application/json' }, confirm: 'none' }).catch(() => context.count('dead_letters_not_published'));
  }
}

/** A replay does not wait for a server, nor for a stream. */
function failReplay({ state: { status, detail } }: ClientThread): void {
  if (status === 'away' || status === 'unfit') throw new Error(`the stream can't be replayed: ${detail}`);
}

export const natsSource = defineSource<SourceConfig>({
  name: 'nats',
  summary: 'Takes samples from NATS: core subscriptions, or a JetStream stream read exactly once.',
  description: `Messages hold samples as JSON (an object, an array, or one a line), InfluxDB line protocol, Prometheus text, OpenMetrics or columnar frames, told apart by their
header \`Content-Type\`, else by their bytes (docs/payloads.md); \`Content-Encoding: gzip\` is understood. Bad samples become dead letters with subject,
sequence, reason and byte offset, and are published to \`deadletters.v1.NODE\`; the others of the message are taken. docs/nats.md has examples for publishers, and all that is promised.

With \`jetstream\` a stream is read in order, from the sequence after that of the last checkpoint, with a consumer that the server forgets with us: every message counts exactly once
in the state and the stores, also after a crash of either side. It is asked for as much as there is room for, so a fast publisher waits in the stream. Its retention must be
\`limits\`: another would forget messages that must be read again. What the stream drops before it was read is an error in the log, counted as \`gap\`. A sample without a time has that of its message.

Without \`jetstream\` it is at most once: messages of the time when Millrace was down or not connected are not there. When they come faster than they are read, 8 MiB
wait; past that the newest are left out whole, counted by subject as \`shed\`, with a warning a minute.

A server that is away is tried for ever, with growing pauses, and \`/health\` says so. Meanwhile event time waits, as silence then does not mean that there is nothing.`,
  config: sourceConfig,
  examples: [
    { title: 'Core NATS', yaml: 'sources:\n  nats: { type: nats, servers: nats://localhost:4222 }\n' },
    { title: 'A stream of our own, a day of at most 10 GiB', yaml: 'sources:\n  nats:\n    type: nats\n    servers: [nats://a:4222, nats://b:4222]\n    jetstream: { stream: METRICS, create: { max_bytes: 10GiB, max_age: 1d, replicas: 1 } }\n' },
    { title: 'TLS and a credentials file; a share of a queue group', yaml: 'sources:\n  nats: { type: nats, servers: tls://nats.example.com:4222, credentials: millrace.creds, tls: { ca: ca.pem }, queue: millrace, subjects: [metrics.v1.shop.>] }\n' },
  ],
  live: () => true,
  replays: ({ jetstream }) => jetstream !== undefined,
  disorder: ({ disorder }) => disorder,
  create: (parsed, context) => new NatsSource(parsed, context),
});
