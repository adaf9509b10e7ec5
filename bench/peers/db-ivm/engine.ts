import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const dbIvm: Engine = {
  name: 'db-ivm',
  title: 'TanStack DB IVM: a view of the open windows by `reduce`, batches of a second, rows of closed windows retracted',
  // W3 depends on the order of samples, which a view over a multiset does not have.
  runs: { W1: { threads: [1], samples: 500_000 }, W2: { threads: [1], samples: 100_000 } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main] }),
};

export const engines: readonly Engine[] = [dbIvm];
