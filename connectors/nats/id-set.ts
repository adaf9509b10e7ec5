/** Slots of an empty set; a power of two, as are all its sizes. */
const FIRST_SLOTS = 1_024;

/**
 * Which ids there were, by 64 bits of each: 16 bytes an id, whatever its length. Two of a million different ids are taken for
 * one with a chance of 3 in 10⁸.
 */
export class IdSet {
  /** Two words a slot; both 0: empty. At most half of the slots are taken. */
  #words: Uint32Array;
  #size = 0;

  /** `expected`: ids that it takes without growing. */
  constructor(expected = 0) {
    let slots = FIRST_SLOTS;
    while (slots < 2 * expected) slots *= 2;
    this.#words = new Uint32Array(2 * slots);
  }

  get size(): number {
    return this.#size;
  }

  has({ low, high }: HashedId): boolean {
    const at = this.#find(low, high);
    return this.#words[at] !== 0 || this.#words[at + 1] !== 0;
  }

  add({ low, high }: HashedId): void {
    const at = this.#find(low, high);
    if (this.#words[at] !== 0 || this.#words[at + 1] !== 0) return;
    this.#words[at] = low;
    this.#words[at + 1] = high;
    this.#size += 1;
    if (4 * this.#size > this.#words.length) this.#grow();
  }

  /** Where it lies, or would. */
  #find(low: number, high: number): number {
    const words = this.#words;
    const last = words.length - 2;
    let at = (2 * low) & last;
    while ((words[at] !== low || words[at + 1] !== high) && (words[at] !== 0 || words[at + 1] !== 0)) at = (at + 2) & last;
    return at;
  }

  #grow(): void {
    const before = this.#words;
    this.#words = new Uint32Array(2 * before.length);
    for (let i = 0; i < before.length; i += 2) {
      const [low, high] = [before[i]!, before[i + 1]!];
      if (low === 0 && high === 0) continue;
      const at = this.#find(low, high);
      this.#words[at] = low;
      this.#words[at + 1] = high;
    }
  }
}

/** 64 bits of an id, never all 0; the same object is filled again and again. */
export class HashedId {
  low = 0;
  high = 0;

  /** Two hashes by multiplication and rotation, unlike each other in both, each spread over all its bits in the end. */
  of(id: string): this {
    let [low, high] = [id.length, ~id.length];
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i);
      low = Math.imul(((low << 7) | (low >>> 25)) ^ code, 0x9e3779b1);
      high = Math.imul(((high << 13) | (high >>> 19)) ^ code, 0x2c1b3c6d);
    }
    this.low = spread(low);
    this.high = spread(high) || 1;
    return this;
  }
}

function spread(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x297a2d39);
  return (h ^ (h >>> 16)) >>> 0;
}
