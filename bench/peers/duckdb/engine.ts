import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const duckdb: Engine = {
  name: 'duckdb',
  title: 'DuckDB, the batch bound: one SQL query over all samples at once, without watermarks or results on the way',
  // W3 is a fold in the order of arrival, for which SQL has no form that one would write.
  runs: { W1: { threads: [1, 2] }, W2: { threads: [1, 2] } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main] }),
};

export const engines: readonly Engine[] = [duckdb];
