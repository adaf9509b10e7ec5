import { isIP } from 'node:net';
import { connect, createInbox, credsAuthenticator, headers as emptyHeaders, nkeyAuthenticator, type ConnectionOptions as NatsOptions, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import type { Random } from '../../engine/random.js';
import type { ConnectionOptions } from './connection-config.js';
import { ANSWER_MS, PING_MS } from './limits.js';
import { NotTaken } from './not-taken.js';

/** What JetStream's error says of a message that is larger than its stream allows, and the client's where nobody answers. */
const TOO_LARGE = 10054;
const NOBODY = '503';

/** Of our own messages at most. */
const HEADER_BYTES = 4_096;

/** A message as the server sent it; `data` is borrowed for the length of the call. */
export interface Incoming {
  readonly subject: string;
  readonly reply: string;
  readonly data: Uint8Array;
  /** Of the headers' first line: what JetStream says instead of a message. */
  readonly status: number;
  readonly description: string;
  /** Bytes of subject, reply, headers and payload: what JetStream counts of a pull. */
  readonly size: number;
  /** Headers with this name, in whatever case. */
  header(name: string): string | undefined;
}

/** One connection to a server, from its beginning to its end: it does not connect again. The only file that knows the client library. */
export class Connection {
  /** Why it has ended, or undefined where it was closed. */
  readonly ended: Promise<string | undefined>;
  readonly server: string;
  /** Further servers of its cluster. */
  readonly others: readonly string[];
  readonly #nats: NatsConnection;

  private constructor(nats: NatsConnection) {
    this.#nats = nats;
    this.server = nats.getServer();
    this.others = nats.info?.connect_urls ?? [];
    let last: string | undefined;
    void (async () => {
      for await (const { type, data } of nats.status()) if (type === 'error') last = reasonOf(data);
    })();
    this.ended = nats.closed().then((error) => (error instanceof Error ? reasonOf(error) : last));
  }

  /** Connects to the first of the servers that takes us, in a random order. Rejects with a sentence that says why none does. */
  static async open(options: ConnectionOptions, random: Random, further: readonly string[] = []): Promise<Connection> {
    const reasons = new Set<string>();
    for (const server of shuffled([...new Set([...options.servers, ...further])], random)) {
      try {
        return new Connection(await connect(clientOptions(options, server)));
      } catch (error) {
        reasons.add(reasonOf(error));
      }
    }
    throw new Error([...reasons].sort().join('; '));
  }

  /** Returns what ends it. `refused`: the server does not allow it. */
  subscribe(subject: string, hear: (message: Incoming) => void, refused: (reason: string) => void, queue?: string): () => void {
    const subscription = this.#nats.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => (error === null ? hear(new Received(message)) : refused(reasonOf(error))),
    });
    return () => subscription.unsubscribe();
  }

  /** Throws a `NotTaken` for what is too large. */
  publish(subject: string, data: Uint8Array, headers: Readonly<Record<string, string>> = {}, reply?: string): void {
    this.#check(subject, data);
    this.#nats.publish(subject, data, { ...asHeaders(headers), ...(reply !== undefined && { reply }) });
  }

  /** Resolves when a stream has it, or had it before under the same `Nats-Msg-Id`; rejects with why not. */
  async publishToStream(subject: string, data: Uint8Array, headers: Readonly<Record<string, string>>): Promise<void> {
    this.#check(subject, data);
    const answer = await this.request(subject, data, headers).catch((error: Error) => {
      throw (error.cause as { code?: string }).code === NOBODY ? new Error(`no stream keeps ${subject}`, { cause: error }) : error;
    });
    const { error } = JSON.parse(new TextDecoder().decode(answer.data)) as { readonly error?: { readonly description: string; readonly err_code: number } };
    if (error !== undefined) throw error.err_code === TOO_LARGE ? new NotTaken(`${subject}: ${error.description}`) : new Error(error.description);
  }

  /** Rejects where nobody answers in time. */
  async request(subject: string, data: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Incoming> {
    try {
      return new Received(await this.#nats.request(subject, data, { timeout: ANSWER_MS, ...asHeaders(headers) }));
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  #check(subject: string, data: Uint8Array): void {
    const most = (this.#nats.info?.max_payload ?? Infinity) - HEADER_BYTES;
    if (data.length > most) throw new NotTaken(`the message for ${subject} has ${data.length} bytes, the server takes at most ${most} beside its headers: raise its max_payload`);
  }

  /** A subject of our own for answers. */
  inbox(): string {
    return createInbox();
  }

  /** The server has taken what was published before. */
  flush(): Promise<void> {
    return this.#nats.flush();
  }

  close(): Promise<void> {
    return this.#nats.close();
  }
}

function clientOptions({ name, user, password, token, nkey, credentials, tls }: ConnectionOptions, server: string): NatsOptions {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const [, named = ''] = /^(?:\w+:\/\/)?(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/.exec(server) ?? [];
  const host = named.replaceAll(/[[\]]/g, '');
  return {
    servers: [server],
    name,
    reconnect: false,
    timeout: ANSWER_MS,
    pingInterval: PING_MS,
    noAsyncTraces: true,
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(token !== undefined && { token }),
    ...(nkey !== undefined && { authenticator: nkeyAuthenticator(bytes(nkey)) }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(bytes(credentials)) }),
    // For an address without a name the library would have the certificate say `localhost`.
    ...(tls !== undefined && { tls: Object.assign({ ...tls }, isIP(host) > 0 ? { host } : {}) }),
  };
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const rest = [...list];
  const taken: T[] = [];
  while (rest.length > 0) taken.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return taken;
}

class Received implements Incoming {
  readonly #message: Msg;

  constructor(message: Msg) {
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get reply(): string {
    return this.#message.reply ?? '';
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get size(): number {
    // Not in the library's types.
    return (this.#message as Msg & { size(): number }).size();
  }

  get status(): number {
    return this.#message.headers?.code ?? 0;
  }

  get description(): string {
    return this.#message.headers?.description ?? '';
  }

  header(name: string): string | undefined {
    // The library's own look-up makes a list of all names first.
    for (const [key, [value]] of this.#message.headers ?? []) if (key.length === name.length && key.toLowerCase() === name) return value;
    return undefined;
  }
}

function asHeaders(headers: Readonly<Record<string, string>>): { headers?: MsgHdrs } {
  const all = Object.entries(headers);
  if (all.length === 0) return {};
  const made = emptyHeaders();
  for (const [name, value] of all) made.set(name, value);
  return { headers: made };
}

/** The client's errors name a code, and another error as cause; what people look for is the latter. */
function reasonOf(error: unknown): string {
  const { message, code, chainedError } = error as { message?: string; code?: string; chainedError?: Error };
  return chainedError?.message ?? REASONS[code ?? String(error)] ?? message ?? String(error);
}

const REASONS: Readonly<Record<string, string>> = {
  AUTHORIZATION_VIOLATION: 'the server refuses the user, or what proves it (authorization violation)',
  CONNECTION_REFUSED: 'connection refused',
  TIMEOUT: 'no answer in time',
  503: 'nobody answers: JetStream is not enabled, or not for this account',
};
