import { BATCH_ROWS, CHANNEL_FRAMES } from './limits.js';
import type { Batch } from './batch.js';
import { MessageKind } from './message.js';
import type { Signal } from './signal.js';

/**
 * One sender, one receiver, bounded: a ring of frames, whose free ones are the credits. In shared memory
 * between threads, in plain memory inside one. `head` counts frames published, `tail` frames released;
 * both wrap around at 2^32 and only their difference is used.
 */
export interface ChannelShape {
  /** Further columns of the widest rows that it carries. */
  readonly columns: number;
  /** A power of two, as the counters wrap around. */
  readonly frames?: number;
  readonly rows?: number;
}

// The counters, each written by one side only, lie on cache lines of their own.
const HEAD = 0;
const TAIL = 32;
/** Set by a sender without credit: it wants to be rung. */
const WANT = 64;
const CONTROL_BYTES = 384;
const HEADER_BYTES = 64;
// Int32 indexes in a frame's header; `time` is the f64 at byte 32.
const KIND = 0;
const LINK = 1;
const LENGTH = 2;
const MORE = 3;
const TIME = 4;

function rowBytes(columns: number): number {
  return 8 + 8 + 4 + 1 + 8 * columns;
}

export function channelBytes(shape: ChannelShape): number {
  return CONTROL_BYTES + (shape.frames ?? CHANNEL_FRAMES) * Frame.bytes(shape);
}

/** Views on one frame, made once. Valid between `peek` and `release`, or `claim` and `publish`. */
export class Frame {
  /** Bytes of a frame in memory. */
  static bytes(shape: ChannelShape): number {
    return HEADER_BYTES + Math.ceil(((shape.rows ?? BATCH_ROWS) * rowBytes(shape.columns)) / 64) * 64;
  }

  readonly #whole: Uint8Array;
  readonly #header: Int32Array;
  readonly #time: Float64Array;
  readonly bytes: Uint8Array;
  /** Columns of the rows; further ones by position. */
  readonly time: Float64Array;
  readonly value: Float64Array;
  readonly extra: readonly Float64Array[];
  readonly slot: Uint32Array;
  readonly flags: Uint8Array;
  /** One batch a link, as the columns' names differ by link. */
  readonly #batches: (Batch | undefined)[] = [];

  /** As many fit. */
  readonly rows: number;

  constructor(memory: ArrayBufferLike, offset: number, rows: number, columns: number) {
    this.rows = rows;
    this.#header = new Int32Array(memory, offset, HEADER_BYTES / 4);
    this.#time = new Float64Array(memory, offset, HEADER_BYTES / 8);
    this.#whole = new Uint8Array(memory, offset, Frame.bytes({ columns, rows }));
    let at = offset + HEADER_BYTES;
    this.bytes = new Uint8Array(memory, at, rows * rowBytes(columns));
    const f64 = () => {
      const view = new Float64Array(memory, at, rows);
      at += rows * 8;
      return view;
    };
    this.time = f64();
    this.value = f64();
    const extra: Float64Array[] = [];
    for (let i = 0; i < columns; i++) extra.push(f64());
    this.extra = extra;
    this.slot = new Uint32Array(memory, at, rows);
    at += rows * 4;
    this.flags = new Uint8Array(memory, at, rows);
  }

  get kind(): MessageKind {
    return this.#header[KIND] as MessageKind;
  }
  get link(): number {
    return this.#header[LINK]!;
  }
  /** Rows, or bytes. */
  get length(): number {
    return this.#header[LENGTH]!;
  }
  set length(length: number) {
    this.#header[LENGTH] = length;
  }
  /** The message's bytes go on in the next frame. */
  get more(): boolean {
    return this.#header[MORE] === 1;
  }
  get number(): number {
    return this.#time[TIME]!;
  }

  head(kind: MessageKind, link: number, length: number, number: number, more = false): void {
    this.#header[KIND] = kind;
    this.#header[LINK] = link;
    this.#header[LENGTH] = length;
    this.#header[MORE] = more ? 1 : 0;
    this.#time[TIME] = number;
  }

  /** Takes over another frame of the same shape. */
  copy(other: Frame): void {
    this.#whole.set(other.#whole);
  }

  /** The rows as a batch with the link's names of columns. */
  batch(names: readonly string[]): Batch {
    const link = this.link;
    let batch = this.#batches[link];
    if (batch === undefined) {
      const columns: Record<string, Float64Array> = {};
      for (const [i, name] of names.entries()) columns[name] = this.extra[i]!;
      batch = { length: 0, time: this.time, slot: this.slot, value: this.value, flags: this.flags, columns };
      this.#batches[link] = batch;
    }
    batch.length = this.length;
    return batch;
  }
}

export class Channel {
  readonly #counters: Int32Array;
  readonly #frames: Frame[] = [];
  readonly #count: number;
  readonly #receiver: Signal;
  readonly #sender: Signal;
  readonly #parts: Uint8Array[] = [];
  readonly rows: number;
  readonly columns: number;
  // Each side's own counter, and what it last saw of the other's: the shared one is read only when that is used up.
  #head: number;
  #tail: number;
  #freed: number;
  #filled: number;
  #rung = true;

  /** Both sides make their own `Channel` over the same memory, with the signals of both threads. */
  constructor(memory: SharedArrayBuffer | ArrayBuffer, shape: ChannelShape, sender: Signal, receiver: Signal) {
    this.#counters = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#count = shape.frames ?? CHANNEL_FRAMES;
    this.rows = shape.rows ?? BATCH_ROWS;
    this.columns = shape.columns;
    this.#sender = sender;
    this.#receiver = receiver;
    const bytes = Frame.bytes(shape);
    for (let i = 0; i < this.#count; i++) this.#frames.push(new Frame(memory, CONTROL_BYTES + i * bytes, this.rows, this.columns));
    this.#head = Atomics.load(this.#counters, HEAD);
    this.#tail = Atomics.load(this.#counters, TAIL);
    this.#freed = this.#tail;
    this.#filled = this.#head;
  }

  /** Frames in it now, as the calling side sees it; between 0 and the number of frames. */
  get fill(): number {
    return (Atomics.load(this.#counters, HEAD) - Atomics.load(this.#counters, TAIL)) | 0;
  }
  get frames(): number {
    return this.#count;
  }

  // The sender's side.

  /** A free frame to fill, or undefined: no credit. The same one until `publish`. */
  claim(): Frame | undefined {
    if (((this.#head - this.#freed) | 0) >= this.#count) {
      this.#freed = Atomics.load(this.#counters, TAIL);
      if (((this.#head - this.#freed) | 0) >= this.#count) {
        // Looked at once more after the wish is visible: a release in between would ring nobody.
        Atomics.store(this.#counters, WANT, 1);
        this.#freed = Atomics.load(this.#counters, TAIL);
        if (((this.#head - this.#freed) | 0) >= this.#count) return undefined;
      }
    }
    return this.#frames[(this.#head >>> 0) % this.#count];
  }

  /** Hands over the frame claimed. The receiver is not woken before `ring`. */
  publish(): void {
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#counters, HEAD, this.#head);
    this.#rung = false;
  }

  /** Wakes the receiver for what was published since the last call. */
  ring(): void {
    if (this.#rung) return;
    this.#rung = true;
    this.#receiver.ring();
  }

  // The receiver's side.

  /** The oldest frame not released, or undefined. */
  peek(): Frame | undefined {
    if (this.#tail === this.#filled) {
      this.#filled = Atomics.load(this.#counters, HEAD);
      if (this.#tail === this.#filled) return undefined;
    }
    return this.#frames[(this.#tail >>> 0) % this.#count];
  }

  /** Gives the frame back. A sender that waits is rung when a quarter is free again, not for each. */
  release(): void {
    this.#tail = (this.#tail + 1) | 0;
    Atomics.store(this.#counters, TAIL, this.#tail);
    if (Atomics.load(this.#counters, WANT) === 1 && this.fill <= this.#count - (this.#count >> 2)) {
      Atomics.store(this.#counters, WANT, 0);
      this.#sender.ring();
    }
  }

  /** The bytes of a message that may go on over frames: collects parts; the whole when it is complete. Call once a frame, before `release`. */
  collect(frame: Frame): Uint8Array | undefined {
    const part = frame.bytes.slice(0, frame.length);
    if (this.#parts.length === 0 && !frame.more) return part;
    this.#parts.push(part);
    if (frame.more) return undefined;
    const whole = Buffer.concat(this.#parts);
    this.#parts.length = 0;
    return whole;
  }
}
