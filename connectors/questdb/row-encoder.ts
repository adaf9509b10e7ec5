import type { LabelColumns } from './label-columns.js';

/** What a table's rows are encoded by. */
export interface TableShape {
  readonly table: string;
  /** Columns of numbers beside `value`, as the table has them. */
  readonly columns: readonly string[];
  readonly labels: LabelColumns;
}

/** Collects rows of one table as line protocol, version 2 (doubles in binary). */
export interface RowEncoder {
  /** Of what has been collected. */
  readonly rows: number;
  readonly bytes: number;
  /**
   * Adds a row. `slot`: the number that the series has for now; `columns[k][i]`: the value of column `k`, NaN where it has none.
   * `time` in ms. False where the series' text can't be written: then nothing was added.
   */
  add(slot: number, series: string, time: number, value: number, columns: readonly (Float64Array | undefined)[], i: number): boolean;
  /** What has been collected; good until the next call of `add`. */
  take(): Uint8Array;
}

/** The times of QuestDB: µs since the epoch. */
export function microseconds(time: number): number {
  return Math.round(time * 1_000);
}
