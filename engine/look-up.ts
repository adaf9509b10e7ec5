import { allocateBatch, copyRow, type Batch } from './batch.js';
import type { Derivation } from './derivation.js';
import { NO_SLOT } from './series.js';

/** Turns the slots of rows into those that their series have at one input of a node. */
export class LookUp {
  #out: Batch | undefined;

  /** The rows whose series become something, with its slots; the same batch where none changes, else one that the next call overwrites. */
  apply(batch: Batch, derivation: Derivation): Batch {
    const { one, many } = derivation;
    let same = many.size === 0;
    for (let i = 0; same && i < batch.length; i++) same = one[batch.slot[i]!] === batch.slot[i];
    if (same) return batch;
    const columns = Object.keys(batch.columns);
    let out = this.#out ?? allocateBatch(columns);
    out.length = 0;
    const take = (i: number, slot: number): void => {
      if (out.length === out.time.length) out = grown(out, columns);
      copyRow(batch, i, out, columns, slot);
    };
    for (let i = 0; i < batch.length; i++) {
      const slot = one[batch.slot[i]!] ?? NO_SLOT;
      if (slot !== NO_SLOT) take(i, slot);
      else for (const several of many.get(batch.slot[i]!) ?? []) take(i, several);
    }
    this.#out = out;
    return out;
  }
}

function grown(batch: Batch, columns: readonly string[]): Batch {
  const wide = allocateBatch(columns, batch.time.length * 2);
  wide.length = batch.length;
  wide.time.set(batch.time);
  wide.slot.set(batch.slot);
  wide.value.set(batch.value);
  wide.flags.set(batch.flags);
  for (const name of columns) wide.columns[name]!.set(batch.columns[name]!);
  return wide;
}
