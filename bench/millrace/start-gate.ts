import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const NAME = 'millrace-bench-start-gate';

/** Threads started from now on wait at a gate of their own until it is opened. Call before the threads start. */
export function closeGate(): { open(): void } {
  const word = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(NAME, word as never);
  return {
    open() {
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
    },
  };
}

/** Sleeps until the gate that was closed when this thread started is open. */
export function passGate(): void {
  Atomics.wait(getEnvironmentData(NAME) as unknown as Int32Array, 0, 0);
}
