import { BLOCK_SLOTS } from './limits.js';
import type { ColumnSpec, ColumnType, StateSchema } from './operator.js';

export type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

export const ARRAYS = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array } as const;

/** A column of state. */
export interface Layout {
  readonly name: string;
  readonly type: ColumnType;
  /** Values of a series, in all planes. */
  readonly per: number;
  readonly planes: number;
}

export function layout(schema: StateSchema): Layout[] {
  return Object.entries(schema).map(([name, spec]: [string, ColumnSpec]) => {
    if (typeof spec === 'string') return { name, type: spec, per: 1, planes: 1 };
    const { type, per, planes = 1 } = spec;
    return { name, type, per: per * planes, planes };
  });
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
  /**
   * By column without planes: how many blocks, in their order, are there in full, how many follow in which the same 8 bytes
   * come again and again, and so on. Of these only the 8 are there: when a window closes, and when that is looked at, is mostly the
   * same for all series of a block. Empty for a column with planes; not there in checkpoints of older versions.
   */
  readonly alike?: readonly (readonly number[])[];
  /** One array of bytes a column, in the order of `columns`: all blocks of it, one after the other. */
  readonly bytes: readonly Uint8Array[];
}

/** As whole numbers: -0 is not nothing. */
export const wordsOf = (column: Column): Uint8Array | Uint32Array => (column instanceof Uint8Array ? column : new Uint32Array(column.buffer, column.byteOffset, column.byteLength / 4));

/** Four bytes each; of a block there are sixteen, or a multiple, whatever the column. */
export const quadsOf = (column: Column): Int32Array => new Int32Array(column.buffer, column.byteOffset, column.byteLength / 4);

/** Values of a plane of a block. */
export const planeSize = ({ per, planes }: Layout): number => (BLOCK_SLOTS * per) / planes;

/** Eight at once: this looks at tens of megabytes while the shard stands still. */
export function isZero(quads: Int32Array, from: number, length: number): boolean {
  for (let at = from; at < from + length; at += 8) {
    if ((quads[at]! | quads[at + 1]! | quads[at + 2]! | quads[at + 3]! | quads[at + 4]! | quads[at + 5]! | quads[at + 6]! | quads[at + 7]!) !== 0) return false;
  }
  return true;
}

/** Whether the first two come again and again. */
function isRepeated(quads: Int32Array, from: number, length: number): boolean {
  const a = quads[from]!;
  const b = quads[from + 1]!;
  for (let at = from; at < from + length; at += 8) {
    if (((quads[at]! ^ a) | (quads[at + 1]! ^ b) | (quads[at + 2]! ^ a) | (quads[at + 3]! ^ b) | (quads[at + 4]! ^ a) | (quads[at + 5]! ^ b) | (quads[at + 6]! ^ a) | (quads[at + 7]! ^ b)) !== 0) return false;
  }
  return true;
}

/** See `SavedColumns.alike`. Only full blocks are. */
export function alikeOf(column: Column, { per }: Layout, blocks: readonly number[], used: readonly number[]): number[] {
  const quads = quadsOf(column);
  const size = (BLOCK_SLOTS * per * column.BYTES_PER_ELEMENT) / 4;
  const runs = new Runs();
  for (let i = 0; i < blocks.length; i++) runs.add(used[i] === BLOCK_SLOTS && isRepeated(quads, blocks[i]! * size, size));
  return runs.end();
}

/** Values in 8 bytes. */
export const shortOf = (column: Column): number => 8 / column.BYTES_PER_ELEMENT;

/** Values that are saved of a column without planes. */
export function valuesOf(used: readonly number[], per: number, short: number, alike: readonly number[]): number {
  let values = 0;
  let i = 0;
  for (const [r, length] of alike.entries()) for (const end = i + length; i < end; i++) values += r % 2 === 1 ? short : used[i]! * per;
  return values;
}

/** By block: 1 where its 8 bytes repeat. */
export function blocksAlike(alike: readonly number[], blocks: number): Uint8Array {
  const flags = new Uint8Array(blocks);
  let i = 0;
  for (const [r, length] of alike.entries()) flags.fill(r % 2, i, (i += length));
  return flags;
}

/** Lengths of runs of false and true in turn, beginning with false. */
export class Runs {
  readonly #runs: number[] = [];
  #now = false;
  #length = 0;

  add(next: boolean): void {
    if (next !== this.#now) {
      this.#runs.push(this.#length);
      this.#now = next;
      this.#length = 0;
    }
    this.#length += 1;
  }

  end(): number[] {
    return [...this.#runs, this.#length];
  }
}

/** What is there, as planes that lie one after the other in one block: the number of the first among all, and how many. */
export function* stretches(runs: readonly number[], planes: number): Generator<{ readonly first: number; readonly count: number }> {
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
