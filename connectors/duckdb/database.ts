import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance, type DuckDBAppender, type DuckDBConnection, type DuckDBDataChunk, type DuckDBValue } from '@duckdb/node-api';

/** Reads waiting for their turn; past it they are refused. */
const WAITING_READS = 64;

/** Files that are open. */
const inUse = new Set<string>();

/** A failure of the database, naming its file and, where it can, what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

/**
 * A DuckDB file with one connection to write and one to read. Calls on each take turns: DuckDB would let
 * them wait in the thread pool, which file access needs. Everything runs on the main thread, because
 * ending a worker in the middle of a query ends the process.
 */
export class Database {
  readonly path: string;
  readonly #instance: DuckDBInstance;
  readonly #writer: DuckDBConnection;
  readonly #reader: DuckDBConnection;
  #writing: Promise<unknown> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();
  #reads = 0;

  private constructor(path: string, instance: DuckDBInstance, writer: DuckDBConnection, reader: DuckDBConnection) {
    this.path = path;
    this.#instance = instance;
    this.#writer = writer;
    this.#reader = reader;
  }

  /** Makes the folder and the file. `memory`: bytes of DuckDB's own memory. */
  static async open(given: string, memory: number): Promise<Database> {
    let path = given;
    try {
      await mkdir(dirname(path), { recursive: true });
      path = join(await realpath(dirname(path)), basename(path));
      // DuckDB's lock is against other processes only.
      if (inUse.has(path)) throw new DatabaseError(`history ${path}: another sink has it open: give each its own path`);
      const instance = await DuckDBInstance.create(path, {
        memory_limit: `${Math.ceil(memory / 1e6)}MB`,
        // The other cores are the shards'.
        threads: '1',
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
      });
      const database = new Database(path, instance, await instance.connect(), await instance.connect());
      inUse.add(path);
      return database;
    } catch (error) {
      throw explain(path, error);
    }
  }

  /** Runs statements as one transaction, after those before; all of it or nothing. */
  write<Result>(statements: (connection: Writer) => Promise<Result>): Promise<Result> {
    const turn = this.#writing.then(async () => {
      try {
        await this.#writer.run('BEGIN');
        const result = await statements(new Writer(this.#writer));
        await this.#writer.run('COMMIT');
        return result;
      } catch (error) {
        // After some errors there is no transaction any more to roll back.
        await this.#writer.run('ROLLBACK').catch(() => {});
        throw explain(this.path, error);
      }
    });
    this.#writing = turn.catch(() => {});
    return turn;
  }

  /** Hands over the rows of a query chunk by chunk, each as an array of columns. */
  read(sql: string, values: DuckDBValue[], chunk: (columns: DuckDBValue[][]) => void): Promise<void> {
    if (this.#reads >= WAITING_READS) return Promise.reject(new DatabaseError(`history ${this.path}: ${WAITING_READS} queries are waiting already, try again later`));
    this.#reads += 1;
    const turn = this.#reading.then(async () => {
      try {
        const result = await this.#reader.stream(sql, values);
        for await (const each of result) chunk(each.getColumns());
      } catch (error) {
        throw explain(this.path, error);
      } finally {
        this.#reads -= 1;
      }
    });
    this.#reading = turn.catch(() => {});
    return turn;
  }

  /** Moves the write-ahead log into the file and lets go of it. */
  async close(): Promise<void> {
    await this.#reading;
    await this.#writing;
    // Closing would do the same on this thread. If it fails, the next opening reads the log.
    await this.#writer.run('CHECKPOINT').catch(() => {});
    this.#writer.closeSync();
    this.#reader.closeSync();
    this.#instance.closeSync();
    inUse.delete(this.path);
  }
}

/** The connection inside a transaction. */
export class Writer {
  readonly #connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Rows of the result of a statement. */
  async run(sql: string, values: DuckDBValue[] = []): Promise<DuckDBValue[][]> {
    return (await this.#connection.run(sql, values)).getRows();
  }

  /** Rows changed by a statement. */
  async change(sql: string, values: DuckDBValue[] = []): Promise<number> {
    return (await this.#connection.run(sql, values)).rowsChanged;
  }

  /** Hands over the rows of a large result chunk by chunk. */
  async each(sql: string, chunk: (columns: DuckDBValue[][]) => void): Promise<void> {
    for await (const each of await this.#connection.stream(sql)) chunk(each.getColumns());
  }

  /** Appends to a table; the loop turns after every few chunks. */
  async append(table: string, chunks: Iterable<DuckDBDataChunk>): Promise<void> {
    const appender = await this.#connection.createAppender(table);
    let count = 0;
    for (const chunk of chunks) {
      appender.appendDataChunk(chunk);
      count += 1;
      if (count % 8 === 0) await new Promise(setImmediate);
    }
    appender.closeSync();
  }

  /** Appends rows one by one: for few. */
  async appendRows<Row>(table: string, rows: Iterable<Row>, row: (appender: DuckDBAppender, row: Row) => void): Promise<void> {
    const appender = await this.#connection.createAppender(table);
    for (const each of rows) {
      row(appender, each);
      appender.endRow();
    }
    appender.closeSync();
  }
}

const ADVICE: readonly [RegExp, string][] = [
  [/Could not set lock/, 'another process has it open: stop that one, or give this graph another path'],
  [/No space left|File too large|quota exceeded/i, 'the disk is full: free some space or shorten the retention'],
  [/not a valid DuckDB|Corrupt|checksum|enough bytes|Serialization Error|Failure while replaying WAL/i, 'the file is damaged: restore it, or move it and its .wal aside to begin a new one'],
  [/Permission denied/i, 'the file cannot be opened for writing: check its owner'],
  [/invalidated/, 'it cannot be used any more until it is opened again'],
];

function explain(path: string, error: unknown): Error {
  if (error instanceof DatabaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const advice = ADVICE.find(([pattern]) => pattern.test(message))?.[1];
  return new DatabaseError(`history ${path}: ${advice === undefined ? message : `${advice} (${message})`}`, { cause: error });
}
