import type { Pool } from 'pg';
import { READ_CONNECTIONS, WAITING_READS } from './limits.js';

export type Cell = string | number | boolean | null;

/** QuestDB has no such table. */
export class NoTable extends Error {
  override readonly name = 'NoTable';
}

/** Queries over PGWire. */
export class Reader {
  readonly #address: string;
  #pool: Promise<Pool> | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /** Rows of a query, each as an array. Throws `NoTable`, or an error that names the address. */
  async rows(sql: string): Promise<Cell[][]> {
    const pool = await (this.#pool ??= this.#connect());
    if (pool.waitingCount >= WAITING_READS) throw new Error(`history ${this.#name}: ${WAITING_READS} queries are waiting already, try again later`);
    try {
      return (await pool.query<Cell[]>({ text: sql, rowMode: 'array' })).rows;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (/table does not exist/.test(message)) throw new NoTable(message, { cause: error });
      throw new Error(`history ${this.#name}: ${message === '' ? code : message}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await (await this.#pool)?.end();
  }

  /** Without the password. */
  get #name(): string {
    const { protocol, host, pathname } = new URL(this.#address);
    return `${protocol}//${host}${pathname}`;
  }

  async #connect(): Promise<Pool> {
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({ connectionString: this.#address, max: READ_CONNECTIONS });
    // An idle connection that breaks: the next query makes another.
    pool.on('error', () => {});
    return pool;
  }
}
