import type { Connection } from './client.js';

/** A stream's state, as far as a reader needs it. */
export interface StreamState {
  /** When it was created: a stream of the same name that was created anew has other messages under the same sequences. */
  readonly created: string;
  readonly subjects: readonly string[];
  readonly first: number;
  readonly last: number;
}

/** Limits of a stream that we create. */
export interface StreamLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly replicas: number;
  readonly storage: 'file' | 'memory';
}

/** Where a consumer begins. */
export type Start = { readonly after: number } | { readonly time: string } | 'start' | 'new';

/** What JetStream answers to what it can't do; `code` is its own, which unlike the text stays the same. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError';
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** A stream that is there but can't be read by us, whatever we try. */
export class UnfitStream extends Error {
  override readonly name = 'UnfitStream';
}

const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const NANOS = 1e6;
const NANO_DIGITS = 6;

/** After so long a durable consumer sends again what was not acknowledged: to one that came after a crash. */
const MARKED_MS = 30_000;

/** How long the server keeps a consumer that nobody pulls from. */
const INACTIVE_MS = 30_000;

interface StreamInfo {
  readonly created: string;
  readonly config: { readonly subjects?: readonly string[]; readonly retention: string };
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

interface ConsumerInfo {
  readonly name: string;
  readonly num_pending: number;
  readonly delivered: { readonly stream_seq: number };
  readonly ack_floor: { readonly stream_seq: number };
  readonly config: { readonly ack_policy: string };
}

/** JetStream's API: requests and answers in JSON over the connection. */
export class JetStream {
  readonly #connection: Connection;
  readonly #prefix: string;

  /** `domain`: of a leaf node or another account's JetStream. */
  constructor(connection: Connection, domain: string | undefined) {
    this.#connection = connection;
    this.#prefix = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
  }

  /** The stream's state; it is created where it is missing and `limits` say how. Rejects with what a person must do. */
  async stream(name: string, subjects: readonly string[], limits: StreamLimits | undefined): Promise<StreamState> {
    let info: StreamInfo;
    try {
      info = await this.#ask<StreamInfo>(`STREAM.INFO.${name}`);
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.code !== STREAM_NOT_FOUND) throw error;
      if (limits === undefined) throw new UnfitStream(`stream ${name} does not exist: create it, or say with jetstream.create that Millrace may, and with which limits`, { cause: error });
      info = await this.#ask<StreamInfo>(`STREAM.CREATE.${name}`, {
        name,
        subjects,
        retention: 'limits',
        discard: 'old',
        storage: limits.storage,
        num_replicas: limits.replicas,
        max_bytes: limits.maxBytes,
        max_age: limits.maxAgeMs * NANOS,
      });
    }
    const { created, config, state } = info;
    if (config.retention !== 'limits') {
      throw new UnfitStream(`stream ${name} has retention ${config.retention}: it forgets what others have read or nobody asks for, so nothing could be read again after a crash. Take a stream with retention limits; one that is a source or mirror of this will do`);
    }
    return { created, subjects: config.subjects ?? [], first: Math.max(1, state.first_seq), last: state.last_seq };
  }

  /** A consumer for one reader, gone soon after it is; `after`: its first message has a higher sequence. */
  async consumer(stream: string, start: Start, filter: readonly string[], headersOnly: boolean): Promise<{ readonly name: string; readonly after: number; readonly pending: number }> {
    const { name, num_pending: pending, delivered } = await this.#ask<ConsumerInfo>(`CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config: {
        ...policy(start),
        ...(filter.length > 0 && { filter_subjects: filter }),
        ...(headersOnly && { headers_only: true }),
        ack_policy: 'none',
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: INACTIVE_MS * NANOS,
      },
    });
    return { name, after: delivered.stream_seq, pending };
  }

  /** A durable consumer that acknowledges all up to a message, and gets headers alone; made where it is missing. */
  async durable(stream: string, name: string, filter: readonly string[]): Promise<{ readonly policy: string; readonly acknowledged: number }> {
    let info: ConsumerInfo;
    try {
      info = await this.#ask<ConsumerInfo>(`CONSUMER.INFO.${stream}.${name}`);
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.code !== CONSUMER_NOT_FOUND) throw error;
      info = await this.#ask<ConsumerInfo>(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, {
        stream_name: stream,
        config: {
          durable_name: name,
          deliver_policy: 'all',
          ...(filter.length > 0 && { filter_subjects: filter }),
          headers_only: true,
          ack_policy: 'all',
          ack_wait: MARKED_MS * NANOS,
          max_ack_pending: -1,
        },
      });
    }
    return { policy: info.config.ack_policy, acknowledged: info.ack_floor.stream_seq };
  }

  async deleteConsumer(stream: string, name: string): Promise<void> {
    await this.#ask(`CONSUMER.DELETE.${stream}.${name}`);
  }

  /** Asks for messages, to be sent to `inbox`. Without `bytes` one message of any size. */
  pull(stream: string, consumer: string, inbox: string, want: { readonly messages: number; readonly bytes?: number; readonly expiresMs: number; readonly heartbeatMs: number }): void {
    const { messages, bytes, expiresMs, heartbeatMs } = want;
    const request = { batch: messages, ...(bytes !== undefined && { max_bytes: bytes }), expires: expiresMs * NANOS, idle_heartbeat: heartbeatMs * NANOS };
    this.#connection.publish(`${this.#prefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, encode(request), {}, inbox);
  }

  /** Asks for messages that are there now, at most so many. */
  fetch(stream: string, consumer: string, inbox: string, messages: number): void {
    this.#connection.publish(`${this.#prefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, encode({ batch: messages, no_wait: true }), {}, inbox);
  }

  async #ask<Answer>(subject: string, request?: object): Promise<Answer> {
    const { data } = await this.#connection.request(`${this.#prefix}.${subject}`, request === undefined ? new Uint8Array() : encode(request));
    const answer = JSON.parse(new TextDecoder().decode(data)) as Answer & { readonly error?: { readonly description: string; readonly err_code: number } };
    if (answer.error !== undefined) throw new JetStreamError(answer.error.description, answer.error.err_code);
    return answer;
  }
}

function policy(start: Start): object {
  if (start === 'start') return { deliver_policy: 'all' };
  if (start === 'new') return { deliver_policy: 'new' };
  return 'after' in start ? { deliver_policy: 'by_start_sequence', opt_start_seq: start.after + 1 } : { deliver_policy: 'by_start_time', opt_start_time: start.time };
}

/** Where a message stands, by the subject that its acknowledgement would go to. */
export interface Place {
  /** In the stream, and by consumer: the latter has no holes. */
  readonly sequence: number;
  readonly delivery: number;
  /** When the server took it, ms. */
  readonly time: number;
  /** Messages of the stream that the consumer has still to send. */
  readonly pending: number;
}

const ACK = '$JS.ACK.';
const [DOT, ZERO] = [46, 48];

/** `$JS.ACK.[domain.account.]stream.consumer.delivered.sequence.delivery.nanoseconds.pending[.token]`, or undefined. Walked once: it is read of every message. */
export function placeOf(reply: string): Place | undefined {
  if (!reply.startsWith(ACK)) return undefined;
  const dots: number[] = [];
  for (let at = ACK.length; at < reply.length; at++) if (reply.charCodeAt(at) === DOT) dots.push(at);
  if (dots.length < 6) return undefined;
  // The three tokens before it, where there is no domain; five where there is one.
  const first = dots.length === 6 ? 2 : 4;
  const number = (token: number, without = 0): number => {
    let value = 0;
    for (let at = dots[token]! + 1; at < (dots[token + 1] ?? reply.length) - without; at++) value = value * 10 + reply.charCodeAt(at) - ZERO;
    return value;
  };
  return { sequence: number(first), delivery: number(first + 1), time: number(first + 2, NANO_DIGITS), pending: number(first + 3) };
}

function encode(request: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(request));
}
