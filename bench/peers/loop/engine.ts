import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const loop: Engine = {
  name: 'loop',
  title: 'Typed arrays and one loop in Node, written by hand for just this workload; on two threads each does its own half of the series; in W4 the source has a thread to itself',
  // W4 takes the time that it takes: half of it is enough to know it by.
  runs: { W1: { threads: [1, 2] }, W2: { threads: [1, 2] }, W3: { threads: [1, 2] }, W4: { threads: [1], samples: 1_000_000 } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main] }),
};

export const engines: readonly Engine[] = [loop];
