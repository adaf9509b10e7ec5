import { BUFFER_BYTES } from './limits.js';

/** Beside the texts and the payload: four lengths of texts, that of the payload, sequence, time. */
const HEAD_BYTES = 4 * 2 + 4 + 8 + 8;

/** What is told of a message beside its bytes. */
export interface Envelope {
  readonly subject: string;
  /** `Nats-Msg-Id`, `Content-Type` and `Content-Encoding`; empty where it has none. */
  readonly id: string;
  readonly contentType: string;
  readonly encoding: string;
  /** In its stream, and when it came there; on core NATS 0, and NaN. */
  readonly sequence: number;
  readonly time: number;
}

/** Many messages in one piece of memory, which goes from thread to thread without a copy. */
export interface Packed {
  readonly memory: ArrayBuffer;
  /** Bytes in use. */
  readonly length: number;
}

/** Bytes that a message takes at most. */
export function packedBytes({ subject, id, contentType, encoding }: Envelope, payload: Uint8Array): number {
  return HEAD_BYTES + 3 * (subject.length + id.length + contentType.length + encoding.length) + payload.length;
}

/** Packs messages, one after another, into buffers. */
export class Packer {
  readonly #spare: ArrayBuffer[] = [];
  #bytes: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** False when it does not fit any more: take first what is there. An empty packer takes a message of any size. */
  add(envelope: Envelope, payload: Uint8Array): boolean {
    const most = packedBytes(envelope, payload);
    if (this.#bytes === undefined) this.#bytes = Buffer.from(most > BUFFER_BYTES ? new ArrayBuffer(most) : (this.#spare.pop() ?? new ArrayBuffer(BUFFER_BYTES)));
    const bytes = this.#bytes;
    if (this.#length + most > bytes.length) return false;
    let at = this.#length;
    bytes.writeUInt32LE(payload.length, at + 8);
    bytes.writeDoubleLE(envelope.sequence, at + 12);
    bytes.writeDoubleLE(envelope.time, at + 20);
    let head = at;
    at += HEAD_BYTES;
    for (const text of [envelope.subject, envelope.id, envelope.contentType, envelope.encoding]) {
      const written = text === '' ? 0 : bytes.write(text, at);
      bytes.writeUInt16LE(written, head);
      head += 2;
      at += written;
    }
    bytes.set(payload, at);
    this.#length = at + payload.length;
    return true;
  }

  /** What was packed; it is the caller's now. */
  take(): Packed {
    const packed = { memory: this.#bytes?.buffer as ArrayBuffer, length: this.#length };
    this.#bytes = undefined;
    this.#length = 0;
    return packed;
  }

  /** Memory that is free again. */
  reuse(memory: ArrayBuffer): void {
    if (memory.byteLength === BUFFER_BYTES) this.#spare.push(memory);
  }
}

/** Reads packed messages one after another; texts are decoded where they are asked for. */
export class Unpacker implements Envelope {
  readonly #bytes: Buffer;
  readonly #length: number;
  /** Where the current message's payload begins, and the next message. */
  #payload = 0;
  #next = 0;
  /** Where the texts begin, and their lengths. */
  #texts = 0;
  readonly #lengths = [0, 0, 0, 0];
  sequence = 0;
  time = 0;

  constructor({ memory, length }: Packed) {
    this.#bytes = Buffer.from(memory);
    this.#length = length;
  }

  /** Goes to the next message; false: there is none. */
  next(): boolean {
    const at = this.#next;
    if (at >= this.#length) return false;
    const bytes = this.#bytes;
    this.#texts = this.#payload = at + HEAD_BYTES;
    for (let i = 0; i < 4; i++) this.#payload += this.#lengths[i] = bytes.readUInt16LE(at + 2 * i);
    this.#next = this.#payload + bytes.readUInt32LE(at + 8);
    this.sequence = bytes.readDoubleLE(at + 12);
    this.time = bytes.readDoubleLE(at + 20);
    return true;
  }

  get subject(): string {
    return this.#text(0);
  }
  get id(): string {
    return this.#text(1);
  }
  get contentType(): string {
    return this.#text(2);
  }
  get encoding(): string {
    return this.#text(3);
  }
  /** Borrowed: it lies in the packed memory. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(this.#payload, this.#next);
  }

  #text(index: number): string {
    const length = this.#lengths[index]!;
    if (length === 0) return '';
    let from = this.#texts;
    for (let i = 0; i < index; i++) from += this.#lengths[i]!;
    return this.#bytes.toString('utf8', from, from + length);
  }
}
