import type { ConnectionOptions } from './connection-config.js';
import type { Start, StreamLimits } from './jetstream.js';
import type { Packed } from './packing.js';

/** What the client's thread is for. */
export interface ThreadTask {
  readonly connection: ConnectionOptions;
  readonly read?: SubjectTask | StreamTask;
}

/** Reads subjects of core NATS. */
export interface SubjectTask {
  readonly kind: 'subjects';
  readonly subjects: readonly string[];
  readonly queue?: string;
}

/** Reads a stream: first, again, what an earlier run has to know of it, then what is new. */
export interface StreamTask {
  readonly kind: 'stream';
  readonly stream: string;
  readonly domain?: string;
  readonly subjects: readonly string[];
  /** How it is created where it is missing. */
  readonly limits?: StreamLimits;
  /** When the stream was created that the sequences are of. */
  readonly created?: string;
  readonly passes: readonly Pass[];
  /** Durable consumer that marks how far it was committed. */
  readonly durable?: string;
  /** Ends with what is in the stream now. */
  readonly bounded: boolean;
}

/** Ids and dictionaries are those of messages that an earlier run has read. */
export type PassKind = 'ids' | 'dictionaries' | 'new';

export interface Pass {
  readonly kind: PassKind;
  readonly start: Start;
  /** The last sequence read. */
  readonly upTo?: number;
}

/** How what is published is confirmed: not at all, taken by the server, or kept by JetStream. */
export type Confirmation = 'none' | 'server' | 'stream';

/** The header by which a stream takes a message once. */
export const MESSAGE_ID = 'Nats-Msg-Id';

/** A message to be published. */
export interface Publication {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly confirm: Confirmation;
  /** Not if the stream has its `Nats-Msg-Id` already, after this sequence: however long ago that was. */
  readonly unless?: { readonly stream: string; readonly domain: string | undefined; readonly after: number };
}

export type ToThread =
  /** Memory of messages that were read: it may be filled again. */
  | { readonly type: 'read'; readonly memory: ArrayBuffer; readonly length: number }
  | ({ readonly type: 'publish'; readonly number: number } & Publication)
  /** Everything up to this sequence is in the oldest checkpoint. */
  | { readonly type: 'mark'; readonly sequence: number }
  | { readonly type: 'close' };

/** What happens to a reader, in the order in which it is to be taken. */
export type Told =
  /** `current`: nothing more was there when the last of them was sent. */
  | { readonly type: 'messages'; readonly pass: PassKind; readonly packed: Packed; readonly current: boolean }
  /** New messages have sequences after this. `renewed`: of another stream than before. */
  | { readonly type: 'started'; readonly created: string; readonly after: number; readonly renewed: boolean }
  /** The stream has dropped these sequences before they were read; with other subjects in it, not all of them were ours. */
  | { readonly type: 'gap'; readonly pass: PassKind; readonly from: number; readonly to: number; readonly ours: boolean }
  /** It is not known any more that everything was read. */
  | { readonly type: 'behind' }
  /** Everything was read, and there is nothing of ours up to this sequence. */
  | { readonly type: 'seen'; readonly sequence: number }
  | { readonly type: 'ended' };

/** `unfit`: connected, but what is to be read can't be, for the reason in `detail`. */
export interface ThreadState {
  readonly status: 'connecting' | 'connected' | 'away' | 'unfit';
  readonly detail: string;
}

export type FromThread =
  | Told
  | ({ readonly type: 'state' } & ThreadState)
  /** Messages left out because nobody read them fast enough. */
  | { readonly type: 'shed'; readonly subjects: readonly (readonly [subject: string, messages: number])[] }
  /** Something that a person should know of, and that stops nothing. */
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'published'; readonly number: number; readonly error?: string; /** However often it is sent. */ readonly final?: boolean }
  | { readonly type: 'closed' };
