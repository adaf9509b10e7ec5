import type { z } from 'zod';
import type { Batch } from './batch.js';
import type { Time } from './clock.js';
import type { Finding, FindingKind } from './finding.js';
import { BLOCK_SLOTS } from './limits.js';
import type { Series } from './series.js';

/**
 * The operator contract, whole.
 *
 * An operator turns messages into messages. It never awaits and never sees backpressure, threads,
 * clocks or checkpoints. All its state is either in columns that it declares, indexed by slot, which
 * the engine grows, expires, saves, restores and moves; or, where it does not fit columns, kept by slot
 * with `save` and `restore` of one series. Its output depends on what it is given and on nothing else.
 *
 * Time: a watermark W promises that every later row has time >= W. Rows of one series arrive in the
 * order of their source; rows of different series in no order. A fold across series must therefore not
 * depend on the order of arrival: keep partial results by member and fold at a timer, in the order of
 * `names.members`.
 */
export interface Operator<State extends StateSchema = StateSchema, In extends string = string, Out extends string = string> {
  /** Rows, in order of arrival. `batch` is borrowed. A row's slot is its series' (at a grouping node: the member's). */
  push?(batch: Batch<In>, state: Columns<State>, out: Output<Out>, port: number): void;
  /** A finding, once the watermark has passed it, in order of (time, id, revision). */
  receive?(finding: Finding, state: Columns<State>, out: Output<Out>, port: number): void;
  /** A timer set by `out.wake(slot, time)` whose time the watermark has reached (one set into the past: the next watermark). It is cleared before the call. At the end the watermark is Infinity: a periodic timer must stop there. */
  wake?(slot: number, time: Time, state: Columns<State>, out: Output<Out>): void;
  /**
   * Instead of `wake`, for operators with a timer on most slots: a stretch of slots (from <= slot < to; whole
   * blocks, at most `ADVANCE_SLOTS`) in which at least one timer is due. Which are due the operator sees in its
   * own columns; it sets the next ones by `out.wake`. All timers of the stretch that are due are cleared before
   * the call. There is a turn of the mailbox between stretches.
   */
  advance?(watermark: Time, from: number, to: number, state: Columns<State>, out: Output<Out>): void;
  /** The answer of a training task, exactly when the watermark reaches the `due` it was asked for; after the timers of that watermark, and timers set here that are due follow at once. */
  learn?(slot: number, answer: Uint8Array, state: Columns<State>, out: Output<Out>): void;
  /** What it keeps of one series outside columns; `undefined` where there is nothing. */
  save?(slot: number): Uint8Array | undefined;
  restore?(slot: number, saved: Uint8Array): void;
  /** The series has expired (its columns are zeroed by the engine): forget what is kept outside columns. */
  release?(slot: number): void;
}

/**
 * A column of state: `'f64'`, or `n` values a series: `{ type: 'f64', per: n }`, value k of a slot at `slot * n + k`. With `planes`
 * each series has so many times `per` values, where mostly the same plane of all series is in use: the planes of a block lie one
 * after the other, value k of plane p of a slot at `placeIn(slot, p, planes) * n + k`. All start at zero.
 */
export type ColumnSpec = ColumnType | { readonly type: ColumnType; readonly per: number; readonly planes?: number };
/** Where the values of a plane of a slot are, in units of `per`. */
export function placeIn(slot: number, plane: number, planes: number): number {
  const lane = slot & (BLOCK_SLOTS - 1);
  return (slot - lane) * planes + plane * BLOCK_SLOTS + lane;
}
export type ColumnType = 'f64' | 'u32' | 'i32' | 'u8';
export type StateSchema = Readonly<Record<string, ColumnSpec>>;

interface ColumnArrays {
  f64: Float64Array;
  u32: Uint32Array;
  i32: Int32Array;
  u8: Uint8Array;
}
type TypeOf<S extends ColumnSpec> = S extends ColumnType ? S : S extends { type: infer T extends ColumnType } ? T : never;
/** The state of all series of a node, as typed arrays. They may be replaced between calls when they grow: take them at the start of a call, never keep them. */
export type Columns<State extends StateSchema> = { readonly [K in keyof State]: ColumnArrays[TypeOf<State[K]>] };

export interface Output<Out extends string = string> {
  /**
   * Appends a row and returns its index: set the further columns at it,
   * `const i = out.row(t, slot, v); out.columns.mean[i] = m`. Set every one: what is there is of other rows.
   */
  row(time: Time, slot: number, value: number, flags?: number): number;
  /** The index at which the next `rows` rows, at most `BATCH_ROWS`, will be appended one after the other: for who fills columns first. */
  reserve(rows: number): number;
  /** After `reserve`, instead of `row` for each: appends rows of one time whose further columns are filled; the value of each is that of `values` at its index. */
  append(time: Time, slots: Uint32Array, rows: number, values: Float64Array): void;
  /**
   * Instead of `row`: emits all rows of the batch at hand (or of a copy of some of its rows) again, with
   * their time, slot, value and flags shared; fill `columns[name][0 .. batch.length)` before the call returns.
   */
  extend(batch: Batch): Readonly<Record<Out, Float64Array>>;
  /** The further columns of the rows being appended. */
  readonly columns: Readonly<Record<Out, Float64Array>>;
  finding(finding: Finding): void;
  /** Hands row `index` of the batch at hand to the node's `late` output and counts it by reason. */
  late(batch: Batch, index: number, reason: 'late' | 'ahead'): void;
  /** The watermark that the node has dealt with (-Infinity before the first; in `wake`, `receive` and `learn` still the one before): by it, what closes windows tells which rows are late. */
  readonly watermark: Time;
  /** Sets the one timer of a slot: replaces one set before. `Infinity` cancels it. */
  wake(slot: number, time: Time): void;
  /**
   * Trains off the stream: runs `task` of the node's definition on `input` in the training pool. The
   * answer takes effect when the watermark reaches `due` and not before.
   */
  ask(slot: number, task: string, input: Uint8Array, due: Time): void;
}

/** Names of slots on this shard; series are named before their first row. */
export interface Names {
  series(slot: number): Series;
  /** Canonical text of the series, of a member that gives no rows its group's; the same string each time. */
  text(slot: number): string;
  /** At a grouping node, the slot of the group that this member belongs to. */
  group(member: number): number;
  /** At a grouping node, the text given as `member` by `series`. */
  member(slot: number): string;
  /** At a grouping node, the group's members in order of their text, which is the order of every fold. Some may have had no row yet: a fold leaves those out, as when a name comes is a matter of timing. */
  members(group: number): readonly number[];
}

/** What a series becomes at a node: `member` undefined, one to one; else a member of the group `series`. */
export interface Derived {
  readonly series: Series;
  readonly member?: string;
  /** Of a member that rows come out for: the series that they have, one member's alone. Its group then gives none. */
  readonly gives?: Series;
}

/** How rows reach the shards of a node: where their series is; where their group is; on all; on one. */
export type Route = 'series' | 'group' | 'all' | 'one';

export interface OperatorContext {
  /** The node's name in the graph. */
  readonly node: string;
  readonly names: Names;
  /** No row of the node's inputs is further than this ahead of the watermark, ms. */
  readonly lead: number;
  /**
   * The slot of the node's own series (`NODE` without labels), for what belongs to the node and not to one
   * of its series. Only where the route is 'one'; a node that takes findings alone keeps its state and timer there.
   */
  readonly self: number;
  /** Seed of the graph; mix it with a series' text for randomness that does not depend on placement. */
  readonly seed: number;
}

/** A documented example, run by a test: messages in and out in the text form of the operator kit. */
export interface Example {
  readonly title: string;
  /** As in YAML, without `type` and `from`. */
  readonly config: Readonly<Record<string, unknown>>;
  /**
   * `TIME SERIES VALUE` a line, or `watermark TIME`, or `TIME finding KIND STATE SERIES SEVERITY`. TIME is
   * `10s`, `5m`, `2h`, `3d` since the epoch, or ISO 8601. `end` is implied.
   */
  readonly input: readonly string[];
  /**
   * `TIME SERIES VALUE column=value ...` in order of time and series, then findings
   * `TIME KIND STATE SERIES SEVERITY: EXPLANATION`. Numbers have at most 6 significant digits.
   */
  readonly output: readonly string[];
}

/** What goes in and out, for a given config. */
export interface Ports<Out extends string = string> {
  /** What it takes: rows (with these further columns at least), findings (of these kinds). */
  readonly input: { readonly rows?: readonly string[]; readonly findings?: readonly FindingKind[] };
  /** What it gives: rows with these further columns; with `passes` also those that all its inputs have; findings; a `late` output. */
  readonly output: {
    readonly rows?: readonly Out[];
    readonly passes?: boolean;
    readonly findings?: readonly FindingKind[];
    readonly late?: boolean;
  };
}

export interface OperatorDefinition<Config = unknown, State extends StateSchema = StateSchema, Out extends string = string> {
  /** The `type` in the config. */
  readonly name: string;
  /** Version of the saved state: raise it when columns change their meaning (a new column needs none). */
  readonly version: number;
  readonly summary: string;
  /** What it does, for its page in the docs; Markdown. */
  readonly description: string;
  /** Every field has a description and, where it can, a default. The output is plain data. */
  readonly config: z.ZodType<Config>;
  readonly examples: readonly Example[];
  ports(config: Config): Ports<Out>;
  /** Default: 'series'. */
  route?(config: Config): Route;
  /** What a series becomes at this node, pure; default: itself. Run once a series, at its announcement, at the intake. */
  series?(config: Config): (of: Series, port: number) => readonly Derived[];
  /** Columns a series; default none. */
  state?(config: Config, lead: number): State;
  /**
   * What gives saved columns their meaning (the size of a window), all that decides about their number and width with
   * it: where it has changed since a checkpoint, the node begins anew, with a warning. Default: nothing does.
   */
  meaning?(config: Config, lead: number): string;
  /** It has no room for rows further ahead of its watermark than `lead`: where inputs differ, they wait until it has come as far. */
  readonly bounded?: boolean;
  /** Rows come out at most this much behind the watermark (lateness of a window), ms; default 0. */
  delay?(config: Config): number;
  /** How long a silent series is kept, ms of event time; default the engine's. */
  keep?(config: Config): number;
  /** Training tasks by name: pure, run in another thread. */
  readonly tasks?: Readonly<Record<string, (input: Uint8Array) => Uint8Array>>;
  create(config: Config, context: OperatorContext): Operator<State, string, Out>;
}

/** A definition with its types inferred; `state`'s column names become typed arrays in `create`. */
export function defineOperator<Config, const State extends StateSchema, const Out extends string>(
  definition: OperatorDefinition<Config, State, Out>,
): OperatorDefinition<Config, State, Out> {
  return definition;
}

/** Any operator, as the engine handles it. */
// The parameters are contravariant in create's argument: only `any` takes them all.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyOperator = OperatorDefinition<any, any, any>;
