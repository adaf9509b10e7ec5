/** Start and factor of the FNV-1a hash that callers compute while they scan the bytes: `hash = Math.imul(hash ^ byte, HASH_FACTOR)`. */
export const HASH_START = 0x811c9dc5 | 0;
export const HASH_FACTOR = 0x01000193;

/** Places where an entry may lie: what a search costs at most, whatever names a publisher thinks up. */
const WAYS = 8;
const FIRST_PLACES = 1_024;
/** About 250 bytes each with names of usual length, twice that for a point of line protocol with a few fields. */
const MOST_PLACES = 262_144;

/**
 * What is known of a series by the bytes it was written with, so that a known one costs no parsing.
 * Bounded: past `places` entries a new one takes the place of another.
 */
export class RawSeries<T> {
  readonly #most: number;
  #hashes = new Int32Array(FIRST_PLACES);
  #keys: string[] = Array.from({ length: FIRST_PLACES }, () => '');
  #values: (T | undefined)[] = Array.from({ length: FIRST_PLACES }, () => undefined);
  #size = 0;
  #victim = 0;

  /** `places`: a power of two of at least 1,024. */
  constructor(places = MOST_PLACES) {
    this.#most = places;
  }

  /** Of `bytes[from .. to)`, not empty, with their hash. */
  find(bytes: Uint8Array, from: number, to: number, hash: number): T | undefined {
    const mask = this.#keys.length - 1;
    const start = spread(hash);
    for (let i = 0; i < WAYS; i++) {
      const place = (start + i) & mask;
      if (this.#hashes[place] === hash && same(this.#keys[place]!, bytes, from, to)) return this.#values[place];
    }
    return undefined;
  }

  /** Keeps what `find` did not find. */
  keep(bytes: Buffer, from: number, to: number, hash: number, value: T): void {
    if (this.#size * 2 >= this.#keys.length && this.#keys.length < this.#most) this.#grow();
    this.#put(bytes.toString('latin1', from, to), hash, value);
  }

  #put(key: string, hash: number, value: T): void {
    const mask = this.#keys.length - 1;
    const start = spread(hash);
    let place = -1;
    for (let i = 0; i < WAYS && place < 0; i++) if (this.#keys[(start + i) & mask] === '') place = (start + i) & mask;
    if (place < 0) {
      place = (start + this.#victim) & mask;
      this.#victim = (this.#victim + 1) % WAYS;
    } else this.#size += 1;
    this.#keys[place] = key;
    this.#hashes[place] = hash;
    this.#values[place] = value;
  }

  #grow(): void {
    const [keys, hashes, values] = [this.#keys, this.#hashes, this.#values];
    this.#keys = Array.from({ length: keys.length * 2 }, () => '');
    this.#values = Array.from({ length: keys.length * 2 }, () => undefined);
    this.#hashes = new Int32Array(keys.length * 2);
    this.#size = 0;
    for (let i = 0; i < keys.length; i++) if (keys[i] !== '') this.#put(keys[i]!, hashes[i]!, values[i]!);
  }
}

/** The low bits of FNV-1a depend on few bits of the last bytes. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** Whether `bytes[from .. to)` are the code units of `key`. */
export function same(key: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false;
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
