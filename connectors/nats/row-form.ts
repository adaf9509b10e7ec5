import type { Batch } from '../../engine/batch.js';
import type { Names } from '../../engine/operator.js';

/** Gathers rows of one node into one payload. */
export interface RowForm {
  readonly contentType: string;
  /** Adds row `i`; 'full': take first what is there; 'unwritable': this form has no way to write its series. */
  add(batch: Batch, names: Names, i: number): 'added' | 'full' | 'unwritable';
  /** Undefined where nothing waits. */
  take(): { readonly payload: Uint8Array; readonly id: string } | undefined;
}

/** What a column of a row is called where it stands by itself, as the decoder of line protocol calls it. */
export function columnName(metric: string, column: string): string {
  return `${metric}_${column}`;
}
