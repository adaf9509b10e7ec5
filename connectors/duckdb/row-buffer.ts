import { DOUBLE, DuckDBDataChunk, TIMESTAMP, UBIGINT, UINTEGER } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/** Rows of a chunk of DuckDB. */
const ROWS = 2048;

/** Rows in memory, in the layout of DuckDB's columns. 64-bit integers are pairs of halves, low first: no BigInt is made per row. */
export interface Rows {
  length: number;
  readonly time: Uint32Array;
  readonly series: Uint32Array;
  readonly value: Float64Array;
  readonly label: Uint32Array;
  readonly columns: readonly Float64Array[];
}

/** Rows of one table that wait to be appended. Their columns: time, series, value, checkpoint, then the further ones. */
export class RowBuffer {
  readonly #columns: number;
  #waiting: Rows[] = [];
  #free: Rows[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Adds a row and returns where it is: its further columns go to `columns[k][length - 1]`. `time` in ms. */
  add(time: number, series: number, value: number): Pick<Rows, 'columns' | 'length'> {
    let rows = this.#waiting.at(-1);
    if (rows === undefined || rows.length === ROWS) {
      rows = this.#free.pop() ?? allocate(this.#columns);
      rows.length = 0;
      this.#waiting.push(rows);
    }
    const at = rows.length;
    const micros = Math.round(time * 1000);
    const high = Math.floor(micros / 0x1_0000_0000);
    rows.time[2 * at] = micros - high * 0x1_0000_0000;
    rows.time[2 * at + 1] = high;
    rows.series[at] = series;
    rows.value[at] = value;
    rows.length = at + 1;
    return rows;
  }

  /** Takes out what waits: until `done` or `putBack` it is the caller's. */
  take(): Rows[] {
    return this.#waiting.splice(0);
  }

  /** Rows taken as chunks of DuckDB, labelled; a chunk is only good until the next. */
  *chunks(taken: readonly Rows[], run: number, checkpoint: number): Generator<DuckDBDataChunk> {
    const chunk = DuckDBDataChunk.create([TIMESTAMP, UINTEGER, DOUBLE, UBIGINT, ...Array<typeof DOUBLE>(this.#columns).fill(DOUBLE)]);
    for (const rows of taken) {
      for (let i = 0; i < rows.length; i++) {
        rows.label[2 * i] = checkpoint;
        rows.label[2 * i + 1] = run;
      }
      chunk.reset();
      chunk.rowCount = rows.length;
      for (const [k, array] of [rows.time, rows.series, rows.value, rows.label, ...rows.columns].entries()) {
        const bytes = (array.byteLength / ROWS) * rows.length;
        duckdb.copy_data_to_vector(duckdb.data_chunk_get_vector(chunk.chunk, k), 0, array.buffer as ArrayBuffer, array.byteOffset, bytes);
      }
      yield chunk;
    }
  }

  /** Rows taken are in the table: their memory is used again, except what a burst needed. */
  done(taken: readonly Rows[]): void {
    this.#free = [...this.#free, ...taken].slice(0, 2);
  }

  /** Rows taken could not be appended: they wait again, before those that came meanwhile. */
  putBack(taken: readonly Rows[]): void {
    this.#waiting = [...taken, ...this.#waiting];
  }
}

function allocate(columns: number): Rows {
  return {
    length: 0,
    time: new Uint32Array(2 * ROWS),
    series: new Uint32Array(ROWS),
    value: new Float64Array(ROWS),
    label: new Uint32Array(2 * ROWS),
    columns: Array.from({ length: columns }, () => new Float64Array(ROWS)),
  };
}
