import type { Sample } from '../../samples.js';
import type { WindowResult } from '../totals.js';

/** The windows of all series, in typed arrays. */
export interface Windows {
  /** Those that the last sample has closed. */
  readonly closed: readonly WindowResult[];
  add(sample: Sample): this;
  /** Closes all; the windows that had still been open. */
  end(): readonly WindowResult[];
}

export const NONE: readonly WindowResult[] = [];
