import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const d2ts: Engine = {
  name: 'd2ts',
  title: 'D2TS (differential dataflow): `reduce` with the window as version and the watermark as frontier, closed windows retracted',
  // W3 depends on the order of samples, which a collection does not have. Each stream keeps all its messages, read or not: memory grows with samples.
  runs: { W1: { threads: [1], samples: 200_000 }, W2: { threads: [1], samples: 60_000 } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main] }),
};

export const engines: readonly Engine[] = [d2ts];
