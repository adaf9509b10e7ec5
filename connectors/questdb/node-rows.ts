import { STALE, type Batch } from '../../engine/batch.js';
import type { Names } from '../../engine/operator.js';
import { LabelColumns, type LabelChoice } from './label-columns.js';
import { columnName, OWN_COLUMNS } from './names.js';
import type { TableLines } from './record.js';
import type { RowEncoder, TableShape } from './row-encoder.js';

export interface NodeRowsOptions {
  readonly labels: LabelChoice;
  encoder(shape: TableShape): RowEncoder;
  /** A label that gets no column. */
  withoutColumn(label: string, why: string): void;
  /** A row whose series can't be written. */
  unwritable(series: string, row: { readonly time: number; readonly value: number }): void;
}

/** The rows of one node that wait to become a record. */
export class NodeRows {
  readonly node: string;
  readonly #options: NodeRowsOptions;
  readonly #table: string;
  /** The columns as the batches name them. */
  readonly #names: readonly string[];
  readonly #labels: LabelColumns;
  readonly #encoder: RowEncoder;
  readonly #shape: TableShape;

  constructor(node: string, table: string, columns: readonly string[], options: NodeRowsOptions) {
    this.node = node;
    this.#table = table;
    this.#options = options;
    this.#names = [...columns];
    const stored = columns.map((column) => this.#column(column, columns));
    this.#labels = new LabelColumns(options.labels, stored, (label, why) => options.withoutColumn(label, why));
    this.#shape = { table, columns: stored, labels: this.#labels };
    this.#encoder = options.encoder(this.#shape);
  }

  get bytes(): number {
    return this.#encoder.bytes;
  }

  get columns(): readonly string[] {
    return this.#names;
  }

  /** Adds rows from `from` on until it holds so many bytes; returns the row to go on with. Rows before `oldest` are left out and counted. */
  add(batch: Batch, names: Names, from: number, bytes: number, oldest: number): { next: number; old: number } {
    const columns = this.#names.map((name) => batch.columns[name]);
    const encoder = this.#encoder;
    let old = 0;
    let i = from;
    for (; i < batch.length && encoder.bytes < bytes; i++) {
      // The end of a series is no value.
      if ((batch.flags[i]! & STALE) !== 0) continue;
      const time = batch.time[i]!;
      if (time < oldest) {
        old += 1;
        continue;
      }
      const slot = batch.slot[i]!;
      const series = names.text(slot);
      if (!encoder.add(slot, series, time, batch.value[i]!, columns, i)) this.#options.unwritable(series, { time, value: batch.value[i]! });
    }
    return { next: i, old };
  }

  /** What waits; undefined where nothing does. */
  take(): TableLines | undefined {
    const { rows } = this.#encoder;
    if (rows === 0) return undefined;
    return { kind: 'rows', node: this.node, table: this.#table, rows, columns: this.#shape.columns, labels: this.#labels.names, body: this.#encoder.take() };
  }

  #column(name: string, columns: readonly string[]): string {
    const column = columnName(name);
    const same = (other: string) => columnName(other).toLowerCase() === column.toLowerCase();
    if (OWN_COLUMNS.some(same)) throw new Error(`column ${name} of node ${this.node} has the name of a column that every table has: rename it`);
    const other = columns.find((each) => each !== name && same(each));
    if (other !== undefined) throw new Error(`columns ${name} and ${other} of node ${this.node} would both be ${column} in QuestDB: rename one`);
    return column;
  }
}
