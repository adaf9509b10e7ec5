/** Samples a ms. */
export const PER_MS = 100;

/** Rows that the source may be ahead. */
const ROWS = 65_536;

/** What the two threads of W4 share, from which each makes its own `PacedRing`. */
export interface Shared {
  readonly samples: number;
  readonly series: number;
  /** When the first sample is due, ms since the epoch. */
  readonly start: number;
  readonly counters: SharedArrayBuffer;
  readonly columns: readonly [series: SharedArrayBuffer, time: SharedArrayBuffer, value: SharedArrayBuffer];
  readonly produced: SharedArrayBuffer;
}

export function share(samples: number, series: number, start: number): Shared {
  const column = (rows: number): SharedArrayBuffer => new SharedArrayBuffer(8 * rows);
  return { samples, series, start, counters: column(1), columns: [column(ROWS), column(ROWS), column(ROWS)], produced: column(Math.ceil(samples / PER_MS)) };
}

/** Rows from one thread to another; row i is at `i % ROWS` of each column. */
export class PacedRing {
  readonly rows = ROWS;
  readonly series: Float64Array;
  readonly time: Float64Array;
  readonly value: Float64Array;
  /** When the source made the samples that were due in each ms, ms since the epoch. */
  readonly produced: Float64Array;
  readonly #counters: Int32Array;

  constructor({ counters, columns, produced }: Shared) {
    [this.series, this.time, this.value] = columns.map((column) => new Float64Array(column)) as [Float64Array, Float64Array, Float64Array];
    this.produced = new Float64Array(produced);
    this.#counters = new Int32Array(counters);
  }

  /** Rows that were written so far, once they are more than `read`; all before are given back. Throws when none comes for long. */
  written(read: number): number {
    this.#tell(1, read);
    return this.#beyond(0, read);
  }

  /** Hands on all rows before `written`, and waits until there is room for those of another ms. */
  handOn(written: number): void {
    this.#tell(0, written);
    const needed = written + PER_MS - ROWS;
    if (needed > 0) this.#beyond(1, needed - 1);
  }

  #tell(counter: number, rows: number): void {
    Atomics.store(this.#counters, counter, rows);
    Atomics.notify(this.#counters, counter);
  }

  #beyond(counter: number, rows: number): number {
    for (;;) {
      const now = Atomics.load(this.#counters, counter);
      if (now > rows) return now;
      if (Atomics.wait(this.#counters, counter, now, 10_000) === 'timed-out') throw new Error('the other thread has stopped');
    }
  }
}
