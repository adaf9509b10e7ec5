/**
 * All that makes the engine wait for time to pass or for its turn, handed in: whoever simulates it has a time of his
 * own. Only `Signal.wait` sleeps otherwise, in a shard's thread.
 */
export interface Timers {
  /** Calls `act` once, after `ms`; returns what cancels it. `background`: it keeps no process alive. */
  after(ms: number, act: () => void, background?: 'background'): () => void;
  /** Resolves when the event loop has had a turn. */
  turn(): Promise<void>;
  /** As `Atomics.waitAsync`. */
  waitAsync(words: Int32Array, index: number, seen: number, ms: number): { readonly async: false } | { readonly async: true; readonly value: Promise<unknown> };
}

export const systemTimers: Timers = {
  after(ms, act, background) {
    const timer = setTimeout(act, ms);
    if (background !== undefined) timer.unref();
    return () => clearTimeout(timer);
  },
  turn: () => new Promise((resolve) => void setImmediate(resolve)),
  waitAsync: (words, index, seen, ms) => Atomics.waitAsync(words, index, seen, ms) as ReturnType<Timers['waitAsync']>,
};

/** Resolves after `ms`, or when the signal aborts. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
