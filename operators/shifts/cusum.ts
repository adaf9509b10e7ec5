/**
 * Cumulative sums of standardised deviations in both directions (Page, Continuous inspection schemes, Biometrika 41, 1954): how
 * much evidence there is that the mean of the deviations is no longer 0. Of all tests with as few false alarms it is
 * the quickest for the shift it is tuned to (Lorden, Ann. Math. Stat. 42, 1971). O(1).
 */
export interface Cusum {
  /** Two at each place: for deviations above and below. */
  readonly sums: Float64Array;
  /** Values since each was 0. */
  readonly lengths: Uint32Array;
}

/** Half of the shift it is tuned to, in standard deviations: deviations smaller than this count as none. */
export const SLACK = 0.5;

export const UP: number = 0;
export const DOWN: number = 1;

export function add({ sums, lengths }: Cusum, place: number, deviation: number): void {
  for (let side = UP; side <= DOWN; side++) {
    const at = 2 * place + side;
    const sum = Math.max(0, sums[at]! + (side === UP ? deviation : -deviation) - SLACK);
    sums[at] = sum;
    lengths[at] = sum === 0 ? 0 : Math.min(lengths[at]! + 1, 0xfffffffe);
  }
}

export function reset({ sums, lengths }: Cusum, place: number): void {
  sums.fill(0, 2 * place, 2 * place + 2);
  lengths.fill(0, 2 * place, 2 * place + 2);
}
