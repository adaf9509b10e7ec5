import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { modules, registry } from '../config/registry.js';
import type { Batch } from '../engine/batch.js';
import { systemClock } from '../engine/clock.js';
import { defineSink, defineSource, type Intake, type Reading, type Sink, type Source } from '../engine/connector.js';
import type { Anomaly, Finding } from '../engine/finding.js';
import type { GraphSpec } from '../engine/graph.js';
import { checkGraph } from '../engine/graph-check.js';
import { MAX_SERIES, PARTITIONS } from '../engine/limits.js';
import type { Names } from '../engine/operator.js';
import { seeded } from '../engine/random.js';
import { Runtime } from '../engine/runtime.js';
import type { Span } from '../quality/labelled.js';

/** A recorded series: rows in order of time. */
export interface Recorded {
  /** Canonical text of the series. */
  readonly series: string;
  /** ms since the epoch */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** What a detector says about a recorded series. */
export interface Judged {
  /** Its columns, a value a row; NaN where a row was not judged. */
  readonly columns: Readonly<Record<'score' | 'expected' | 'lower' | 'upper', Float64Array>>;
  /** Every revision, in order. */
  readonly anomalies: readonly Anomaly[];
}

/** Rows in which an anomaly was open. */
export function rowsOf({ times }: Recorded, anomalies: readonly Anomaly[]): Span[] {
  const closed = new Map(anomalies.filter(({ state }) => state === 'closed').map(({ id, time }) => [id, time]));
  const rowAt = (time: number): number => times.findLastIndex((of) => of <= time);
  return anomalies.filter(({ revision }) => revision === 1).map(({ id, openedAt }) => ({ first: rowAt(openedAt), last: closed.has(id) ? rowAt(closed.get(id)!) : times.length - 1 }));
}

const NODE = 'detect';
const COLUMNS = ['score', 'expected', 'lower', 'upper'] as const;
const empty = z.strictObject({});

/**
 * Replays recorded series through a detector as it is shipped, in a graph as any other: by event time
 * alone, all series merged by time. The same result each time.
 * @param config of the detector, as in YAML
 * @param type an operator that says of each row a score, what was expected and a band
 */
export async function judge(recorded: readonly Recorded[], config: Readonly<Record<string, unknown>> = {}, type = 'detect'): Promise<Judged[]> {
  const collected = new Collected(recorded);
  const source = defineSource({ name: 'recorded', summary: '', description: '', config: empty, examples: [], live: () => false, disorder: () => 0, create: () => new Replay(recorded) });
  const sink = defineSink({ name: 'collected', summary: '', description: '', config: empty, examples: [], create: () => collected });
  const types = { operators: registry.operators, sources: [source], sinks: [sink] };
  const detector = registry.operators.find(({ name }) => name === type)!;
  const graph: GraphSpec = {
    sources: [{ name: 'recorded', type: 'recorded', from: [], config: {} }],
    operators: [{ name: NODE, type, from: ['recorded'], config: detector.config.parse(config) }],
    sinks: [{ name: 'collected', type: 'collected', from: [NODE], config: {} }],
    partitions: PARTITIONS,
    maxSeries: MAX_SERIES,
    seed: 1,
  };
  const problems = checkGraph(graph, types).filter(({ warning }) => warning !== true);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-judge-'));
  try {
    const log = pino({ level: 'warn' }, pino.destination(2));
    const runtime = await Runtime.start({ graph, registry: types, modules, shards: 1, replay: true, clock: systemClock, random: seeded(graph.seed), log, base: folder, folder });
    await runtime.finished;
    return collected.results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All rows by time; those of equal time by series, in the order of each. */
class Replay implements Source {
  readonly #recorded: readonly Recorded[];
  /** Of each row, in order: its series, and which of its rows it is. */
  readonly #series: Uint32Array;
  readonly #row: Uint32Array;
  #given = 0;

  constructor(recorded: readonly Recorded[]) {
    const times = recorded.flatMap((of) => Array.from(of.times));
    const series = recorded.flatMap((of, at) => new Array<number>(of.times.length).fill(at));
    const row = recorded.flatMap((of) => Array.from(of.times.keys()));
    const order = Uint32Array.from(times.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
    this.#recorded = recorded;
    this.#series = order.map((i) => series[i]!);
    this.#row = order.map((i) => row[i]!);
  }

  open(): Promise<void> {
    this.#given = 0;
    return Promise.resolve();
  }

  read(into: Intake, limit: number): Promise<Reading> {
    for (let n = 0; n < limit && this.#given < this.#row.length; n++) {
      const { series, times, values } = this.#recorded[this.#series[this.#given]!]!;
      const row = this.#row[this.#given++]!;
      into.add(times[row]!, series, values[row]!);
    }
    return Promise.resolve({ position: this.#given, ended: this.#given === this.#row.length });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Puts what comes back to the rows that it is about. */
class Collected implements Sink {
  readonly results: (Judged & { readonly anomalies: Anomaly[] })[];
  readonly #recorded: readonly Recorded[];
  readonly #index: ReadonlyMap<string, number>;
  /** By series: from where on its next row is looked for. */
  readonly #from: Uint32Array;

  constructor(recorded: readonly Recorded[]) {
    this.#recorded = recorded;
    this.#index = new Map(recorded.map(({ series }, i) => [series, i]));
    this.#from = new Uint32Array(recorded.length);
    this.results = recorded.map(({ times }) => {
      const column = (): Float64Array => new Float64Array(times.length).fill(NaN);
      return { columns: { score: column(), expected: column(), lower: column(), upper: column() }, anomalies: [] };
    });
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  write(_node: string, batch: Batch, names: Names): Promise<void> {
    for (let i = 0; i < batch.length; i++) {
      const s = this.#index.get(names.text(batch.slot[i]!))!;
      const { times, values } = this.#recorded[s]!;
      let row = this.#from[s]!;
      // Rows that were not judged are left out, the others keep their order.
      while (row < times.length && !(times[row] === batch.time[i] && Object.is(values[row], batch.value[i]))) row += 1;
      this.#from[s] = row + 1;
      for (const name of COLUMNS) this.results[s]!.columns[name][row] = batch.columns[name]![i]!;
    }
    return Promise.resolve();
  }

  receive(_node: string, finding: Finding): Promise<void> {
    if (finding.kind === 'anomaly') this.results[this.#index.get(finding.series)!]!.anomalies.push(finding);
    return Promise.resolve();
  }

  flush(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
