import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Batch } from './batch.js';
import type { Board } from './board.js';
import type { Clock, Time } from './clock.js';
import type { FeedbackBook } from './feedback.js';
import type { Finding, FindingKind } from './finding.js';
import type { Names } from './operator.js';
import type { Random } from './random.js';
import type { Routes } from './routes.js';
import type { Series } from './series.js';

/** Where a source or sink is, as plain JSON; saved with the checkpoint. */
export type Position = null | boolean | number | string | readonly Position[] | { readonly [key: string]: Position };

/** A bad input, kept for a person to look at. */
export interface DeadLetter {
  /** Where it came from: node name, and file:line, subject or client as `origin`. */
  readonly node: string;
  readonly origin: string;
  readonly reason: string;
  /** Byte offset in the payload where it goes wrong, where known. */
  readonly offset?: number;
  /** Its number in the stream that it came from, where that has numbers. */
  readonly sequence?: number;
  /** What its connector needs beside the payload to take it again: subject, content type. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload: string;
  /** How `payload` writes the bytes; default: as UTF-8. */
  readonly encoding?: 'base64';
}

/** The bytes of a letter, as many as are kept. */
export function payloadOf({ payload, encoding }: Pick<DeadLetter, 'payload' | 'encoding'>): Uint8Array {
  return Buffer.from(payload, encoding ?? 'utf8');
}

/** A try to give a dead letter to the connector that refused it. */
export interface ResubmitAttempt {
  /** The same for every try of this letter; no other letter has it. */
  readonly key: string;
  /** It was tried before, and maybe taken, without that becoming known: what was taken under this key must not be taken twice. */
  readonly repeated: boolean;
}

/** A bad input as a connector tells it: bytes, or their text. */
export type RefusedInput = Omit<DeadLetter, 'node' | 'payload' | 'encoding'> & { readonly payload: string | Uint8Array };

/** How a connector is, for /health. */
export interface ConnectorHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail?: string;
}

/** What the server hands to a connector when it opens. */
export interface ConnectorContext {
  /** The node's name in the graph. */
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Undefined where no server runs (replay). */
  readonly routes: Routes | undefined;
  /** Folder for what it keeps (made when asked for). */
  readonly folder: string;
  /** Folder of the config file: relative paths of the config start here. */
  readonly base: string;
  /** As fast as it goes, from the start: no `follow`, no clock. */
  readonly replay: boolean;
  /** Of a sink: the nodes it reads, as its `from` names them. */
  readonly inputs?: readonly string[];
  /** What a sink of this graph holds, by its name; undefined where it can't be read back. Only for sources, which open after the sinks. */
  history?(sink: string): History | undefined;
  deadLetter(letter: RefusedInput): void;
  /** Counts what a connector drops or refuses: `millrace_connector_total{node, what}`. */
  count(what: string, by?: number): void;
}

/** Where a source puts its samples during `read`. */
export interface Intake {
  /**
   * Adds a sample. `series` is a canonical text (`seriesText`), which the directory interns.
   * False when it was refused (too many series, too far in the future); it is counted and told by the engine.
   */
  add(time: Time, series: string, value: number, flags?: number): boolean;
  /** Hands on a finding (what people do, or findings of other systems). */
  finding(finding: Finding): void;
  /** Rows added since the call of `read`. */
  readonly length: number;
}

export interface Reading {
  /** After everything added in this call. The engine may stop and go on from here. */
  readonly position: Position;
  /** Nothing comes any more. */
  readonly ended?: boolean;
}

/**
 * Fills batches and knows its position. A call of `read` hands over whole messages (a barrier falls
 * only between calls): some rows up to about `limit`, or waits for the first; it returns early, with
 * nothing, when `signal` aborts. It is called again only after the call before it has returned.
 */
export interface Source {
  /** Goes back to a position of an earlier run; undefined: from the beginning. */
  open(from: Position | undefined): Promise<void>;
  read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading>;
  /** Everything up to here is durable in every sink and in the oldest checkpoint kept. */
  commit?(position: Position): Promise<void>;
  close(): Promise<void>;
  /**
   * Whether silence means that there is nothing. False while it can't hear (a connection that is away) or has not caught
   * up: then it is not taken for idle, and event time waits for it. Default: true.
   */
  hears?(): boolean;
  /** Default: well. */
  health?(): ConnectorHealth;
  /** What people said of anomalies, where it takes that. */
  readonly feedback?: FeedbackBook;
  /** Takes a dead letter of its own once more, after what refused it was mended. `letter.payload` is whole. Rejects with the reason why not. */
  resubmit?(letter: DeadLetter, attempt: ResubmitAttempt): Promise<void>;
}

/**
 * A source whose series are known beforehand, so it is read on the shards that own them, without a
 * channel between. Synchronous. Its positions are kept by partition.
 */
export interface LocalSource {
  /** All series it will ever give, in a fixed order; the engine gives each a slot. */
  readonly series: readonly Series[];
  /** The series of this shard: `index[i]` in `series` has slot `slot[i]` in partition `partition[i]`; `from` by partition. */
  open(index: Uint32Array, slot: Uint32Array, partition: Uint32Array, from: ReadonlyMap<number, Position>): void;
  /** Fills the batch (length, time, slot, value) and returns the watermark that precedes its rows, or 'ended'. */
  fill(batch: Batch): Time | 'ended';
  /** Position of each of its partitions. */
  positions(): ReadonlyMap<number, Position>;
}

export interface SourceDefinition<Config = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly config: z.ZodType<Config>;
  readonly examples: readonly ConnectorExample[];
  /**
   * It gives findings of these kinds and no rows. It then promises nothing about time and nobody waits for it: each of its findings
   * is dated by the intake, ahead of all that its readers have been told; their own time is the earliest that is meant.
   */
  readonly findings?: readonly FindingKind[];
  /** Live: follows the clock, and its watermark goes on when it is idle. Not live: replayable, ends. */
  live(config: Config): boolean;
  /** A live source that, opened at a position, gives again what came after it; default: it does not, and says so. */
  readonly replays?: boolean | ((config: Config) => boolean);
  /** The sink of the graph whose history it reads: its setting `store`. */
  store?(config: Config): string;
  /**
   * Operators learn from its rows, and nothing that comes of them leaves the graph: until it has ended, what an operator that
   * reads it (or reads one that does) gives goes to other operators alone, and to no sink. Default: false.
   */
  teaches?(config: Config): boolean;
  /** How much out of order its rows may be, ms: its watermark is the largest time seen less this. */
  disorder(config: Config): number;
  create(config: Config, context: ConnectorContext): Source;
  /** Where it can be read on shards. */
  local?(config: Config): LocalSource | undefined;
}

/**
 * Writes and flushes. `write`'s batch is borrowed for the length of the call, up to the promise's end.
 * A call is made only after the one before it has ended; backpressure is a promise that takes long.
 */
export interface Sink {
  /**
   * Forgets what was written after this position (of its last `flush` in the checkpoint restored); undefined: a new run. A store that
   * replaces by keys may keep it instead: the run writes the same rows again.
   */
  open(from: Position | undefined): Promise<void>;
  /** Rows of one node. `ordered` sinks get them by (time, series text), once the watermark has passed them. */
  write(node: string, batch: Batch, names: Names): Promise<void>;
  receive?(node: string, finding: Finding): Promise<void>;
  advance?(watermark: Time): Promise<void>;
  /** What was written is durable, as part of the given checkpoint; later rows belong to the next. */
  flush(checkpoint: number): Promise<Position>;
  /**
   * The graph crashes, and can start again only when every call has ended: one that waits for a store which may be away for
   * long rejects now, and so do later ones. `close` follows. Who never waits for long does without.
   */
  abort?(): void;
  close(): Promise<void>;
  /** Where it can be read back. */
  readonly history?: History;
  /** The latest state, where it keeps one in memory. */
  readonly board?: Board;
  /** Default: well. */
  health?(): ConnectorHealth;
  /** As a source's. */
  resubmit?(letter: DeadLetter, attempt: ResubmitAttempt): Promise<void>;
}

export interface SinkDefinition<Config = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly config: z.ZodType<Config>;
  readonly examples: readonly ConnectorExample[];
  /** The engine aligns and orders its rows and findings: the same bytes for every placement. */
  ordered?(config: Config): boolean;
  /** It has a `history`. */
  readonly keeps?: boolean;
  create(config: Config, context: ConnectorContext): Sink;
}

/** A documented example: a YAML fragment that a test checks. */
export interface ConnectorExample {
  readonly title: string;
  readonly yaml: string;
}

export function defineSource<Config>(definition: SourceDefinition<Config>): SourceDefinition<Config> {
  return definition;
}
export function defineSink<Config>(definition: SinkDefinition<Config>): SinkDefinition<Config> {
  return definition;
}
// oxlint-disable-next-line typescript/no-explicit-any
export type AnySource = SourceDefinition<any>;
// oxlint-disable-next-line typescript/no-explicit-any
export type AnySink = SinkDefinition<any>;

/** Reading back what a store holds; the same interface for every store. */
export interface History {
  /** Nodes whose rows it holds. */
  nodes(): Promise<readonly string[]>;
  /** Rows of one node with from <= time <= to, by time, one a series and time, at most `limit`; `buckets`: downsampled to about so many, by mean of value and columns, with `min` and `max` of the value. */
  rows(query: {
    readonly node: string;
    readonly from: Time;
    readonly to: Time;
    readonly metric?: string;
    readonly labels?: Readonly<Record<string, string>>;
    /** Of those at `from`, only series whose text comes after this one: to go on where an answer came to its limit. */
    readonly after?: string;
    readonly buckets?: number;
    readonly limit: number;
  }): Promise<readonly HistoryRow[]>;
  /** The highest revision of each finding that was open at some time from `from` to `to`; newest first, by the time of that revision. */
  findings(query: {
    readonly kind?: FindingKind;
    readonly from: Time;
    readonly to: Time;
    readonly metric?: string;
    /** This one alone. */
    readonly id?: string;
    readonly limit: number;
  }): Promise<readonly Finding[]>;
}

export interface HistoryRow {
  readonly time: Time;
  readonly series: string;
  readonly value: number;
  readonly columns: Readonly<Record<string, number>>;
}
