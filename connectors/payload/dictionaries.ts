import { FrameError } from './frame-error.js';

/** Memory of an entry beside its text, and of a dictionary, about. */
const OVERHEAD = 16;
const DICTIONARY_OVERHEAD = 400;

/** What was announced under one dictionary; entries of frames not seen are missing. */
interface Dictionary {
  /** Number of the frame that begins it. */
  readonly began: number;
  readonly texts: (string | undefined)[];
  size: number;
  /** The caller's marks of the first frame seen of it, and of the last. */
  readonly since: number;
  last: number;
}

/** The newest dictionary of a publisher, and the one before it: frames around the change may come in any order. */
interface Pair {
  current: Dictionary;
  previous: Dictionary | undefined;
}

/** Dictionaries by publisher, within a bound: past it those go whose publishers were not heard for the longest. */
export class Dictionaries {
  readonly #limit: number;
  /** The least recently heard first. */
  readonly #pairs = new Map<string, Pair>();
  #size = 0;

  /** `limit`: bytes of memory, about. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Texts by index; undefined where nothing is known of it. */
  find(publisher: string, began: number): readonly (string | undefined)[] | undefined {
    return dictionaryOf(this.#pairs.get(publisher), began)?.texts;
  }

  /** Learns the entries from index `first` on. Throws a `FrameError` where another series has an index. */
  learn(publisher: string, began: number, first: number, texts: readonly string[], mark: number): void {
    let pair = this.#pairs.get(publisher);
    let dictionary = dictionaryOf(pair, began);
    if (dictionary === undefined) {
      // A stray of a dictionary before those kept.
      if (pair !== undefined && began < (pair.previous?.began ?? -1)) return;
      dictionary = { began, texts: [], size: DICTIONARY_OVERHEAD, since: mark, last: mark };
      this.#size += dictionary.size - (pair?.previous?.size ?? 0);
      pair = pair !== undefined && began < pair.current.began ? { current: pair.current, previous: dictionary } : { current: dictionary, previous: pair?.current };
    }
    for (const [i, text] of texts.entries()) {
      const known = dictionary.texts[first + i];
      if (known !== undefined && known !== text) throw new FrameError(`entry ${first + i} of the dictionary was ${known.slice(0, 200)} before: two publishers have the same id`, 32);
    }
    for (const [i, text] of texts.entries()) {
      if (dictionary.texts[first + i] !== undefined) continue;
      dictionary.texts[first + i] = text;
      dictionary.size += OVERHEAD + text.length;
      this.#size += OVERHEAD + text.length;
    }
    dictionary.last = Math.max(dictionary.last, mark);
    this.#pairs.delete(publisher);
    this.#pairs.set(publisher, pair!);
    for (const oldest of this.#pairs.keys()) {
      if (this.#size <= this.#limit) break;
      this.#drop(oldest);
    }
  }

  /** The smallest mark of a frame that later frames may refer to. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { current, previous } of this.#pairs.values()) oldest = Math.min(oldest ?? Infinity, current.since, previous?.since ?? Infinity);
    return oldest;
  }

  /** Forgets publishers that were not heard since this mark. */
  forget(before: number): void {
    for (const [publisher, { current, previous }] of this.#pairs) if (Math.max(current.last, previous?.last ?? -Infinity) < before) this.#drop(publisher);
  }

  #drop(publisher: string): void {
    const { current, previous } = this.#pairs.get(publisher)!;
    this.#size -= current.size + (previous?.size ?? 0);
    this.#pairs.delete(publisher);
  }
}

function dictionaryOf(pair: Pair | undefined, began: number): Dictionary | undefined {
  if (pair?.current.began === began) return pair.current;
  return pair?.previous?.began === began ? pair.previous : undefined;
}
