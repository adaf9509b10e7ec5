/** Samples of one series that wait at most; past it they are refused. 16 bytes each. */
export const MAX_WAITING = 16_384;
const FIRST_CAPACITY = 8;
const FIRST_SAMPLES = 1_024;

/**
 * Samples that wait, by slot, in order of time; of equal times in order of arrival. All of them lie in one array
 * (`cells`: time, value, time, value, ...), in stretches of 8, 16, 32 ... samples that are used again, so that a sample
 * allocates nothing.
 */
export class Waiting {
  /** May be replaced by `grow` and `insert`. */
  cells = new Float64Array(2 * FIRST_SAMPLES);
  /** By slot: the first sample of its stretch, how many it has and has room for. */
  #first = new Int32Array(0);
  #length = new Int32Array(0);
  #capacity = new Int32Array(0);
  /** Stretches free to be used again, by the logarithm of their capacity. */
  readonly #free: number[][] = [];
  /** Samples of `cells` that belong to stretches. */
  #used = 0;

  length(slot: number): number {
    return slot < this.#length.length ? this.#length[slot]! : 0;
  }

  /** Index in `cells` of the time of a slot's first sample. */
  first(slot: number): number {
    return 2 * this.#first[slot]!;
  }

  /** Time of sample `index` of a slot. */
  time(slot: number, index: number): number {
    return this.cells[2 * (this.#first[slot]! + index)]!;
  }

  /** Its room is used up. */
  isFull(slot: number): boolean {
    return slot < this.#length.length && this.#length[slot]! === this.#capacity[slot]! && this.#length[slot]! > 0;
  }

  /** Less than half of its room is free. */
  isCrowded(slot: number): boolean {
    return 2 * this.#length[slot]! > this.#capacity[slot]!;
  }

  /** Makes room for as many again; false at the bound. */
  grow(slot: number): boolean {
    const capacity = this.#capacity[slot]!;
    if (capacity === MAX_WAITING) return false;
    const from = this.first(slot);
    const to = this.#allocate(2 * capacity);
    this.cells.copyWithin(2 * to, from, from + 2 * this.#length[slot]!);
    this.#give(slot);
    this.#first[slot] = to;
    this.#capacity[slot] = 2 * capacity;
    return true;
  }

  /** Puts a sample in its place, which it returns. There must be room. */
  insert(slot: number, time: number, value: number): number {
    if (slot >= this.#length.length) this.#reserve(slot + 1);
    if (this.#capacity[slot] === 0) {
      this.#first[slot] = this.#allocate(FIRST_CAPACITY);
      this.#capacity[slot] = FIRST_CAPACITY;
    }
    const length = this.#length[slot]!;
    const first = 2 * this.#first[slot]!;
    const cells = this.cells;
    let at = first + 2 * length;
    for (; at > first && cells[at - 2]! > time; at -= 2) {
      cells[at] = cells[at - 2]!;
      cells[at + 1] = cells[at - 1]!;
    }
    cells[at] = time;
    cells[at + 1] = value;
    this.#length[slot] = length + 1;
    return (at - first) / 2;
  }

  /** The first `count` samples of a slot wait no more. */
  drop(slot: number, count: number): void {
    if (count === 0) return;
    const left = this.#length[slot]! - count;
    const first = this.first(slot);
    if (left > 0) this.cells.copyWithin(first, first + 2 * count, first + 2 * (count + left));
    else this.#give(slot);
    this.#length[slot] = left;
  }

  save(slot: number): Uint8Array | undefined {
    const length = this.length(slot);
    if (length === 0) return undefined;
    const first = this.first(slot);
    return new Uint8Array(this.cells.slice(first, first + 2 * length).buffer);
  }

  restore(slot: number, saved: Uint8Array): void {
    const samples = new Float64Array(new Uint8Array(saved).buffer);
    for (let i = 0; i < samples.length; i += 2) {
      if (this.isFull(slot)) this.grow(slot);
      this.insert(slot, samples[i]!, samples[i + 1]!);
    }
  }

  release(slot: number): void {
    this.drop(slot, this.length(slot));
  }

  /** A stretch of so many samples: its first. */
  #allocate(capacity: number): number {
    const free = this.#free[Math.log2(capacity)]?.pop();
    if (free !== undefined) return free;
    const first = this.#used;
    this.#used += capacity;
    if (2 * this.#used > this.cells.length) {
      const larger = new Float64Array(Math.max(2 * this.cells.length, 2 * this.#used));
      larger.set(this.cells);
      this.cells = larger;
    }
    return first;
  }

  /** Gives the stretch of a slot back. */
  #give(slot: number): void {
    (this.#free[Math.log2(this.#capacity[slot]!)] ??= []).push(this.#first[slot]!);
    this.#capacity[slot] = 0;
  }

  #reserve(slots: number): void {
    const size = Math.max(slots, 2 * this.#length.length, FIRST_SAMPLES);
    const larger = (of: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(size);
      array.set(of);
      return array;
    };
    this.#first = larger(this.#first);
    this.#length = larger(this.#length);
    this.#capacity = larger(this.#capacity);
  }
}
