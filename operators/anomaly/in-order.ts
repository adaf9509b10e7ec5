import { allocateBatch, STALE, type Batch } from '../../engine/batch.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import type { Columns, Output } from '../../engine/operator.js';

/** Of operators that follow a series by its own time: time of the last row that was followed, if any was. 9 bytes. */
export const orderColumns = { last: 'f64', followed: 'u8' } as const;

/** Larger values overflow when squared. */
const LARGEST = 1e150;

/** Not NaN or infinite, and not so large that its square is. */
export function isBounded(value: number): boolean {
  return Math.abs(value) <= LARGEST;
}

/** Whether a row has a value to judge: no stale marker, and a bounded one. */
export function isJudged(batch: Batch, i: number): boolean {
  return (batch.flags[i]! & STALE) === 0 && isBounded(batch.value[i]!);
}

/** Hands rows that are older than the last one of their series to `late`; those of equal time are followed in their order. */
export class InOrder {
  readonly #isFollowed: (batch: Batch, i: number) => boolean;
  #isLate = new Uint8Array(BATCH_ROWS);

  /** `isFollowed`: rows that move their series on. */
  constructor(isFollowed: (batch: Batch, i: number) => boolean = isJudged) {
    this.#isFollowed = isFollowed;
  }

  /** The rows that are not late, with all their columns; undefined: there are none. */
  take(batch: Batch, { last, followed }: Columns<typeof orderColumns>, out: Output): Batch | undefined {
    if (this.#isLate.length < batch.length) this.#isLate = new Uint8Array(batch.length);
    let late = 0;
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      const time = batch.time[i]!;
      const isLate = followed[slot] === 1 && time < last[slot]!;
      this.#isLate[i] = isLate ? 1 : 0;
      if (isLate) {
        out.late(batch, i, 'late');
        late += 1;
      } else if (this.#isFollowed(batch, i)) {
        last[slot] = time;
        followed[slot] = 1;
      }
    }
    if (late === 0) return batch;
    return late === batch.length ? undefined : this.#others(batch);
  }

  #others(batch: Batch): Batch {
    const names = Object.keys(batch.columns);
    const rows = allocateBatch(names, batch.length);
    for (let i = 0; i < batch.length; i++) {
      if (this.#isLate[i] === 1) continue;
      const n = rows.length++;
      rows.time[n] = batch.time[i]!;
      rows.slot[n] = batch.slot[i]!;
      rows.value[n] = batch.value[i]!;
      rows.flags[n] = batch.flags[i]!;
      for (const name of names) rows.columns[name]![n] = batch.columns[name]![i]!;
    }
    return rows;
  }
}
