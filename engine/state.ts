import { BLOCK_SHIFT, BLOCK_SLOTS } from './limits.js';
import { placeIn, type Columns, type StateSchema } from './operator.js';
import { ARRAYS, alikeOf, blocksAlike, isZero, layout, planeSize, quadsOf, Runs, shortOf, stretches, valuesOf, wordsOf, type Column, type Layout, type SavedColumns } from './saved-columns.js';

/** The timers, as a column without a name. */
const TIMERS: Layout = { name: '', type: 'f64', per: 1, planes: 1 };

/** Bytes that the columns of one series take, with its timer. */
export function bytesOf(schema: StateSchema): number {
  return layout(schema).reduce((sum, { type, per }) => sum + ARRAYS[type].BYTES_PER_ELEMENT * per, 8);
}

/** Of memory that is used again for saves: series come, and the next save is somewhat longer. */
const SLACK = 1.125;

/**
 * The state of all series of one node on one shard: columns by slot, and the timers.
 *
 * Capacity grows sixteenfold: a copy is then at most a sixteenth of the new size, and the operating
 * system gives memory to a page only when it is first touched, so unused slots cost nothing.
 */
export class State {
  readonly columns: Columns<StateSchema>;
  readonly #layout: readonly Layout[];
  #capacity = 0;
  /** When each slot's timer is due; 0: no timer. */
  timers = new Float64Array(0);
  /** The earliest timer of each block. */
  #due = new Float64Array(0);
  /** The earliest timer of all; may be earlier than the truth, never later. */
  #next = Infinity;
  /** Blocks before it have no timer that this watermark has reached. */
  #searched = 0;
  #searchedFor = -Infinity;
  /** See `reusesMemory`; by column. */
  readonly #memory: (SharedArrayBuffer | undefined)[] = [];
  /**
   * A save goes into the memory of the one before, which nobody reads any more when the next is made. It is shared, so
   * that it can be handed over and kept. Memory that was never touched costs ten times the copy.
   */
  reusesMemory = false;

  constructor(schema: StateSchema) {
    this.#layout = layout(schema);
    const columns: Record<string, Column> = {};
    for (const { name, type } of this.#layout) columns[name] = new ARRAYS[type](0);
    this.columns = columns;
  }

  get blocks(): number {
    return this.#capacity >> BLOCK_SHIFT;
  }

  /** Makes room for slots below `slots`. */
  grow(slots: number): void {
    if (slots <= this.#capacity) return;
    let capacity = Math.max(this.#capacity, 4 * BLOCK_SLOTS);
    while (capacity < slots) capacity *= 16;
    const columns = this.columns as Record<string, Column>;
    for (const { name, type, per } of this.#layout) {
      const grown = new ARRAYS[type](capacity * per);
      grown.set(columns[name]!);
      columns[name] = grown;
    }
    const timers = new Float64Array(capacity);
    timers.set(this.timers);
    this.timers = timers;
    const due = new Float64Array(capacity >> BLOCK_SHIFT).fill(Infinity);
    due.set(this.#due);
    this.#due = due;
    this.#capacity = capacity;
  }

  /** Sets the timer of a slot; `Infinity` cancels it. */
  wake(slot: number, time: number): void {
    if (time === Infinity) {
      this.timers[slot] = 0;
      return;
    }
    this.timers[slot] = time === 0 ? ZERO : time;
    const block = slot >> BLOCK_SHIFT;
    if (time < this.#due[block]!) this.#due[block] = time;
    if (time < this.#next) this.#next = time;
    if (block < this.#searched) this.#searched = block;
  }

  /** The first block with a timer that `watermark` may have reached, or -1. */
  dueBlock(watermark: number): number {
    // At the end the watermark is infinite, and so is the due time of a block without a timer.
    if (this.#next > watermark || this.#next === Infinity) return -1;
    if (watermark !== this.#searchedFor) {
      this.#searchedFor = watermark;
      this.#searched = 0;
    }
    const due = this.#due;
    for (let b = this.#searched; b < due.length; b++) {
      if (!this.isDue(b, watermark)) continue;
      this.#searched = b;
      return b;
    }
    let next = Infinity;
    for (let b = 0; b < due.length; b++) if (due[b]! < next) next = due[b]!;
    this.#next = next;
    return -1;
  }

  isDue(block: number, watermark: number): boolean {
    const due = this.#due[block];
    return due !== undefined && due <= watermark && due !== Infinity;
  }

  /**
   * Clears the due timers of a block and gives their slots (`into`) and times; what remains sets the
   * block's own due time. Returns how many were due.
   */
  takeDue(block: number, watermark: number, slots: Uint32Array, times: Float64Array): number {
    const timers = this.timers;
    let count = 0;
    let next = Infinity;
    const from = block << BLOCK_SHIFT;
    for (let slot = from; slot < from + BLOCK_SLOTS; slot++) {
      if (timers[slot] === 0) continue;
      const time = timeOf(timers[slot]!);
      if (time <= watermark) {
        slots[count] = slot;
        times[count] = time;
        count += 1;
        timers[slot] = 0;
      } else if (time < next) next = time;
    }
    this.#due[block] = next;
    return count;
  }

  /** A series has expired: its columns are zero again, its timer gone. */
  clear(slot: number): void {
    if (slot >= this.#capacity) return;
    const columns = this.columns as Record<string, Column>;
    for (const { name, per, planes } of this.#layout) {
      const width = per / planes;
      for (let plane = 0; plane < planes; plane++) {
        const at = placeIn(slot, plane, planes) * width;
        columns[name]!.fill(0, at, at + width);
      }
    }
    this.timers[slot] = 0;
  }

  /**
   * A copy of these blocks: what runs on after the barrier does not touch it. Few series in many
   * partitions fill a slot or two of each block, and most nodes have none of most series: that costs little.
   */
  save(blocks: readonly number[]): SavedColumns {
    const kept = blocks.filter((block) => block < this.blocks);
    const used = this.#used(kept);
    const columns = this.columns as Record<string, Column>;
    const parts = [...this.#layout.map((of) => ({ of, column: columns[of.name]! })), { of: TIMERS, column: this.timers }];
    const alike = parts.map(({ of, column }) => (of.planes === 1 ? alikeOf(column, of, kept, used) : []));
    const copies = parts.map(({ of, column }, c) => (of.planes === 1 ? { runs: [], bytes: this.#copyBlocks(c, column, of.per, kept, used, alike[c]!) } : this.#copyPlanes(c, column, of, kept)));
    return { columns: parts.map(({ of }) => of), blocks: kept, used, runs: copies.map(({ runs }) => runs), alike, bytes: copies.map(({ bytes }) => bytes) };
  }

  #copyBlocks(c: number, column: Column, per: number, blocks: readonly number[], used: readonly number[], alike: readonly number[]): Uint8Array {
    const short = shortOf(column);
    const saved = this.#room(c, column, valuesOf(used, per, short, alike));
    let at = 0;
    let i = 0;
    for (const [r, length] of alike.entries()) {
      const end = i + length;
      while (i < end) {
        const from = blocks[i]! * BLOCK_SLOTS * per;
        if (r % 2 === 1) {
          for (let k = 0; k < short; k++) saved[at + k] = column[from + k]!;
          at += short;
          i += 1;
          continue;
        }
        // Neighbouring full blocks are copied together: one shard alone owns them all.
        let n = 1;
        while (i + n < end && used[i + n - 1] === BLOCK_SLOTS && blocks[i + n] === blocks[i]! + n) n += 1;
        const count = ((n - 1) * BLOCK_SLOTS + used[i + n - 1]!) * per;
        saved.set(column.subarray(from, from + count) as Float64Array, at);
        at += count;
        i += n;
      }
    }
    return new Uint8Array(saved.buffer, 0, saved.byteLength);
  }

  /** Copies what is not zero as soon as it has looked at it: what comes from memory comes once. There is room for all; what is not used of it stays untouched. */
  #copyPlanes(c: number, column: Column, of: Layout, blocks: readonly number[]): { runs: number[]; bytes: Uint8Array } {
    const size = planeSize(of);
    const saved = this.#room(c, column, blocks.length * of.planes * size);
    const quads = quadsOf(column);
    const quadsEach = (size * column.BYTES_PER_ELEMENT) / 4;
    const runs = new Runs();
    let at = 0;
    for (const block of blocks) {
      for (let plane = block * of.planes; plane < (block + 1) * of.planes; plane++) {
        const isThere = !isZero(quads, plane * quadsEach, quadsEach);
        runs.add(isThere);
        if (!isThere) continue;
        copyPlane(column, plane * size, size, saved, at);
        at += size;
      }
    }
    const length = at * column.BYTES_PER_ELEMENT;
    return { runs: runs.end(), bytes: this.reusesMemory ? new Uint8Array(saved.buffer, 0, length) : new Uint8Array(saved.buffer.slice(0, length)) };
  }

  /** For a copy of so many values of a column. */
  #room(c: number, column: Column, values: number): Float64Array {
    return new (column.constructor as new (memory: ArrayBuffer | SharedArrayBuffer, offset: number, length: number) => Float64Array)(this.#memoryFor(c, values * column.BYTES_PER_ELEMENT), 0, values);
  }

  #memoryFor(c: number, bytes: number): ArrayBuffer | SharedArrayBuffer {
    if (!this.reusesMemory) return new ArrayBuffer(bytes);
    const before = this.#memory[c];
    if (before !== undefined && before.byteLength >= bytes) return before;
    return (this.#memory[c] = new SharedArrayBuffer(8 * Math.ceil((SLACK * bytes) / 8)));
  }

  /** Slots of each block up to its last that is not all zero. Of a full block it looks at a few numbers, of an empty one at all. */
  #used(blocks: readonly number[]): number[] {
    const columns = this.columns as Record<string, Column>;
    const used = blocks.map(() => 0);
    for (const { name, per, planes } of [...this.#layout, TIMERS]) {
      if (planes > 1) continue;
      const column = name === '' ? this.timers : columns[name]!;
      const words = wordsOf(column);
      const width = (words.length / column.length) * per;
      for (const [i, block] of blocks.entries()) {
        const first = block * BLOCK_SLOTS;
        const least = (first + used[i]!) * width;
        let at = (first + BLOCK_SLOTS) * width - 1;
        while (at >= least && words[at] === 0) at -= 1;
        if (at >= least) used[i] = Math.floor(at / width) - first + 1;
      }
    }
    return used;
  }

  /**
   * Takes back those of the saved blocks that `owns` says; columns by name: one that is new stays zero, one
   * that is gone is left out. Throws where a column changed its type or width.
   */
  restore(saved: SavedColumns, owns: (block: number) => boolean): void {
    const columns = this.columns as Record<string, Column>;
    const before = this.blocks;
    for (const [c, { name, type, per, planes }] of saved.columns.entries()) {
      const own = name === '' ? TIMERS : this.#layout.find((l) => l.name === name);
      if (own === undefined) continue;
      if (own.type !== type || own.per !== per || own.planes !== planes) throw new Error(`column ${name} was saved as ${shapeOf({ type, per, planes })} and is now ${shapeOf(own)}`);
      const bytes = saved.bytes[c]!;
      const values = new ARRAYS[type](bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / ARRAYS[type].BYTES_PER_ELEMENT) as Float64Array;
      if (planes > 1) {
        this.#restorePlanes(name, own, saved, c, values, owns, before);
        continue;
      }
      const alike = blocksAlike(saved.alike?.[c] ?? [], saved.blocks.length);
      const short = shortOf(values);
      let at = 0;
      for (const [i, block] of saved.blocks.entries()) {
        const from = at;
        at += alike[i] === 1 ? short : saved.used[i]! * per;
        if (!owns(block)) continue;
        this.grow((block + 1) * BLOCK_SLOTS);
        const column = name === '' ? this.timers : columns[name]!;
        const slot = block * BLOCK_SLOTS;
        if (alike[i] === 1) for (let k = 0; k < BLOCK_SLOTS * per; k++) column[slot * per + k] = values[from + (k % short)]!;
        else column.set(values.subarray(from, at), slot * per);
        // Memory that is new is zero, and stays untouched.
        if (block < before) column.fill(0, (slot + saved.used[i]!) * per, (slot + BLOCK_SLOTS) * per);
        if (name !== '') continue;
        for (let slot = block * BLOCK_SLOTS; slot < (block + 1) * BLOCK_SLOTS; slot++) if (this.timers[slot] !== 0) this.wake(slot, timeOf(this.timers[slot]!));
      }
    }
  }

  #restorePlanes(name: string, of: Layout, saved: SavedColumns, c: number, values: Float64Array, owns: (block: number) => boolean, before: number): void {
    for (const block of saved.blocks) {
      if (!owns(block)) continue;
      this.grow((block + 1) * BLOCK_SLOTS);
      // Memory that is new is zero, and stays untouched.
      if (block < before) (this.columns as Record<string, Column>)[name]!.fill(0, block * BLOCK_SLOTS * of.per, (block + 1) * BLOCK_SLOTS * of.per);
    }
    const column = (this.columns as Record<string, Column>)[name]!;
    const size = planeSize(of);
    let at = 0;
    for (const { first, count } of stretches(saved.runs[c]!, of.planes)) {
      const from = at;
      at += count * size;
      const block = saved.blocks[Math.floor(first / of.planes)]!;
      if (owns(block)) column.set(values.subarray(from, at), (block * of.planes + (first % of.planes)) * size);
    }
  }
}

/** A loop, as a view for each of so many short pieces costs more than it copies. */
function copyPlane(column: Column, from: number, size: number, to: Column, at: number): void {
  if (column instanceof Float64Array) copyNumbers(column, from, size, to as Float64Array, at);
  else to.set(column.subarray(from, from + size), at);
}
function copyNumbers(column: Float64Array, from: number, size: number, to: Float64Array, at: number): void {
  for (let k = 0; k < size; k++) to[at + k] = column[from + k]!;
}

/** 0 stands for no timer, so the first millisecond of 1970 is told from it by the smallest number. */
const ZERO = Number.MIN_VALUE;
const timeOf = (timer: number): number => (timer === ZERO ? 0 : timer);

const shapeOf = ({ type, per, planes }: Omit<Layout, 'name'>): string => `${per} x ${type}${planes === 1 ? '' : ` in ${planes} planes`}`;
