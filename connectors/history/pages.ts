import type { Time } from '../../engine/clock.js';
import type { History, HistoryRow } from '../../engine/connector.js';

/** Rows of one answer at most: some ten megabytes, of which two are in memory. */
export const PAGE_ROWS = 16_384;

/** Event time of the first question, ms; later ones ask for so much that an answer is about half full. */
const FIRST_SLICE = 60_000;
const SHORTEST_SLICE = 1_000;

/** The last row that was read: rows after it come next. Without a series: all from this time on. */
export interface Mark {
  readonly time: Time;
  readonly series?: string;
}

export interface Page {
  readonly rows: readonly HistoryRow[];
  /** Behind its last row. */
  readonly mark: Mark;
  /** There is nothing behind it. */
  readonly last: boolean;
}

/**
 * Reads one node's rows of a store in order of (time, series), a slice of time after the other: a store that was asked for
 * the first rows of weeks would sort the weeks for each page.
 */
export class Pages {
  readonly #history: History;
  readonly #node: string;
  readonly #to: Time;
  readonly #rows: number;
  #mark: Mark;
  #slice = FIRST_SLICE;

  constructor(history: History, node: string, from: Mark, to: Time, rows = PAGE_ROWS) {
    this.#rows = rows;
    this.#history = history;
    this.#node = node;
    this.#mark = from;
    this.#to = to;
  }

  /** The next page that has rows, or the last. One at a time. */
  async next(): Promise<Page> {
    for (;;) {
      const { time, series } = this.#mark;
      const end = Math.min(this.#to, Math.floor(time + this.#slice));
      const rows = await this.#history.rows({ node: this.#node, from: time, to: end, limit: this.#rows, ...(series === undefined ? {} : { after: series }) });
      const full = rows.length === this.#rows;
      const share = rows.length / this.#rows;
      this.#slice = Math.max(SHORTEST_SLICE, Math.min(this.#slice * 8, (this.#slice * 0.5) / Math.max(share, 1 / 16)));
      const row = rows.at(-1);
      const last = !full && end === this.#to;
      if (full) this.#mark = { time: row!.time, series: row!.series };
      // Behind all that are at the end of the slice: no text comes after the last of these.
      else this.#mark = row?.time === end ? { time: end, series: row.series } : { time: end, ...(end === time && series !== undefined ? { series } : {}) };
      if (rows.length > 0 || last) return { rows, mark: this.#mark, last };
    }
  }
}
