import { DuckDBTimestampValue } from '@duckdb/node-api';
import type { Time } from '../../engine/clock.js';
import type { Finding } from '../../engine/finding.js';
import type { Database, Writer } from './database.js';
import { RowBuffer } from './row-buffer.js';
import { quoted } from './sql.js';

/** Version of the tables. A file of another version is refused. */
const VERSION = 1;

/** Columns that every table of rows has. */
const OWN = ['time', 'series', 'value', 'checkpoint'];

const TABLES = `
CREATE TABLE IF NOT EXISTS millrace_state (version UINTEGER, run UINTEGER, flushes UINTEGER);
CREATE TABLE IF NOT EXISTS millrace_nodes (node VARCHAR, rows VARCHAR);
CREATE TABLE IF NOT EXISTS millrace_series (id UINTEGER, series VARCHAR, metric VARCHAR);
CREATE TABLE IF NOT EXISTS millrace_findings (node VARCHAR, id VARCHAR, kind VARCHAR, revision UINTEGER, opened TIMESTAMP, "time" TIMESTAMP,
  state VARCHAR, severity VARCHAR, metric VARCHAR, series VARCHAR, checkpoint UBIGINT, body VARCHAR);
`;

/** The table of one node's rows. */
export interface NodeTable {
  readonly node: string;
  /** Its name in SQL, quoted. */
  readonly sql: string;
  readonly name: string;
  /** Further columns, in the order of the table. */
  readonly columns: readonly string[];
  readonly buffer: RowBuffer;
}

export interface StoredFinding {
  readonly node: string;
  readonly finding: Finding;
}

/** The tables of the file and the dictionary of series, as far as they are known in memory. */
export class Tables {
  readonly nodes = new Map<string, NodeTable>();
  readonly #ids = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];
  /** Ids that are not in the file yet. */
  #fresh: number[] = [];

  /** Makes the tables where there are none, and reads what there is. */
  static async open(database: Database): Promise<Tables> {
    const tables = new Tables();
    await database.write(async (writer) => {
      await writer.run(TABLES);
      const [state] = await writer.run('SELECT version FROM millrace_state');
      if (state === undefined) await writer.run(`INSERT INTO millrace_state VALUES (${VERSION}, 0, 0)`);
      else if (state[0] !== VERSION) throw new Error(`its tables have version ${String(state[0])}, this Millrace writes ${VERSION}: give another path, or move the file aside to begin a new one`);
      for (const [node, name] of (await writer.run('SELECT node, rows FROM millrace_nodes')) as string[][]) await tables.#know(writer, node!, name!);
      await writer.each('SELECT id, series FROM millrace_series', ([ids, texts]) => {
        for (const [i, id] of ids!.entries()) tables.#name(id as number, texts![i] as string);
      });
    });
    return tables;
  }

  /** The table of a node, with at least these columns; made or widened where need be. Rows that wait must have been appended. */
  async table(database: Database, node: string, columns: readonly string[]): Promise<NodeTable> {
    const taken = columns.find((column) => OWN.includes(column.toLowerCase()));
    if (taken !== undefined) throw new Error(`history ${database.path}: column ${taken} of node ${node} has the name of a column that every table has: rename it`);
    return database.write(async (writer) => {
      const known = this.nodes.get(node);
      const name = known?.name ?? this.#freeName(node);
      if (known === undefined) {
        await writer.run(`CREATE TABLE ${quoted(name)} ("time" TIMESTAMP, series UINTEGER, value DOUBLE, checkpoint UBIGINT)`);
        await writer.run('INSERT INTO millrace_nodes VALUES (?, ?)', [node, name]);
      }
      for (const column of columns) await writer.run(`ALTER TABLE ${quoted(name)} ADD COLUMN IF NOT EXISTS ${quoted(column)} DOUBLE`);
      return this.#know(writer, node, name);
    });
  }

  /** The dictionary's number of a series. */
  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.length;
      this.#name(id, text);
      this.#fresh.push(id);
    }
    return id;
  }

  text(id: number): string {
    return this.#texts[id] ?? '';
  }

  /** Writes the new entries of the dictionary, in the transaction of the first rows that need them. */
  async writeSeries(writer: Writer): Promise<number> {
    const count = this.#fresh.length;
    if (count === 0) return 0;
    await writer.appendRows('millrace_series', this.#fresh, (appender, id) => {
      const text = this.text(id);
      const brace = text.indexOf('{');
      appender.appendUInteger(id);
      appender.appendVarchar(text);
      appender.appendVarchar(brace < 0 ? text : text.slice(0, brace));
    });
    return count;
  }

  /** Those written are in the file now. */
  seriesWritten(count: number): void {
    this.#fresh = this.#fresh.slice(count);
  }

  async writeFindings(writer: Writer, findings: readonly StoredFinding[], label: bigint): Promise<void> {
    if (findings.length === 0) return;
    await writer.appendRows('millrace_findings', findings, (appender, { node, finding }) => {
      appender.appendVarchar(node);
      appender.appendVarchar(finding.id);
      appender.appendVarchar(finding.kind);
      appender.appendUInteger(finding.revision);
      appender.appendTimestamp(micros(finding.openedAt));
      appender.appendTimestamp(micros(finding.time));
      appender.appendVarchar(finding.state);
      appender.appendVarchar(finding.severity);
      appender.appendVarchar(finding.metric);
      appender.appendVarchar(finding.series);
      appender.appendUBigInt(label);
      appender.appendVarchar(JSON.stringify(finding));
    });
  }

  /** Forgets series that no row refers to any more. Rows that wait must have been appended. */
  async forgetSeries(database: Database): Promise<void> {
    const used = [...this.nodes.values()].map(({ sql }) => `SELECT series FROM ${sql}`).join(' UNION ');
    if (used === '') return;
    const gone = await database.write((writer) => writer.run(`DELETE FROM millrace_series WHERE id NOT IN (${used}) RETURNING id`));
    for (const [id] of gone as number[][]) {
      this.#ids.delete(this.text(id!));
      this.#texts[id!] = undefined;
    }
  }

  #name(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#texts[id] = text;
  }

  async #know(writer: Writer, node: string, name: string): Promise<NodeTable> {
    const columns = (await writer.run('SELECT column_name FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index', [name])).map(([column]) => column as string).filter((column) => !OWN.includes(column));
    const table = { node, name, sql: quoted(name), columns, buffer: new RowBuffer(columns.length) };
    this.nodes.set(node, table);
    return table;
  }

  /** SQL does not tell upper from lower case, so two nodes may need numbers. */
  #freeName(node: string): string {
    const taken = new Set([...this.nodes.values()].map(({ name }) => name));
    const plain = node.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_');
    const base = plain.startsWith('millrace_') ? `node_${plain}` : plain;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    return name;
  }
}

function micros(time: Time): DuckDBTimestampValue {
  return new DuckDBTimestampValue(BigInt(Math.round(time * 1000)));
}
