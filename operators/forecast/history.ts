/**
 * The history of all series: for each the newest `buckets` buckets of `width` ms in which it had values,
 * as a ring of means, and the bucket that is being filled. O(1) a value.
 */
export interface History {
  /** Ring of bucket means, and of the mean times of their values. */
  readonly means: Float64Array;
  readonly times: Float64Array;
  /** Where the next bucket goes, and how many there are. */
  readonly next: Uint32Array;
  readonly count: Uint32Array;
  /** The bucket being filled: its number since the epoch, and what it holds. */
  readonly cell: Float64Array;
  readonly mean: Float64Array;
  readonly meanTime: Float64Array;
  readonly samples: Uint32Array;
}

/** Adds a value; values come in the order of time. */
export function remember(history: History, slot: number, time: number, value: number, buckets: number, width: number): void {
  const cell = Math.floor(time / width);
  if (history.samples[slot]! > 0 && history.cell[slot] !== cell) {
    const next = history.next[slot]!;
    history.means[slot * buckets + next] = history.mean[slot]!;
    history.times[slot * buckets + next] = history.meanTime[slot]!;
    history.next[slot] = (next + 1) % buckets;
    history.count[slot] = Math.min(buckets, history.count[slot]! + 1);
    history.samples[slot] = 0;
  }
  const samples = history.samples[slot]! + 1;
  const share = 1 / samples;
  history.samples[slot] = samples;
  history.cell[slot] = cell;
  history.mean[slot] = samples === 1 ? value : history.mean[slot]! + share * (value - history.mean[slot]!);
  history.meanTime[slot] = samples === 1 ? time : history.meanTime[slot]! + share * (time - history.meanTime[slot]!);
}
