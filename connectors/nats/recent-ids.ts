import type { Position } from '../../engine/connector.js';
import { HashedId, IdSet } from './id-set.js';

/** Where the memory begins: it is rebuilt by taking the messages from there again. A type, as a position is made of it. */
export type IdsPosition = {
  /** Sequence of the oldest message remembered. */
  readonly from: number;
  /** The latest time of any message up to it. */
  readonly clock: number;
};

/** Ids of the messages of one piece of the stream. */
interface Generation extends IdsPosition {
  /** Which window of the messages' time it lies in. */
  readonly window: number;
  readonly ids: IdSet;
}

/**
 * Ids of the messages that came last, in two generations: a new one begins with each window of the messages' time, and where one
 * has as many ids as it may. So an id is remembered for a window at least and for two at most; for less than one where that many
 * ids come sooner. What is remembered depends on the messages from its oldest one on alone, whether they were repeats or not, so
 * that a reader that starts there again decides the same.
 */
export class RecentIds {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #short: (ms: number) => void;
  readonly #hashed = new HashedId();
  #older: Generation | undefined;
  #newer: Generation | undefined;
  /** Time of the messages: it does not step back, whatever the server's does. */
  #clock = -Infinity;

  /** `most`: ids of a generation. `short` hears that one was full, and for how long its ids had come, which is less than a window. */
  constructor(most: number, windowMs: number, short: (ms: number) => void) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#short = short;
  }

  /** Remembers a message, and says whether its id was there before. */
  repeats(id: string, sequence: number, time: number): boolean {
    this.#clock = Math.max(this.#clock, time);
    const { ids } = this.#turn(sequence);
    const hashed = this.#hashed.of(id);
    const repeats = ids.has(hashed) || this.#older?.ids.has(hashed) === true;
    // In the newer one too: its newest occurrence counts.
    ids.add(hashed);
    return repeats;
  }

  #turn(sequence: number): Generation {
    const window = Math.floor(this.#clock / this.#windowMs);
    const newer = this.#newer;
    if (newer !== undefined && newer.window === window && newer.ids.size < this.#most) return newer;
    if (newer?.window === window) this.#short(this.#clock - newer.clock);
    this.#older = newer !== undefined && window - newer.window <= 1 ? newer : undefined;
    // As large as the one before had become: it grows no more where messages come evenly.
    return (this.#newer = { from: sequence, clock: this.#clock, window, ids: new IdSet(this.#older?.ids.size) });
  }

  /** Undefined: nothing is remembered. */
  get position(): IdsPosition | undefined {
    const oldest = this.#older ?? this.#newer;
    return oldest && { from: oldest.from, clock: oldest.clock };
  }

  /** Before the first message from its position on is taken again. */
  restore({ clock }: IdsPosition): void {
    this.#clock = clock;
  }

  clear(): void {
    this.#older = this.#newer = undefined;
    this.#clock = -Infinity;
  }
}

/** As it stood in a checkpoint. */
export function idsPosition(position: Position | undefined): IdsPosition | undefined {
  const { from, clock } = (position ?? {}) as { from?: unknown; clock?: unknown };
  return typeof from === 'number' && typeof clock === 'number' ? { from, clock } : undefined;
}
