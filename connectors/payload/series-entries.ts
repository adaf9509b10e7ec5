import { seriesProblem, seriesText } from '../../engine/series.js';
import { FrameError } from './frame-error.js';

/** Memory that a remembered entry needs beside its bytes and its text, about. */
const OVERHEAD = 100;

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Canonical texts of dictionary entries. Publishers announce the same series again and again: what was
 * seen is found by its bytes, without making a text. Two generations of bounded memory; what was not asked
 * for in the time of one is forgotten.
 */
export class SeriesEntries {
  readonly #limit: number;
  #young = new Map<number, Known>();
  #old = new Map<number, Known>();
  #size = 0;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** `limit`: bytes of memory, about. */
  constructor(limit: number) {
    this.#limit = limit / 2;
  }

  /** The series in `bytes[from .. to)`, which are name, label, value, ... Throws a `FrameError`. */
  text(bytes: Uint8Array, from: number, to: number): string {
    let hash = 0x811c9dc5;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    let known = this.#young.get(hash);
    if (known !== undefined && isAt(known.bytes, bytes, from, to)) return known.text;
    known = this.#old.get(hash);
    if (known === undefined || !isAt(known.bytes, bytes, from, to)) known = { bytes: bytes.slice(from, to), text: this.#read(bytes, from, to) };
    this.#remember(hash, known);
    return known.text;
  }

  /** Of two series with the same hash the newer one. */
  #remember(hash: number, known: Known): void {
    this.#size += sizeOf(known) - sizeOf(this.#young.get(hash));
    this.#young.set(hash, known);
    if (this.#size <= this.#limit) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#size = 0;
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

function isAt(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}

function sizeOf(known: Known | undefined): number {
  return known === undefined ? 0 : OVERHEAD + known.bytes.length + known.text.length;
}
