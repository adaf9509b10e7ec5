import { FREE_RECORDS, RECORD_BYTES } from './limits.js';

/** A record ends with the row that passes its size. */
const SIZE = RECORD_BYTES + 128 * 1024;
/** Smaller ones would keep too much of it from use. */
const LEAST = SIZE / 2;

/**
 * Memory of records, used again once QuestDB has them: a megabyte for each some thousand rows, given up at once, would have all of the
 * heap looked through many times a second.
 */
export class RecordMemory {
  readonly #free: ArrayBuffer[] = [];

  /** Bytes of any content. */
  take(length: number): Uint8Array {
    if (length < LEAST || length > SIZE) return new Uint8Array(length);
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(SIZE), 0, length);
  }

  /** What was taken is not looked at any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === SIZE && this.#free.length < FREE_RECORDS) this.#free.push(buffer as ArrayBuffer);
  }
}
