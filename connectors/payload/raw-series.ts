/** Memory that an entry needs beside its bytes and what is known of it, about. */
const OVERHEAD = 32;
/** Bytes of memory, about, for all that is known. */
const MEMORY = 128 * 1024 * 1024;

/** Places of the table where an entry may lie: what a search costs at most, whatever names a publisher thinks up. */
const WAYS = 8;
const FIRST_PLACES = 1_024;
const FIRST_BYTES = 16_384;

/**
 * What is known of a series by the bytes it was written with, so that a known one costs no parsing. Publishers send
 * their series in the same order again and again: what followed an entry last time is where to look first.
 * Two generations of bounded memory; what was not asked for in the time of one is forgotten.
 */
export class RawSeries<T> {
  readonly #limit: number;
  /** Memory of what is known of a series, beside the bytes that it was written with. */
  readonly #sizeOf: (value: T) => number;
  #young = new Generation<T>();
  #old = new Generation<T>();
  /** The entry that was found last, among the young. */
  #last = -1;
  /** Of the bytes that were not found. */
  #hash = 0;
  /** What is known of the series that `follow` found. */
  followed: T | undefined;

  constructor(sizeOf: (value: T) => number, limit = MEMORY) {
    this.#sizeOf = sizeOf;
    this.#limit = limit / 2;
  }

  /** What is known of the series in `[from .. to)`, which is not empty. */
  find(view: DataView, from: number, to: number): T | undefined {
    const hash = (this.#hash = hashOf(view, from, to));
    const entry = this.#young.find(hash, view, from, to);
    if (entry >= 0) {
      this.#pass(entry);
      return this.#young.values[entry];
    }
    const older = this.#old.find(hash, view, from, to);
    if (older < 0) return undefined;
    const value = this.#old.values[older]!;
    this.keep(view, from, to, value);
    return value;
  }

  /** Keeps what `find` did not find. */
  keep(view: DataView, from: number, to: number, value: T): void {
    if (this.#young.size > this.#limit) {
      this.#old = this.#young;
      this.#young = new Generation();
      this.#last = -1;
    }
    this.#pass(this.#young.add(this.#hash, view, from, to, value, OVERHEAD + this.#sizeOf(value)));
  }

  /** Where the series ends that followed the last one the time before, if it stands at `from`; else -1. */
  follow(view: DataView, from: number): number {
    if (this.#last < 0) return -1;
    const next = this.#young.following[this.#last]!;
    const end = this.#young.endAt(next, view, from);
    if (end < 0) return -1;
    this.#last = next;
    this.followed = this.#young.values[next];
    return end;
  }

  #pass(entry: number): void {
    if (this.#last >= 0) this.#young.following[this.#last] = entry;
    this.#last = entry;
  }
}

/** Entries end to end in one piece of memory: to look at one is to touch one place. */
class Generation<T> {
  readonly values: T[] = [];
  /** By entry: which one came after it, at first itself. */
  readonly following: number[] = [];
  /** Bytes of memory, about. */
  size = 0;
  readonly #hashes: number[] = [];
  /** Where an entry begins, which is where the one before it ends. */
  readonly #starts = [0];
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** Entries, by the lower bits of their hash; -1: none. */
  #table = new Int32Array(FIRST_PLACES).fill(-1);

  /** An entry, or -1. */
  find(hash: number, view: DataView, from: number, to: number): number {
    const mask = this.#table.length - 1;
    for (let i = 0; i < WAYS; i++) {
      const entry = this.#table[(hash + i) & mask]!;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.endAt(entry, view, from) === to) return entry;
    }
    return -1;
  }

  /** Where an entry ends that stands at `from`, or -1. */
  endAt(entry: number, view: DataView, from: number): number {
    let own = this.#starts[entry]!;
    const ownEnd = this.#starts[entry + 1]!;
    const end = from + ownEnd - own;
    if (end > view.byteLength) return -1;
    const known = this.#view;
    let at = from;
    // Of many tags: with one question for sixteen bytes a line of 150 is read in a fifth less time.
    for (; own + 16 <= ownEnd; own += 16, at += 16) {
      if (((known.getInt32(own, true) ^ view.getInt32(at, true)) | (known.getInt32(own + 4, true) ^ view.getInt32(at + 4, true)) | (known.getInt32(own + 8, true) ^ view.getInt32(at + 8, true)) | (known.getInt32(own + 12, true) ^ view.getInt32(at + 12, true))) !== 0) return -1;
    }
    for (; own + 4 <= ownEnd; own += 4, at += 4) if (known.getUint32(own, true) !== view.getUint32(at, true)) return -1;
    for (; own < ownEnd; own++, at++) if (known.getUint8(own) !== view.getUint8(at)) return -1;
    return end;
  }

  add(hash: number, view: DataView, from: number, to: number, value: T, size: number): number {
    const entry = this.values.length;
    const start = this.#starts[entry]!;
    const end = start + to - from;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset + from, to - from), start);
    this.#starts.push(end);
    this.#hashes.push(hash);
    this.values.push(value);
    this.following.push(entry);
    this.size += to - from + size;
    if (2 * this.values.length > this.#table.length) this.#widen();
    else this.#place(entry);
    return entry;
  }

  #widen(): void {
    this.#table = new Int32Array(2 * this.#table.length).fill(-1);
    for (let entry = 0; entry < this.values.length; entry++) this.#place(entry);
  }

  /** Where all its places are taken, it takes the last from another, which is then not found any more. */
  #place(entry: number): void {
    const mask = this.#table.length - 1;
    const hash = this.#hashes[entry]!;
    let i = 0;
    while (i < WAYS - 1 && this.#table[(hash + i) & mask]! >= 0) i += 1;
    this.#table[(hash + i) & mask] = entry;
  }
}

/** Multiply and shift, four bytes at a time. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) {
    hash = Math.imul(hash ^ view.getUint8(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Whether the bytes of a view at `at` are those in `[from .. to)` of it. */
export function sameBytes(view: DataView, at: number, from: number, to: number): boolean {
  for (; from + 4 <= to; from += 4, at += 4) if (view.getUint32(from, true) !== view.getUint32(at, true)) return false;
  for (; from < to; from++, at++) if (view.getUint8(from) !== view.getUint8(at)) return false;
  return true;
}

/** Whether `bytes[from .. to)` are the code units of `key`. */
export function same(key: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false;
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
