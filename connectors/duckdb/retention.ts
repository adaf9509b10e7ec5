import type { Time } from '../../engine/clock.js';
import type { Database } from './database.js';
import { timestamp } from './sql.js';
import type { Tables } from './tables.js';

/** One deletion covers at least this much event time, and at most a tenth of what there is to delete: other writes take turns with them. */
const STEP_MS = 3_600_000;
const STEPS = 10;

/** Event time between two looks for series without rows: it reads a column of every table. */
const SERIES_MS = 86_400_000;

/** Deletes rows and findings that are older than a time behind the watermark. */
export class Retention {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #keep: number;
  #next = -Infinity;
  #nextSeries: Time | undefined;

  /** `keep` in ms. */
  constructor(database: Database, tables: Tables, keep: number) {
    this.#database = database;
    this.#tables = tables;
    this.#keep = keep;
  }

  /** A hundredth of what is kept has passed since the last time, or an hour. */
  due(watermark: Time): boolean {
    return Number.isFinite(watermark) && watermark >= this.#next;
  }

  async deleteOld(watermark: Time): Promise<void> {
    this.#next = watermark + Math.min(3_600_000, this.#keep / 100);
    const cutoff = watermark - this.#keep;
    for (const table of [...[...this.#tables.nodes.values()].map(({ sql }) => sql), 'millrace_findings']) {
      let oldest = await this.#oldest(table);
      const step = Math.max(STEP_MS, (cutoff - oldest) / STEPS);
      while (oldest < cutoff) {
        oldest = Math.min(cutoff, oldest + step);
        await this.#database.write((writer) => writer.run(`DELETE FROM ${table} WHERE "time" < ${timestamp(oldest)}`));
        if (oldest < cutoff) oldest = await this.#oldest(table);
      }
    }
  }

  seriesDue(watermark: Time): boolean {
    const due = this.#nextSeries !== undefined && watermark >= this.#nextSeries;
    if (due || this.#nextSeries === undefined) this.#nextSeries = watermark + SERIES_MS;
    return due;
  }

  /** Of an empty table: `Infinity`. */
  async #oldest(table: string): Promise<Time> {
    let oldest = Infinity;
    await this.#database.read(`SELECT epoch_us(min("time"))::DOUBLE / 1000 FROM ${table}`, [], ([times]) => {
      if (typeof times?.[0] === 'number') oldest = times[0];
    });
    return oldest;
  }
}
