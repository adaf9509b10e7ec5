import { WINDOW_BYTES } from './limits.js';
import { packedBytes, Packer, type Envelope, type Packed } from './packing.js';

/**
 * Hands messages over to the thread that reads them. While it has some to read, further ones gather in larger pieces;
 * what it has not read yet counts against the window.
 */
export class HandOver {
  readonly #give: (packed: Packed) => void;
  readonly #packer = new Packer();
  /** Bytes in the reader's hands. */
  #given = 0;
  #scheduled: NodeJS.Immediate | undefined;

  /** `give` takes over the memory. */
  constructor(give: (packed: Packed) => void) {
    this.#give = give;
  }

  /** Bytes that may still be taken. */
  get room(): number {
    return WINDOW_BYTES - this.#given - this.#packer.length;
  }

  /** Whether there is room for a message. One that is larger than the window is taken when nothing else is there. */
  fits(envelope: Envelope, payload: Uint8Array): boolean {
    return packedBytes(envelope, payload) <= this.room || this.room === WINDOW_BYTES;
  }

  add(envelope: Envelope, payload: Uint8Array): void {
    if (!this.#packer.add(envelope, payload)) {
      this.flush();
      this.#packer.add(envelope, payload);
    }
    if (this.#given === 0) this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#packer.length === 0) return;
    const packed = this.#packer.take();
    this.#given += packed.length;
    this.#give(packed);
  }

  /** What was given is read. */
  read({ memory, length }: Packed): void {
    this.#given -= length;
    this.#packer.reuse(memory);
    this.flush();
  }
}
