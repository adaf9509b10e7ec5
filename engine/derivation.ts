import { NO_SLOT } from './series.js';

/** The array, or a copy that has room for this slot; what is new is NO_SLOT. */
export function withSlot(slots: Uint32Array<ArrayBuffer>, slot: number): Uint32Array<ArrayBuffer> {
  if (slot < slots.length) return slots;
  const grown = new Uint32Array(Math.max(256, 2 ** Math.ceil(Math.log2(slot + 1)))).fill(NO_SLOT);
  grown.set(slots);
  return grown;
}

/**
 * What the series of one input become at one node, by slot: one slot, none, or several. Filled by the
 * directory's announcements, read for every row.
 */
export class Derivation {
  /** Slot by slot; NO_SLOT where a series becomes nothing or several. */
  one = new Uint32Array(0);
  /** The slots of those that become several. */
  readonly many = new Map<number, number[]>();

  add(slot: number, derived: number): void {
    this.one = withSlot(this.one, slot);
    const many = this.many.get(slot);
    const one = this.one[slot]!;
    if (many !== undefined) {
      if (!many.includes(derived)) many.push(derived);
    } else if (one === NO_SLOT) this.one[slot] = derived;
    else if (one !== derived) {
      this.many.set(slot, [one, derived]);
      this.one[slot] = NO_SLOT;
    }
  }

  /** [slot, derived slot] of all. */
  *entries(): Generator<[number, number]> {
    for (let slot = 0; slot < this.one.length; slot++) if (this.one[slot] !== NO_SLOT) yield [slot, this.one[slot]!];
    for (const [slot, many] of this.many) for (const derived of many) yield [slot, derived];
  }

  remove(slot: number): void {
    if (slot < this.one.length) this.one[slot] = NO_SLOT;
    this.many.delete(slot);
  }
}
