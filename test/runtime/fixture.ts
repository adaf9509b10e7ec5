import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Test } from 'tap';
import { z } from 'zod';
import { sinks, sources } from '../../connectors/list.js';
import { systemClock, type Clock } from '../../engine/clock.js';
import { defineSource, type AnySink, type AnySource, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { GraphSpec, NodeSpec, Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { seeded } from '../../engine/random.js';
import { Runtime, type RuntimeOptions } from '../../engine/runtime.js';
import { ShardThreads } from '../../engine/shard-threads.js';
import { operators } from './operators.js';

const SHARDS = 2;

/** A folder that is gone after the test. */
export function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Nodes as in YAML. */
type Nodes = Readonly<Record<string, { readonly type: string; readonly from?: string | readonly string[]; readonly [key: string]: unknown }>>;
export interface Parts {
  readonly sources: Nodes;
  readonly operators?: Nodes;
  readonly sinks: Nodes;
  readonly partitions?: number;
  readonly maxSeries?: number;
}

/** A checked graph. */
export function graphOf(parts: Parts, registry: Registry): GraphSpec {
  const parsed = (nodes: Nodes, known: readonly { name: string; config: z.ZodType }[]): NodeSpec[] =>
    Object.entries(nodes).map(([name, { type, from = [], after, ...config }]) => {
      const definition = known.find((d) => d.name === type);
      if (definition === undefined) throw new Error(`no type ${type}`);
      return { name, type, from: [from].flat(), ...(after === undefined ? {} : { after: [after].flat() as string[] }), config: definition.config.parse(config) };
    });
  const graph: GraphSpec = {
    sources: parsed(parts.sources, registry.sources),
    operators: parsed(parts.operators ?? {}, registry.operators),
    sinks: parsed(parts.sinks, registry.sinks),
    partitions: parts.partitions ?? 16,
    maxSeries: parts.maxSeries ?? 100_000,
    seed: 1,
  };
  const problems = checkGraph(graph, registry).filter((problem) => problem.warning !== true);
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join('; '));
  return graph;
}

export interface Started {
  readonly runtime: Runtime;
  /** What was logged, newest last. */
  readonly logged: { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[];
}

export interface Settings extends Partial<Pick<RuntimeOptions, 'shards' | 'replay' | 'clock' | 'platform' | 'checkpoint' | 'restart' | 'base'>> {
  readonly sources?: readonly AnySource[];
  readonly sinks?: readonly AnySink[];
}

/** Threads that no graph runs on, by their number: a graph that is started takes those of one that is over, as after a restart. */
const threadsAtRest = new Map<number, ShardThreads[]>();

/** Starts a graph whose shards run the operators of the tests. */
export async function start(at: string, parts: Parts, settings: Settings = {}): Promise<Started> {
  const { sources: own = [], sinks: ownSinks = [], ...options } = settings;
  const registry: Registry = { operators, sources: [...sources, ...own], sinks: [...sinks, ...ownSinks] };
  const logged: Started['logged'] = [];
  const atRest = threadsAtRest.get(options.shards ?? SHARDS) ?? [];
  threadsAtRest.set(options.shards ?? SHARDS, atRest);
  const threads = atRest.pop() ?? new ShardThreads(options.shards ?? SHARDS);
  const rest = (): void => void atRest.push(threads);
  const runtime = await Runtime.start({
    graph: graphOf(parts, registry),
    registry,
    modules: { operators: new URL('operators.js', import.meta.url).href, sources: new URL('../../connectors/local.js', import.meta.url).href },
    shards: SHARDS,
    threads,
    replay: false,
    clock: systemClock,
    random: seeded(1),
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as Started['logged'][number]) }),
    base: at,
    folder: join(at, 'data'),
    ...options,
  });
  runtime.finished.then(rest, rest);
  return { runtime, logged };
}

/** Checkpoints in a folder. */
export const checkpoints = (at: string, intervalMs = 20) => ({ intervalMs, folder: join(at, 'checkpoints') });

export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

export const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter((line) => line !== '');

/** Where two outputs differ first, and how long they are; undefined: nowhere. */
export function difference(got: readonly string[], wanted: readonly string[]): object | undefined {
  const at = wanted.findIndex((line, i) => got[i] !== line);
  if (at < 0 && got.length === wanted.length) return undefined;
  const line = at < 0 ? wanted.length : at;
  return { line, got: got[line], wanted: wanted[line], lines: [got.length, wanted.length], lost: wanted.filter((each) => !got.includes(each)).slice(0, 3), more: got.filter((each) => !wanted.includes(each)).slice(0, 3) };
}

export type Row = readonly [time: number, series: string, value: number];

/** Waits until something is so; a test that waits for ever is ended by tap. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/**
 * Rows in a test's hands, for a source of type `feed`: the position is the number of rows given, and it
 * gives them again from there. What was given is known by what it was asked.
 */
export class Feed {
  readonly rows: Row[] = [];
  readonly findings: { after: number; finding: Finding }[] = [];
  ended = false;
  /** Rows that may be read so far. */
  open = Infinity;
  /** Positions it was opened at and committed to. */
  readonly opened: Position[] = [];
  readonly committed: Position[] = [];
  /** The most rows that were ever read. */
  read = 0;
  #wake: () => void = () => {};

  constructor(rows: readonly Row[] = []) {
    for (const row of rows) this.rows.push(row);
  }

  give(...rows: readonly Row[]): void {
    for (const row of rows) this.rows.push(row);
    this.#wake();
  }

  /** Lets so many rows be read in all. */
  let(open: number): void {
    this.open = open;
    this.#wake();
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  /** Resolves when there may be something to read. */
  async wait(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }
}

export interface FeedConfig {
  readonly live?: boolean;
  readonly replays?: boolean;
  readonly disorder?: number;
  /** Rows a reading gives. */
  readonly chunk?: number;
  /** ms between two readings. */
  readonly pace?: number;
  /** The reading that gives the last rows says that it was the last. */
  readonly endsWithRows?: boolean;
}

/** The definition of a source of type `feed` (or another name). */
export function feedSource(feed: Feed, { live = false, replays = true, disorder = 0, chunk = 100, pace = 0, endsWithRows = false }: FeedConfig = {}, name = 'feed'): AnySource {
  return defineSource({
    name,
    summary: '',
    description: '',
    config: z.strictObject({}),
    examples: [],
    live: () => live,
    replays,
    disorder: () => disorder,
    create: (): Source => {
      let at = 0;
      const here = (ended = false): Reading => ({ position: at, ...(ended ? { ended } : {}) });
      return {
        open(from) {
          feed.opened.push(from ?? null);
          at = (from as number | undefined) ?? 0;
          return Promise.resolve();
        },
        async read(into: Intake, _limit, signal) {
          if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace));
          for (;;) {
            if (signal.aborted) return here();
            const to = Math.min(at + chunk, feed.rows.length, feed.open);
            if (to > at) {
              for (; at < to; at++) into.add(...feed.rows[at]!);
              for (const { after, finding } of feed.findings) if (after > at - chunk && after <= at) into.finding(finding);
              feed.read = Math.max(feed.read, at);
              return here(endsWithRows && feed.ended && at === feed.rows.length);
            }
            if (feed.ended && at >= feed.rows.length) return here(true);
            await feed.wait(signal);
          }
        },
        commit(position) {
          feed.committed.push(position);
          return Promise.resolve();
        },
        close: () => Promise.resolve(),
      };
    },
  });
}

/** A clock that runs faster than the system's, from a time of its own. */
export function fastClock(start: number, speed: number): Clock {
  const began = systemClock.elapsed();
  return { now: () => start + (systemClock.elapsed() - began) * speed, elapsed: () => systemClock.elapsed() };
}
