import { join } from 'node:path';
import type { Batch } from '../../engine/batch.js';
import { defineSink, type ConnectorContext, type ConnectorHealth, type DeadLetter, type History, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { Spool } from '../../engine/spool.js';
import { SpoolEntry } from '../spooled/entry.js';
import type { RowEncoder, TableShape } from './row-encoder.js';
import { BinaryEncoder } from './binary-encoder.js';
import { config, type QuestdbConfig } from './config.js';
import { Delivery } from './delivery.js';
import type { FindingLines } from './findings.js';
import { QuestdbHistory } from './history.js';
import { PATIENCE_MS, RECORD_BYTES, WARN_EVERY_MS } from './limits.js';
import { TableNames } from './names.js';
import { NodeRows } from './node-rows.js';
import { encodeLines, type TableLines } from './record.js';
import { RecordMemory } from './record-memory.js';
import { Server } from './server.js';
import { Tables } from './tables.js';

interface Opened {
  readonly entry: SpoolEntry;
  readonly delivery: Delivery;
  readonly findings: FindingLines;
  readonly encoder: (shape: TableShape) => RowEncoder;
}

/** Encodes rows and findings, and puts them into the spool; from there they are delivered. */
class QuestdbSink implements Sink {
  readonly #config: QuestdbConfig;
  readonly #context: ConnectorContext;
  readonly #names: TableNames;
  readonly #nodes = new Map<string, NodeRows>();
  readonly #memory = new RecordMemory();
  readonly #warned = new Map<string, number>();
  #open: Opened | undefined;
  readonly history: QuestdbHistory & History;

  constructor(parsed: QuestdbConfig, context: ConnectorContext) {
    this.#config = parsed;
    this.#context = context;
    this.#names = new TableNames(parsed.prefix);
    this.history = new QuestdbHistory(parsed, this.#names, () => this.#opened());
  }

  async open(from: Position | undefined): Promise<void> {
    const { node, folder, clock, log, replay, inputs = [] } = this.#context;
    for (const input of inputs) this.#names.table(input);
    // Loading the client takes a while: only where it is used.
    const [{ ClientEncoder }, { FindingLines }] = await Promise.all([import('./client-encoder.js'), import('./findings.js')]);
    const server = new Server(this.#config, this.#context.base);
    const damaged = (message: string) => {
      this.#context.count('damaged');
      log.error({ node }, `rows that waited for QuestDB are lost: ${message}`);
    };
    const released = (bytes: Uint8Array) => this.#memory.giveBack(bytes);
    // A replay that is faster than QuestDB would write nearly all its rows to disk and read them again a moment later. Alone, it harms nobody by waiting.
    const patience = replay ? PATIENCE_MS : 0;
    const spool = await Spool.open(join(folder, 'spool'), { limit: this.#config.spool, from, clock, damaged, patience, released });
    const delivery = new Delivery(spool, server, new Tables(server, this.#config.retention), this.#context);
    delivery.start();
    const encoder = (shape: TableShape) => (this.#config.encoder === 'client' ? new ClientEncoder(shape) : new BinaryEncoder(shape));
    const entry = new SpoolEntry(spool, () => [...[...this.#nodes.values()].map((rows) => () => this.#record(rows.take())), () => this.#record(this.#takeFindings())]);
    this.#open = { entry, delivery, encoder, findings: new FindingLines(this.#names.findings) };
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    const rows = await this.#rows(node, batch);
    const oldest = this.#oldest();
    for (let i = 0; i < batch.length; ) {
      const { next, old } = rows.add(batch, names, i, RECORD_BYTES, oldest);
      i = next;
      if (old > 0) this.#leaveOut(old, node);
      if (rows.bytes >= RECORD_BYTES) await this.#opened().entry.append(() => this.#record(rows.take()));
    }
  }

  async receive(node: string, finding: Finding): Promise<void> {
    const { findings } = this.#opened();
    if (finding.openedAt < this.#oldest()) {
      this.#leaveOut(1, node);
      return;
    }
    findings.add(node, finding);
    if (findings.bytes >= RECORD_BYTES) await this.#opened().entry.append(() => this.#record(this.#takeFindings()));
  }

  /** At the end of everything it waits until QuestDB has everything: nobody may come back for it. */
  async advance(watermark: number): Promise<void> {
    if (watermark !== Infinity) return;
    await this.#opened().entry.drained();
  }

  async flush(): Promise<Position> {
    return await this.#opened().entry.flush();
  }

  abort(): void {
    this.#open?.entry.abort();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const { entry, delivery } = open;
    await entry.close(delivery.well, () => Promise.all([delivery.stop(), this.history.close()]));
  }

  health(): ConnectorHealth {
    return this.#open?.delivery.health() ?? { status: 'ok' };
  }

  async resubmit(letter: DeadLetter): Promise<void> {
    await this.#opened().delivery.resubmit(letter);
  }

  #opened(): Opened {
    if (this.#open === undefined) throw new Error(`QuestDB ${this.#config.url} is not open`);
    return this.#open;
  }

  /** The rows of a node that wait, in a form that has all columns of a batch. */
  async #rows(node: string, batch: Batch): Promise<NodeRows> {
    const { encoder } = this.#opened();
    const columns = Object.keys(batch.columns);
    const known = this.#nodes.get(node);
    if (known !== undefined && columns.every((column) => known.columns.includes(column))) return known;
    // Those that wait have the columns so far.
    if (known !== undefined) await this.#opened().entry.append(() => this.#record(known.take()));
    const rows = new NodeRows(node, this.#names.table(node), [...new Set([...(known?.columns ?? []), ...columns])], {
      labels: this.#config.labels,
      encoder,
      withoutColumn: (label, why) => this.#warn(`${node} ${label}`, `label ${label} of node ${node} has no column of its own, only its place in \`series\`: ${why}`),
      unwritable: (series, row) => this.#context.deadLetter({ origin: node, reason: 'the series holds half a character (a lone surrogate), which UTF-8 has no bytes for', payload: JSON.stringify({ series, ...row }) }),
    });
    this.#nodes.set(node, rows);
    return rows;
  }

  /** Rows before this would be taken and deleted at once. */
  #oldest(): number {
    return this.#config.retention === 'forever' ? -Infinity : this.#context.clock.now() - this.#config.retention;
  }

  #leaveOut(count: number, node: string): void {
    this.#context.count('old', count);
    this.#warn(`${node} old`, `rows of node ${node} are older than \`retention\` and are left out`);
  }

  #warn(what: string, message: string): void {
    const now = this.#context.clock.elapsed();
    if (now - (this.#warned.get(what) ?? -Infinity) < WARN_EVERY_MS) return;
    this.#warned.set(what, now);
    this.#context.log.warn({ node: this.#context.node }, message);
  }

  #record(lines: TableLines | undefined): Uint8Array | undefined {
    return lines === undefined ? undefined : encodeLines(lines, this.#memory);
  }

  #takeFindings(): TableLines | undefined {
    const { findings } = this.#opened();
    if (findings.rows === 0) return undefined;
    return { kind: 'findings', node: this.#context.node, table: this.#names.findings, rows: findings.rows, columns: [], labels: [], body: findings.take() };
  }
}

export const questdbSink = defineSink<QuestdbConfig>({
  name: 'questdb',
  keeps: true,
  summary: 'Keeps the history of samples, results and findings in QuestDB, exactly once, also while it is away.',
  description: `Each node has a table of rows \`(ts, series, value, further numbers, labels)\`, named after it: in lower case, \`_\` for what is no letter or digit.
\`series\` is the canonical text; labels are symbol columns beside it. Findings are in the table \`findings\`, each once, as its highest revision.
Tables are made by Millrace, \`WAL DEDUP UPSERT KEYS(ts, series)\`, partitioned by day, with \`retention\` as their TTL:

    SELECT ts, series, value FROM cpu WHERE host = 'web-1' LATEST ON ts PARTITION BY series

What is written goes through a spool on disk and leaves it when QuestDB has answered: a store that is away, restarting or has suspended a
table holds up nothing, until the spool is full; then the sources wait. What is sent twice is stored once. A row that QuestDB refuses becomes
a dead letter, and the others are stored. All of it, and how large the spool should be: docs/questdb.md.`,
  config,
  examples: [
    { title: 'The QuestDB on this machine', yaml: 'sinks:\n  history: { type: questdb, from: [cpu, odd] }\n' },
    {
      title: 'One elsewhere, with a password, millions of rows a second, two labels as columns',
      yaml: 'sinks:\n  history:\n    type: questdb\n    from: cpu\n    url: https://questdb.example:9000\n    username: millrace\n    password: ${QUESTDB_PASSWORD:-secret}\n    postgres: postgresql://reader:secret@questdb.example:8812/qdb\n    encoder: binary\n    labels: [host, region]\n    spool: 20GiB\n',
    },
  ],
  create: (parsed, context) => new QuestdbSink(parsed, context),
});
