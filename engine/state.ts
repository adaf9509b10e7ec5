import { BLOCK_SHIFT, BLOCK_SLOTS } from './limits.js';
import { placeIn, type Columns, type ColumnSpec, type ColumnType, type StateSchema } from './operator.js';

type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

const ARRAYS = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array } as const;

interface Layout {
  readonly name: string;
  readonly type: ColumnType;
  /** Values of a series, in all planes. */
  readonly per: number;
  readonly planes: number;
}

function layout(schema: StateSchema): Layout[] {
  return Object.entries(schema).map(([name, spec]: [string, ColumnSpec]) => {
    if (typeof spec === 'string') return { name, type: spec, per: 1, planes: 1 };
    const { type, per, planes = 1 } = spec;
    return { name, type, per: per * planes, planes };
  });
}

/** The timers, as a column without a name. */
const TIMERS: Layout = { name: '', type: 'f64', per: 1, planes: 1 };

/** Bytes that the columns of one series take, with its timer. */
export function bytesOf(schema: StateSchema): number {
  return layout(schema).reduce((sum, { type, per }) => sum + ARRAYS[type].BYTES_PER_ELEMENT * per, 8);
}

/** Columns of one node as saved: by block, each column's values in a row. */
export interface SavedColumns {
  readonly columns: readonly Layout[];
  /** Ids of the blocks, in order of their values, and how many slots of each are there: those after them are all zero. */
  readonly blocks: readonly number[];
  readonly used: readonly number[];
  /**
   * By column with planes, of which most may be in use by no series of a block: how many planes, block by block, are left
   * out as all zero, how many follow that are there, and so on. Empty for a column without.
   */
  readonly runs: readonly (readonly number[])[];
  /** One array of bytes a column, in the order of `columns`: all blocks of it, one after the other. */
  readonly bytes: readonly Uint8Array[];
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
    const slots = used.reduce((sum, each) => sum + each, 0);
    const columns = this.columns as Record<string, Column>;
    const parts = [...this.#layout.map((of) => ({ of, column: columns[of.name]! })), { of: TIMERS, column: this.timers }];
    const runs = parts.map(({ of, column }) => (of.planes === 1 ? [] : runsOf(column, of, kept)));
    return {
      columns: parts.map(({ of }) => of),
      blocks: kept,
      used,
      runs,
      bytes: parts.map(({ of, column }, c) => (of.planes === 1 ? this.#copyBlocks(c, column, of.per, kept, used, slots) : this.#copyPlanes(c, column, of, kept, runs[c]!))),
    };
  }

  #copyBlocks(c: number, column: Column, per: number, blocks: readonly number[], used: readonly number[], slots: number): Uint8Array {
    const saved = this.#room(c, column, slots * per);
    let at = 0;
    for (let i = 0; i < blocks.length; ) {
      // Neighbouring full blocks are copied together: one shard alone owns them all.
      let n = 1;
      while (i + n < blocks.length && used[i + n - 1] === BLOCK_SLOTS && blocks[i + n] === blocks[i]! + n) n += 1;
      const count = (n - 1) * BLOCK_SLOTS + used[i + n - 1]!;
      const from = blocks[i]! * BLOCK_SLOTS;
      saved.set(column.subarray(from * per, (from + count) * per) as Float64Array, at * per);
      at += count;
      i += n;
    }
    return new Uint8Array(saved.buffer, 0, saved.byteLength);
  }

  #copyPlanes(c: number, column: Column, of: Layout, blocks: readonly number[], runs: readonly number[]): Uint8Array {
    const size = planeSize(of);
    let present = 0;
    for (let r = 1; r < runs.length; r += 2) present += runs[r]!;
    const saved = this.#room(c, column, present * size);
    let at = 0;
    for (const { first, count } of stretches(runs, of.planes)) {
      const from = (blocks[Math.floor(first / of.planes)]! * of.planes + (first % of.planes)) * size;
      saved.set(column.subarray(from, from + count * size) as Float64Array, at);
      at += count * size;
    }
    return new Uint8Array(saved.buffer, 0, saved.byteLength);
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
      let at = 0;
      for (const [i, block] of saved.blocks.entries()) {
        const from = at;
        at += saved.used[i]!;
        if (!owns(block)) continue;
        this.grow((block + 1) * BLOCK_SLOTS);
        const column = name === '' ? this.timers : columns[name]!;
        const slot = block * BLOCK_SLOTS;
        column.set(values.subarray(from * per, at * per), slot * per);
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

/** As whole numbers: -0 is not nothing. */
const wordsOf = (column: Column): Uint8Array | Uint32Array => (column instanceof Uint8Array ? column : new Uint32Array(column.buffer, column.byteOffset, column.byteLength / 4));

/** Values of a plane of a block. */
const planeSize = ({ per, planes }: Layout): number => (BLOCK_SLOTS * per) / planes;

/** See `SavedColumns.runs`. Of a plane in use it mostly looks at one number. */
function runsOf(column: Column, of: Layout, blocks: readonly number[]): number[] {
  const words = wordsOf(column);
  const size = planeSize(of) * (words.length / column.length);
  const runs: number[] = [];
  let present = false;
  let length = 0;
  for (const block of blocks) {
    for (let plane = 0; plane < of.planes; plane++) {
      const end = (block * of.planes + plane + 1) * size;
      let at = end - size;
      while (at < end && words[at] === 0) at += 1;
      if (at < end !== present) {
        runs.push(length);
        present = !present;
        length = 0;
      }
      length += 1;
    }
  }
  runs.push(length);
  return runs;
}

/** What is there, as planes that lie one after the other in one block: the number of the first among all, and how many. */
function* stretches(runs: readonly number[], planes: number): Generator<{ readonly first: number; readonly count: number }> {
  let plane = 0;
  for (const [r, length] of runs.entries()) {
    const end = plane + length;
    while (plane < end) {
      const count = Math.min(end, (Math.floor(plane / planes) + 1) * planes) - plane;
      if (r % 2 === 1) yield { first: plane, count };
      plane += count;
    }
  }
}

/** 0 stands for no timer, so the first millisecond of 1970 is told from it by the smallest number. */
const ZERO = Number.MIN_VALUE;
const timeOf = (timer: number): number => (timer === ZERO ? 0 : timer);

const shapeOf = ({ type, per, planes }: Omit<Layout, 'name'>): string => `${per} x ${type}${planes === 1 ? '' : ` in ${planes} planes`}`;
