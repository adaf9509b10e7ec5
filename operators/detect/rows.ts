/** Rows that are judged, those of a series in their order: columns, as in a batch. */
export interface Rows {
  readonly length: number;
  /** ms since the epoch */
  readonly time: Float64Array;
  readonly slot: Uint32Array;
  readonly value: Float64Array;
}

/** A value for each of so many rows. */
export function column(rows: number): Float64Array {
  return new Float64Array(rows);
}
