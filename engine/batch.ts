import type { Time } from './clock.js';
import { jsonNumber } from './json-number.js';
import { BATCH_ROWS } from './limits.js';

/** Bits of `flags`. A stale row marks the end of its series (Prometheus' staleness marker); its value is NaN. */
export const STALE = 1;

/**
 * Columns of numbers: row `i` is `time[i]`, `slot[i]`, `value[i]`, `flags[i]` and the further columns
 * that operators added. Arrays may be longer than `length`. Read-only once emitted, shared by all
 * readers and borrowed for the length of a call: copy what you keep.
 */
export interface Batch<Column extends string = string> {
  length: number;
  /** ms since the epoch */
  readonly time: Float64Array;
  readonly slot: Uint32Array;
  readonly value: Float64Array;
  readonly flags: Uint8Array;
  readonly columns: Readonly<Record<Column, Float64Array>>;
}

/** A row by itself, `columns` in the order of some names. */
export interface Row {
  readonly time: Time;
  readonly slot: number;
  readonly value: number;
  readonly flags: number;
  readonly columns: readonly number[];
}

/** A row as JSON. */
export type SavedRow<Of extends Row> = Omit<Of, 'value' | 'columns'> & { readonly value: number | string; readonly columns: readonly (number | string)[] };

/** Appends a row to a batch that has room for it. */
export function appendRow(to: Batch, names: readonly string[], { time, slot, value, flags, columns }: Row): void {
  const i = to.length++;
  to.time[i] = time;
  to.slot[i] = slot;
  to.value[i] = value;
  to.flags[i] = flags;
  for (const [c, name] of names.entries()) to.columns[name]![i] = columns[c]!;
}

export function saveRow<Of extends Row>(row: Of): SavedRow<Of> {
  return { ...row, value: jsonNumber(row.value), columns: row.columns.map(jsonNumber) };
}

export function restoreRow<Of extends Row>(saved: SavedRow<Of>): Of {
  return { ...saved, value: Number(saved.value), columns: saved.columns.map(Number) } as unknown as Of;
}

/** Copies row `i` of a batch to the end of another that has room for it, in the slot given. */
export function copyRow(from: Batch, i: number, to: Batch, names: readonly string[], slot = from.slot[i]!): void {
  const n = to.length++;
  to.time[n] = from.time[i]!;
  to.slot[n] = slot;
  to.value[n] = from.value[i]!;
  to.flags[n] = from.flags[i]!;
  for (const name of names) to.columns[name]![n] = from.columns[name]![i]!;
}

/** A batch of its own memory, with room for `rows`. */
export function allocateBatch<Column extends string>(columns: readonly Column[], rows = BATCH_ROWS): Batch<Column> {
  const extra = {} as Record<Column, Float64Array>;
  for (const name of columns) extra[name] = new Float64Array(rows);
  return {
    length: 0,
    time: new Float64Array(rows),
    slot: new Uint32Array(rows),
    value: new Float64Array(rows),
    flags: new Uint8Array(rows),
    columns: extra,
  };
}
