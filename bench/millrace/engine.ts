import type { Engine } from '../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

export const engine: Engine = {
  name: 'millrace',
  title: 'Millrace: the graph of the workload from YAML, operators as shipped, a counting sink',
  runs: {
    W1: { threads: [1, 2] },
    W2: { threads: [1, 2] },
    W3: { threads: [1, 2] },
  },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main] }),
};
