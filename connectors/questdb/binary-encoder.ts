import { KNOWN_BYTES, RECORD_BYTES } from './limits.js';
import { DOUBLE, escaped } from './line.js';
import { microseconds, type RowEncoder, type TableShape } from './row-encoder.js';
import { symbolsOf } from './series-symbols.js';

/** Times are written as two numbers of this many digits, which are 32-bit integers. */
const HALF = 100_000_000;

/** Bytes of a time with what is around it. */
const TIME_BYTES = 32;

/** Bytes are copied by words of four: so many more than there are. */
const OVER = 3;

/** A series whose text can't be written. */
const REFUSED = -1;

/**
 * Encodes as the client does, byte for byte, but a row is the bytes of its series, copied, its numbers, and its time, copied where
 * the row before has the same: no call, string or object for each.
 */
export class BinaryEncoder implements RowEncoder {
  readonly #shape: TableShape;
  /** `,name==` and the mark of a double, of each column. */
  readonly #names: readonly Uint8Array[];
  readonly #fixed: number;
  #bytes = new Uint8Array(RECORD_BYTES + RECORD_BYTES / 4);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Of the newest row: its time, and where that lies with what is around it; NaN where there is none. */
  #time = Number.NaN;
  #timeAt = 0;
  rows = 0;
  /** What rows of a series begin with, up to the value: by slot, where it lies in `#heads` and its length. */
  #heads = new Uint8Array(64 * 1024);
  #headsView = new DataView(this.#heads.buffer);
  #headsEnd = 0;
  #texts: (string | undefined)[] = [];
  #head = new Int32Array(1024);
  #length = new Int32Array(1024);

  constructor(shape: TableShape) {
    this.#shape = shape;
    this.#names = shape.columns.map((column) => Buffer.concat([Buffer.from(`,${escaped(column)}=`), DOUBLE]));
    this.#fixed = this.#names.reduce((sum, name) => sum + name.length + 8, 8 + TIME_BYTES + OVER);
  }

  get bytes(): number {
    return this.#at;
  }

  add(slot: number, series: string, time: number, value: number, columns: readonly (Float64Array | undefined)[], i: number): boolean {
    if (this.#texts[slot] !== series) this.#learn(slot, series);
    const head = this.#head[slot]!;
    if (head === REFUSED) return false;
    const length = this.#length[slot]!;
    if (this.#at + length + this.#fixed > this.#bytes.length) this.#grow(length + this.#fixed);
    const bytes = this.#bytes;
    const view = this.#view;
    const heads = this.#headsView;
    let at = this.#at;
    for (let k = 0; k < length; k += 4) view.setInt32(at + k, heads.getInt32(head + k));
    at += length;
    view.setFloat64(at, value, true);
    at += 8;
    for (let k = 0; k < this.#names.length; k++) {
      const number = columns[k]?.[i] ?? Number.NaN;
      if (Number.isNaN(number)) continue;
      const name = this.#names[k]!;
      for (let j = 0; j < name.length; j++) bytes[at + j] = name[j]!;
      at += name.length;
      view.setFloat64(at, number, true);
      at += 8;
    }
    if (time === this.#time) {
      const from = this.#timeAt;
      // The row before ends with it.
      const size = this.#at - from;
      for (let k = 0; k < size; k += 4) view.setInt32(at + k, view.getInt32(from + k));
      this.#timeAt = at;
      at += size;
    } else {
      this.#time = time;
      this.#timeAt = at;
      bytes[at++] = SPACE;
      at = this.#writeInteger(microseconds(time), at);
      bytes[at++] = MICROSECONDS;
      bytes[at++] = NEWLINE;
    }
    this.#at = at;
    this.rows += 1;
    return true;
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    this.#time = Number.NaN;
    this.rows = 0;
    return taken;
  }

  #writeInteger(number: number, from: number): number {
    let at = from;
    let left = number;
    if (left < 0) {
      this.#bytes[at++] = MINUS;
      left = -left;
    }
    if (left >= HALF * HALF) return this.#writeDigits(BigInt(left).toString(), at);
    const high = Math.floor(left / HALF);
    return this.#writeHalf(left - high * HALF, high > 0 ? this.#writeHalf(high, at, 1) : at, high > 0 ? 8 : 1);
  }

  /** At least so many digits. */
  #writeHalf(number: number, at: number, least: number): number {
    let digits = least;
    for (let power = 10 ** least; digits < 8 && power <= number; power *= 10) digits += 1;
    let left = number;
    for (let k = digits - 1; k >= 0; k--) {
      const rest = (left / 10) | 0;
      this.#bytes[at + k] = ZERO + left - rest * 10;
      left = rest;
    }
    return at + digits;
  }

  #writeDigits(digits: string, at: number): number {
    for (let k = 0; k < digits.length; k++) this.#bytes[at + k] = digits.charCodeAt(k);
    return at + digits.length;
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #learn(slot: number, series: string): void {
    const symbols = symbolsOf(series, this.#shape.labels);
    const head = symbols === undefined ? new Uint8Array() : Buffer.concat([Buffer.from(`${escaped(this.#shape.table)}${symbols.map(([column, value]) => `,${escaped(column)}=${escaped(value)}`).join('')} value=`), DOUBLE]);
    if (this.#headsEnd + head.length > KNOWN_BYTES) {
      // They are found out again as they come.
      this.#texts = [];
      this.#headsEnd = 0;
    }
    const end = this.#headsEnd + head.length + OVER;
    if (end > this.#heads.length) {
      const grown = new Uint8Array(Math.max(this.#heads.length * 2, end));
      grown.set(this.#heads.subarray(0, this.#headsEnd));
      this.#heads = grown;
      this.#headsView = new DataView(grown.buffer);
    }
    if (slot >= this.#head.length) {
      const size = 2 ** Math.ceil(Math.log2(slot + 1));
      this.#head = withRoom(this.#head, size);
      this.#length = withRoom(this.#length, size);
    }
    this.#heads.set(head, this.#headsEnd);
    this.#texts[slot] = series;
    this.#head[slot] = symbols === undefined ? REFUSED : this.#headsEnd;
    this.#length[slot] = head.length;
    this.#headsEnd += head.length;
  }
}

function withRoom(numbers: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(size);
  grown.set(numbers);
  return grown;
}

const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const NEWLINE = 0x0a;
const MICROSECONDS = 0x74;
