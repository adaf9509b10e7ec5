import { resolve } from 'node:path';
import { z } from 'zod';
import { STALE, type Batch } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import { defineSink, type ConnectorContext, type History, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { duration, size } from '../../engine/scalars.js';
import type { Database, Writer } from './database.js';
import { DuckdbHistory } from './history.js';
import { Retention } from './retention.js';
import type { NodeTable, StoredFinding, Tables } from './tables.js';

/** Rows and findings that wait in memory: some megabytes. Then a write takes as long as the disk does. */
const WAITING_ROWS = 32_768;

const config = z.strictObject({
  path: z.string().min(1).default('data/history.duckdb').describe('file, relative to the config file; made where there is none'),
  retention: z
    .union([z.literal('forever'), duration({ min: '1m' })])
    .default(30 * 86_400_000)
    .describe('rows and findings older than this, behind the newest in event time, are deleted; or `forever`'),
  memory_limit: size()
    .refine((bytes) => bytes >= 32e6, 'must be at least 32MB')
    .default(96e6)
    .describe("memory of the database; larger makes queries over long times quicker"),
});
type DuckdbConfig = z.output<typeof config>;

/** Where the store is: rows after it carry a higher label, which is (run, checkpoint). */
interface StorePosition {
  readonly run: number;
  readonly checkpoint: number;
}

interface OpenStore {
  readonly database: Database;
  readonly tables: Tables;
  readonly retention: Retention | undefined;
}

/**
 * Rows are appended, labelled with the checkpoint that they will be part of; those after the checkpoint
 * restored are deleted when it opens. A new run on a file that holds an older one leaves that one's rows
 * in place, unless it never came to a second checkpoint: then its rows are not known to be covered by
 * any, and the sources give them again.
 */
class DuckdbSink implements Sink {
  readonly #config: DuckdbConfig;
  readonly #context: ConnectorContext;
  readonly #path: string;
  #open: OpenStore | undefined;
  #run = 1;
  /** The newest checkpoint flushed; rows belong to the next. */
  #flushed = 0;
  #flushes = 0;
  #waiting = 0;
  #findings: StoredFinding[] = [];
  #watermark: Time = -Infinity;
  #appending: Promise<unknown> = Promise.resolve();
  /** Deleting what is old, and the part of it that writes wait for. */
  #cleaning: Promise<void> | undefined;
  #exclusive: Promise<void> | undefined;
  #failure: string | undefined;

  /** Reading sees all that was written. */
  readonly history: History = new DuckdbHistory(async () => {
    await this.#append();
    return this.#opened();
  });

  constructor(parsed: DuckdbConfig, context: ConnectorContext) {
    this.#config = parsed;
    this.#context = context;
    this.#path = resolve(context.base, parsed.path);
  }

  async open(from: Position | undefined): Promise<void> {
    // Loading DuckDB takes a tenth of a second and much memory: only where it is used.
    const [{ Database }, { Tables }] = await Promise.all([import('./database.js'), import('./tables.js')]);
    const database = await Database.open(this.#path, this.#config.memory_limit);
    try {
      const tables = await Tables.open(database);
      await this.#recover(database, tables, from as StorePosition | undefined);
      const retention = this.#config.retention === 'forever' ? undefined : new Retention(database, tables, this.#config.retention);
      this.#open = { database, tables, retention };
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    const table = await this.#table(node, batch);
    while (this.#exclusive !== undefined) await this.#exclusive;
    const { tables } = this.#opened();
    const sources = table.columns.map((column) => batch.columns[column]);
    for (let i = 0; i < batch.length; i++) {
      // The end of a series is no value.
      if ((batch.flags[i]! & STALE) !== 0) continue;
      const { columns, length } = table.buffer.add(batch.time[i]!, tables.id(names.text(batch.slot[i]!)), batch.value[i]!);
      for (let k = 0; k < columns.length; k++) columns[k]![length - 1] = sources[k]?.[i] ?? Number.NaN;
      this.#waiting += 1;
    }
    if (this.#waiting >= WAITING_ROWS) await this.#append();
  }

  async receive(node: string, finding: Finding): Promise<void> {
    this.#findings.push({ node, finding });
    this.#waiting += 1;
    if (this.#waiting >= WAITING_ROWS) await this.#append();
  }

  async advance(watermark: Time): Promise<void> {
    if (Number.isFinite(watermark)) this.#watermark = watermark;
  }

  async flush(checkpoint: number): Promise<Position> {
    const flushes = this.#flushes + 1;
    await this.#append(async (writer) => {
      await writer.run(`UPDATE millrace_state SET run = ${this.#run}, flushes = ${flushes}`);
    });
    this.#flushed = checkpoint;
    this.#flushes = flushes;
    const { retention } = this.#opened();
    if (retention?.due(this.#watermark) === true) this.#cleaning ??= this.#clean(retention);
    return { run: this.#run, checkpoint } satisfies StorePosition;
  }

  async close(): Promise<void> {
    await this.#cleaning;
    await this.#appending;
    const open = this.#open;
    this.#open = undefined;
    await open?.database.close();
  }

  health(): { status: 'ok' | 'down'; detail?: string } {
    return this.#failure === undefined ? { status: 'ok' } : { status: 'down', detail: this.#failure };
  }

  #opened(): OpenStore {
    if (this.#open === undefined) throw new Error(`history ${this.#path} is not open`);
    return this.#open;
  }

  /** Forgets what was written after the position. */
  async #recover(database: Database, tables: Tables, from: StorePosition | undefined): Promise<void> {
    await database.write(async (writer) => {
      const [run, flushes] = (await writer.run('SELECT run, flushes FROM millrace_state'))[0] as [number, number];
      if (from !== undefined) {
        this.#run = from.run;
        this.#flushed = from.checkpoint;
        this.#flushes = 2;
      } else this.#run = flushes < 2 ? Math.max(run, 1) : run + 1;
      const label = labelOf(this.#run, this.#flushed);
      for (const table of [...[...tables.nodes.values()].map(({ sql }) => sql), 'millrace_findings']) await writer.run(`DELETE FROM ${table} WHERE checkpoint > ${label}`);
      await writer.run(`UPDATE millrace_state SET run = ${this.#run}, flushes = ${this.#flushes}`);
    });
  }

  async #table(node: string, batch: Batch): Promise<NodeTable> {
    const { database, tables } = this.#opened();
    const known = tables.nodes.get(node);
    const columns = Object.keys(batch.columns);
    if (known !== undefined && columns.every((column) => known.columns.includes(column))) return known;
    // Its buffer is for the columns so far.
    await this.#append();
    return tables.table(database, node, columns);
  }

  /** Appends all that waits, in one transaction together with `further`. One at a time. */
  #append(further?: (writer: Writer) => Promise<void>): Promise<void> {
    const turn = this.#appending.then(() => this.#appendNow(further));
    this.#appending = turn.catch(() => {});
    return turn;
  }

  async #appendNow(further: ((writer: Writer) => Promise<void>) | undefined): Promise<void> {
    const { database, tables } = this.#opened();
    if (this.#waiting === 0 && further === undefined) return;
    const checkpoint = this.#flushed + 1;
    const count = this.#waiting;
    const findings = this.#findings.splice(0);
    const rows = [...tables.nodes.values()].map((table) => ({ table, taken: table.buffer.take() })).filter(({ taken }) => taken.length > 0);
    this.#waiting = 0;
    try {
      const series = await database.write(async (writer) => {
        const written = await tables.writeSeries(writer);
        for (const { table, taken } of rows) await writer.append(table.name, table.buffer.chunks(taken, this.#run, checkpoint));
        await tables.writeFindings(writer, findings, labelOf(this.#run, checkpoint));
        await further?.(writer);
        return written;
      });
      tables.seriesWritten(series);
      for (const { table, taken } of rows) table.buffer.done(taken);
      this.#failure = undefined;
    } catch (error) {
      for (const { table, taken } of rows) table.buffer.putBack(taken);
      this.#findings = [...findings, ...this.#findings];
      this.#waiting += count;
      this.#failure = (error as Error).message;
      throw error;
    }
  }

  async #clean(retention: Retention): Promise<void> {
    const { database, tables } = this.#opened();
    try {
      await retention.deleteOld(this.#watermark);
      if (!retention.seriesDue(this.#watermark)) return;
      this.#exclusive = this.#append().then(() => tables.forgetSeries(database));
      await this.#exclusive;
    } catch (error) {
      this.#context.log.warn({ err: error, node: this.#context.node }, 'old rows cannot be deleted');
    } finally {
      this.#exclusive = undefined;
      this.#cleaning = undefined;
    }
  }
}

function labelOf(run: number, checkpoint: number): bigint {
  return (BigInt(run) << 32n) | BigInt(checkpoint);
}

export const duckdbSink = defineSink<DuckdbConfig>({
  name: 'duckdb',
  keeps: true,
  summary: 'Keeps the history of samples, results and findings in one DuckDB file.',
  description: `Each node has a table of rows \`(time, series, value, checkpoint, further columns)\`; \`series\` is a number in the dictionary
\`millrace_series\`. Findings are in \`millrace_findings\`, a row a revision. DuckDB reads the file when Millrace does not run:

    SELECT r.time, s.series, r.value FROM cpu r JOIN millrace_series s ON s.id = r.series ORDER BY r.time DESC LIMIT 10

What is written is durable when its checkpoint is; after a crash the rows since the checkpoint restored are deleted and written again, so
that nothing is counted twice. Rows older than \`retention\`, behind the newest in event time, are deleted in small steps. When the
checkpoints are lost, rows of before stay, and sources that read from the beginning give theirs again.`,
  config,
  examples: [
    { title: 'Samples and results for 30 days', yaml: 'sinks:\n  history: { type: duckdb, from: [cpu, odd], path: data/history.duckdb }\n' },
    { title: 'A year, with more memory for queries', yaml: 'sinks:\n  history: { type: duckdb, from: cpu, path: data/year.duckdb, retention: 365d, memory_limit: 1GB }\n' },
  ],
  create: (parsed, context) => new DuckdbSink(parsed, context),
});
