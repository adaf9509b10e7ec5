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
  /** Of each slot, side by side: the first sample of its stretch, how many samples wait there, and for how many there is room. */
  #stretches = new Int32Array(0);
  /** Stretches free to be used again, by the logarithm of their capacity. */
  readonly #free: number[][] = [];
  /** Samples of `cells` that belong to stretches. */
  #used = 0;

  length(slot: number): number {
    return 3 * slot < this.#stretches.length ? this.#stretches[3 * slot + 1]! : 0;
  }

  /** Index in `cells` of the time of a slot's first sample. */
  first(slot: number): number {
    return 2 * this.#stretches[3 * slot]!;
  }

  /** Time of sample `index` of a slot. */
  time(slot: number, index: number): number {
    return this.cells[2 * (this.#stretches[3 * slot]! + index)]!;
  }

  /** Its room is used up. */
  isFull(slot: number): boolean {
    const length = this.length(slot);
    return length > 0 && length === this.#stretches[3 * slot + 2]!;
  }

  /** Less than half of its room is free. */
  isCrowded(slot: number): boolean {
    return 2 * this.#stretches[3 * slot + 1]! > this.#stretches[3 * slot + 2]!;
  }

  /** Makes room for as many again; false at the bound. */
  grow(slot: number): boolean {
    const stretches = this.#stretches;
    const capacity = stretches[3 * slot + 2]!;
    if (capacity === MAX_WAITING) return false;
    const from = this.first(slot);
    const to = this.#allocate(2 * capacity);
    this.cells.copyWithin(2 * to, from, from + 2 * stretches[3 * slot + 1]!);
    this.#give(slot);
    stretches[3 * slot] = to;
    stretches[3 * slot + 2] = 2 * capacity;
    return true;
  }

  /** Puts a sample in its place, which it returns. There must be room. */
  insert(slot: number, time: number, value: number): number {
    if (3 * slot >= this.#stretches.length) this.#reserve(slot + 1);
    const stretches = this.#stretches;
    if (stretches[3 * slot + 2] === 0) {
      stretches[3 * slot] = this.#allocate(FIRST_CAPACITY);
      stretches[3 * slot + 2] = FIRST_CAPACITY;
    }
    const first = 2 * stretches[3 * slot]!;
    const { cells } = this;
    let at = first + 2 * stretches[3 * slot + 1]!;
    for (; at > first && cells[at - 2]! > time; at -= 2) {
      cells[at] = cells[at - 2]!;
      cells[at + 1] = cells[at - 1]!;
    }
    cells[at] = time;
    cells[at + 1] = value;
    stretches[3 * slot + 1]! += 1;
    return (at - first) >> 1;
  }

  /** The first `count` samples of a slot wait no more. */
  drop(slot: number, count: number): void {
    if (count === 0) return;
    const left = this.#stretches[3 * slot + 1]! - count;
    const first = this.first(slot);
    if (left > 0) this.cells.copyWithin(first, first + 2 * count, first + 2 * (count + left));
    else this.#give(slot);
    this.#stretches[3 * slot + 1] = left;
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
    (this.#free[Math.log2(this.#stretches[3 * slot + 2]!)] ??= []).push(this.#stretches[3 * slot]!);
    this.#stretches[3 * slot + 2] = 0;
  }

  #reserve(slots: number): void {
    const larger = new Int32Array(Math.max(3 * slots, 2 * this.#stretches.length, 3 * FIRST_SAMPLES));
    larger.set(this.#stretches);
    this.#stretches = larger;
  }
}
