import { seriesProblem, seriesText } from '../../engine/series.js';
import { FrameError } from './frame-error.js';

/** Memory that a remembered entry needs beside its bytes and its text, about. */
const OVERHEAD = 64;

/**
 * Canonical texts of dictionary entries. Publishers announce the same series again and again: what was
 * seen is found by its bytes, without making a text. Two generations of bounded memory; what was not asked
 * for in the time of one is forgotten.
 */
export class SeriesEntries {
  readonly #limit: number;
  #young = new Generation();
  #old = new Generation();
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** `limit`: bytes of memory, about. */
  constructor(limit: number) {
    this.#limit = limit / 2;
  }

  /** The series in `bytes[from .. to)`, of which `view` is a view, which are name, label, value, ... Throws a `FrameError`. */
  text(bytes: Uint8Array, view: DataView, from: number, to: number): string {
    const hash = hashOf(view, from, to);
    let text = this.#young.find(hash, view, from, to);
    if (text !== undefined) return text;
    text = this.#old.find(hash, view, from, to) ?? this.#read(bytes, from, to);
    if (this.#young.size > this.#limit) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(hash, bytes, from, to, text);
    return text;
  }

  #read(bytes: Uint8Array, from: number, to: number): string {
    let at = from;
    const string = (what: string): string => {
      if (at + 2 > to) throw new FrameError(`the entry ends before ${what}`, at);
      const start = at + 2;
      const end = start + bytes[at]! + bytes[at + 1]! * 256;
      if (end > to) throw new FrameError(`${what} is ${end - start} bytes long, but its entry ends after ${to - start}`, at);
      at = end;
      try {
        return this.#utf8.decode(bytes.subarray(start, end));
      } catch {
        throw new FrameError(`${what} is not UTF-8`, start);
      }
    };
    const name = string('the metric name');
    // Without a prototype, `__proto__` is a key like others.
    const labels = Object.create(null) as Record<string, string>;
    while (at < to) {
      const place = at;
      const label = string('a label name');
      if (label in labels) throw new FrameError(`label ${JSON.stringify(label.slice(0, 80))} is there twice`, place);
      labels[label] = string('a label value');
    }
    const problem = seriesProblem(name, labels);
    if (problem !== undefined) throw new FrameError(problem, from);
    return seriesText(name, labels);
  }
}

/** Entries end to end in one piece of memory: to look at one is to touch one place. */
class Generation {
  #bytes = new Uint8Array(4_096);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  /** Numbers of the entries by hash, of two with one hash the newer; by number where an entry ends, and its text. */
  readonly #numbers = new Map<number, number>();
  readonly #ends = [0];
  readonly #texts: string[] = [];
  #characters = 0;

  /** Bytes of memory, about. */
  get size(): number {
    return this.#bytes.length + this.#characters + OVERHEAD * this.#texts.length;
  }

  find(hash: number, view: DataView, from: number, to: number): string | undefined {
    const number = this.#numbers.get(hash);
    if (number === undefined) return undefined;
    const start = this.#ends[number]!;
    if (this.#ends[number + 1]! - start !== to - from) return undefined;
    const shift = start - from;
    let at = from;
    for (; at + 4 <= to; at += 4) if (this.#view.getUint32(at + shift) !== view.getUint32(at)) return undefined;
    for (; at < to; at++) if (this.#view.getUint8(at + shift) !== view.getUint8(at)) return undefined;
    return this.#texts[number];
  }

  add(hash: number, bytes: Uint8Array, from: number, to: number, text: string): void {
    const end = this.#used + to - from;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#bytes.set(bytes.subarray(from, to), this.#used);
    this.#used = end;
    this.#numbers.set(hash, this.#texts.length);
    this.#ends.push(end);
    this.#texts.push(text);
    this.#characters += text.length;
  }
}

/** Multiply and shift, four bytes at a time. Who sends equal hashes makes himself slow, nothing else. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) {
    hash = Math.imul(hash ^ view.getUint8(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
