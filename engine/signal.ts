import { systemTimers, type Timers } from './timers.js';

/**
 * All waiting on Atomics. A thread has one signal; whoever has news for it rings. Waiting is on "a ring
 * since I last looked", so a ring between the look and the wait is never lost.
 *
 * Memory: two cache lines, the count of rings and whether the owner sleeps.
 */
const RINGS = 0;
const SLEEPS = 16;
export const SIGNAL_BYTES = 128;

export class Signal {
  readonly #words: Int32Array;
  /** Waits of this thread under way. */
  #waits = 0;

  constructor(
    readonly memory: SharedArrayBuffer | ArrayBuffer = new SharedArrayBuffer(SIGNAL_BYTES),
    readonly timers: Timers = systemTimers,
  ) {
    this.#words = new Int32Array(memory);
  }

  /** What to give to `wait`: take it before looking for work. */
  rings(): number {
    return Atomics.load(this.#words, RINGS);
  }

  /** Wakes the owner if it sleeps. Cheap when it does not. Any thread. */
  ring(): void {
    Atomics.add(this.#words, RINGS, 1);
    // The flag is the sleeper's own: were it taken down here, that of its next sleep might be, whose ring would be lost.
    if (Atomics.load(this.#words, SLEEPS) !== 0) Atomics.notify(this.#words, RINGS);
  }

  /** Blocks the thread until a ring since `seen`, or for `ms`. */
  wait(seen: number, ms: number): void {
    Atomics.store(this.#words, SLEEPS, 1);
    Atomics.wait(this.#words, RINGS, seen, ms);
    Atomics.store(this.#words, SLEEPS, 0);
  }

  /** Resolves on a ring since `seen`, or after `ms`; for a thread that also has an event loop. */
  async waitAsync(seen: number, ms: number): Promise<void> {
    this.#waits += 1;
    Atomics.store(this.#words, SLEEPS, 1);
    const waiting = this.timers.waitAsync(this.#words, RINGS, seen, ms);
    if (waiting.async) await waiting.value;
    // Several may overlap in one thread: the flag stays up until the last has ended.
    this.#waits -= 1;
    if (this.#waits === 0) Atomics.store(this.#words, SLEEPS, 0);
  }
}
