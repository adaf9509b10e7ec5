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
