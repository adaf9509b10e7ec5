import { quoted, TIME } from './names.js';
import type { TableLines } from './record.js';
import { StatementRefused, type Server } from './server.js';

const DAY_MS = 86_400_000;

/** A table that is not as rows need it. Somebody has to look at it; until then they wait. */
export class TableUnfit extends Error {
  override readonly name = 'TableUnfit';
}

/** Makes the tables, and the columns that come later, before their first row: automatic creation would make other ones. */
export class Tables {
  readonly #server: Server;
  /** Days that rows are kept; 0: for ever. */
  readonly #days: number;
  /** Columns that a table is known to have, of the type that rows need. */
  readonly #known = new Map<string, Set<string>>();

  constructor(server: Server, retention: number | 'forever') {
    this.#server = server;
    this.#days = retention === 'forever' ? 0 : Math.ceil(retention / DAY_MS);
  }

  /** Makes a table as lines need it. Throws `TableUnfit` where it can't, and as the server. */
  async prepare(lines: Omit<TableLines, 'body'>): Promise<void> {
    const { table } = lines;
    try {
      let known = this.#known.get(table);
      if (known === undefined) {
        await this.#create(lines);
        this.#known.set(table, (known = new Set()));
      }
      for (const [columns, type] of [
        [lines.columns, 'DOUBLE'],
        [lines.labels, 'SYMBOL'],
      ] as const) {
        for (const column of columns) {
          if (known.has(column)) continue;
          await this.#server.run(`ALTER TABLE ${quoted(table)} ADD COLUMN IF NOT EXISTS ${quoted(column)} ${type}`);
          known.add(column);
          this.#server.refresh();
        }
      }
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error;
      throw new TableUnfit(`table ${table}: ${error.message}`, { cause: error });
    }
  }

  /** It may have been dropped, or changed. */
  forget(table: string): void {
    this.#known.delete(table);
    this.#server.refresh();
  }

  /**
   * Of the tables used, those whose log QuestDB has stopped to apply, with its reason: it goes on to answer that it has taken rows.
   * So it does, to a connection that knew the table, for one that was dropped: that is forgotten here.
   */
  async suspended(): Promise<readonly string[]> {
    const rows = (await this.#server.run('SELECT name, suspended, errorTag, errorMessage FROM wal_tables()')) as [string, boolean, string, string][];
    const there = new Set(rows.map(([name]) => name));
    for (const table of this.#known.keys()) if (!there.has(table)) this.forget(table);
    return rows.filter(([name, suspended]) => suspended && this.#known.has(name)).map(([name, , ...reasons]) => `${name}${reasons.filter(Boolean).map((reason) => ` (${reason})`).join('')}`);
  }

  async #create({ kind, table, columns, labels }: Omit<TableLines, 'body'>): Promise<void> {
    const keys = kind === 'rows' ? [TIME, 'series'] : [TIME, 'id'];
    const own = kind === 'rows' ? 'series SYMBOL, value DOUBLE' : FINDING_COLUMNS;
    const further = [...labels.map((name) => `, ${quoted(name)} SYMBOL`), ...columns.map((name) => `, ${quoted(name)} DOUBLE`)].join('');
    const kept = this.#days === 0 ? '' : ` TTL ${this.#days} DAYS`;
    await this.#server.run(`CREATE TABLE IF NOT EXISTS ${quoted(table)} (${TIME} TIMESTAMP, ${own}${further}) TIMESTAMP(${TIME}) PARTITION BY DAY${kept} WAL DEDUP UPSERT KEYS(${keys.join(', ')})`);
    // It may be one of before, of another config or somebody else's.
    const found = (await this.#server.run(`SELECT "column", upsertKey FROM table_columns('${table}')`)) as [string, boolean][];
    const upserts = found.filter(([, key]) => key).map(([column]) => column);
    if (upserts.length !== keys.length || keys.some((key) => !upserts.includes(key))) {
      throw new TableUnfit(`table ${table} was not made by Millrace: rows in it are not one a ${keys.join(' and ')}. Rename it, or set \`prefix\``);
    }
    const [[value, unit] = []] = (await this.#server.run(`SELECT ttlValue, ttlUnit FROM tables() WHERE table_name = '${table}'`)) as [number, string][];
    const same = this.#days === 0 ? value === 0 : value === this.#days && unit === 'DAY';
    if (!same) await this.#server.run(`ALTER TABLE ${quoted(table)} SET TTL ${this.#days} DAYS`);
  }
}

const FINDING_COLUMNS = 'id VARCHAR, revision LONG, time TIMESTAMP, kind SYMBOL, node SYMBOL, state SYMBOL, severity SYMBOL, metric SYMBOL, series VARCHAR, body VARCHAR';
