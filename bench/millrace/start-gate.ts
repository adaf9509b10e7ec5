import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const NAME = 'millrace-bench-start-gate';

/** Of this process: threads have it from their start, and may do several jobs. */
function gate(): Int32Array {
  const word = (getEnvironmentData(NAME) as unknown as Int32Array | undefined) ?? new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(NAME, word as never);
  return word;
}

/** From now on threads wait at the gate until it is opened. Call before the first thread starts, and while none is at work. */
export function closeGate(): { open(): void } {
  const word = gate();
  Atomics.store(word, 0, 0);
  return {
    open() {
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
    },
  };
}

/** Sleeps until the gate is open. */
export function passGate(): void {
  Atomics.wait(gate(), 0, 0);
}
