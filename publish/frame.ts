import type { PublishedSeries } from './series.js';

/** Length of a frame before its dictionary; of a row at most. */
export const HEADER_BYTES = 56;
export const ROW_BYTES = 21;

/** Rows that become one frame. Arrays may be longer than `length`. */
export interface Rows {
  length: number;
  readonly time: Float64Array;
  readonly value: Float64Array;
  readonly flags: Uint8Array;
  readonly series: PublishedSeries[];
}

/** Writes frames as docs/columnar-frame.md has them, and keeps the dictionary they refer to. */
export class FrameEncoder {
  readonly #publisher: Uint8Array;
  readonly #hex: string;
  readonly #framesPerDictionary: number;
  readonly #maxEntries: number;
  /** Numbers of the next frame, and of that which began the dictionary; entries announced in it. */
  #number = 0;
  #dictionary = -1;
  #entries = 0;

  /** `framesPerDictionary`: frames that refer to one dictionary; past `maxEntries` the next frame begins another. */
  constructor(publisher: Uint8Array, framesPerDictionary: number, maxEntries: number) {
    if (publisher.length !== 8) throw new TypeError(`a publisher's id has 8 bytes, not ${publisher.length}`);
    this.#publisher = publisher.slice();
    this.#hex = Array.from(publisher, (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#framesPerDictionary = framesPerDictionary;
    this.#maxEntries = maxEntries;
  }

  /** The next frame refers to nothing that was sent before. */
  renew(): void {
    this.#dictionary = -1;
  }

  /** A frame of its own memory, and an id that no other has. */
  encode(rows: Rows): { readonly bytes: Uint8Array<ArrayBuffer>; readonly id: string } {
    const number = this.#number++;
    if (this.#dictionary < 0 || number >= this.#dictionary + this.#framesPerDictionary || this.#entries + rows.length > this.#maxEntries) {
      this.#dictionary = number;
      this.#entries = 0;
    }
    const first = this.#entries;
    const announced = this.#announce(rows);
    const entryBytes = announced.reduce((sum, { entry }) => sum + entry.length, 0);
    const times = timesOf(rows);
    const seriesWidth = this.#entries <= 0x100 ? 1 : this.#entries <= 0x10000 ? 2 : 4;
    let flagged = false;
    for (let i = 0; i < rows.length; i++) flagged ||= rows.flags[i] !== 0;
    const flagsWidth = flagged ? 1 : 0;

    const bytes = new Uint8Array(HEADER_BYTES + entryBytes + rows.length * (times.width + seriesWidth + 8 + flagsWidth));
    const view = new DataView(bytes.buffer);
    bytes.set([0xf5, 0x4d, 0x52, 1]);
    view.setUint32(4, bytes.length, true);
    bytes.set(this.#publisher, 8);
    setUint64(view, 16, number);
    setUint64(view, 24, this.#dictionary);
    view.setUint32(32, first, true);
    view.setUint32(36, announced.length, true);
    view.setUint32(40, rows.length, true);
    const kept = number + 1 < this.#dictionary + this.#framesPerDictionary ? 1 : 0;
    bytes.set([times.width, seriesWidth, flagsWidth, kept], 44);
    view.setFloat64(48, times.base, true);

    let at = HEADER_BYTES;
    for (const { entry } of announced) {
      bytes.set(entry, at);
      at += entry.length;
    }
    at = writeTimes(view, at, rows, times);
    at = writeIndexes(view, at, rows, seriesWidth);
    for (let i = 0; i < rows.length; i++, at += 8) view.setFloat64(at, rows.value[i]!, true);
    if (flagged) bytes.set(rows.flags.subarray(0, rows.length), at);
    return { bytes, id: `${this.#hex}-${number}` };
  }

  /** Series that the dictionary did not have yet, in the order of their indexes. */
  #announce(rows: Rows): PublishedSeries[] {
    const announced: PublishedSeries[] = [];
    for (let i = 0; i < rows.length; i++) {
      const series = rows.series[i]!;
      if (series.dictionary === this.#dictionary) continue;
      series.dictionary = this.#dictionary;
      series.index = this.#entries++;
      announced.push(series);
    }
    return announced;
  }
}

interface Times {
  readonly base: number;
  /** Bytes of a time: 0, all are `base`; 2 and 4, ms after `base`; 8, the time itself. */
  readonly width: 0 | 2 | 4 | 8;
}

function timesOf(rows: Rows): Times {
  let from = Infinity;
  let to = -Infinity;
  let whole = true;
  for (let i = 0; i < rows.length; i++) {
    const time = rows.time[i]!;
    if (time < from) from = time;
    if (time > to) to = time;
    whole &&= Number.isInteger(time);
  }
  if (rows.length === 0) return { base: 0, width: 0 };
  if (from === to) return { base: from, width: 0 };
  if (!whole || to - from > 0xffffffff) return { base: 0, width: 8 };
  return { base: from, width: to - from > 0xffff ? 4 : 2 };
}

function writeTimes(view: DataView, at: number, rows: Rows, { base, width }: Times): number {
  const { time, length } = rows;
  if (width === 2) for (let i = 0; i < length; i++) view.setUint16(at + 2 * i, time[i]! - base, true);
  if (width === 4) for (let i = 0; i < length; i++) view.setUint32(at + 4 * i, time[i]! - base, true);
  if (width === 8) for (let i = 0; i < length; i++) view.setFloat64(at + 8 * i, time[i]!, true);
  return at + width * length;
}

function writeIndexes(view: DataView, at: number, { series, length }: Rows, width: number): number {
  if (width === 1) for (let i = 0; i < length; i++) view.setUint8(at + i, series[i]!.index);
  if (width === 2) for (let i = 0; i < length; i++) view.setUint16(at + 2 * i, series[i]!.index, true);
  if (width === 4) for (let i = 0; i < length; i++) view.setUint32(at + 4 * i, series[i]!.index, true);
  return at + width * length;
}

/** A whole number below 2^53. */
function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x100000000, true);
  view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
}
