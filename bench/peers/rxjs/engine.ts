import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;
const form = (name: string, title: string, runs: Engine['runs']): Engine => ({
  name,
  title,
  runs,
  prepare: () => Promise.resolve({ command: process.execPath, args: [main, name] }),
});
const threads = [1];

export const engines: readonly Engine[] = [
  form('rxjs', 'RxJS as its manual has it: groupBy the series, a scan in each group', { W1: { threads, samples: 1_000_000 }, W2: { threads, samples: 100_000 }, W3: { threads, samples: 2_000_000 } }),
  form('rxjs-expert', 'RxJS by an expert: one chain of its operators, one scan over typed arrays for all series', { W1: { threads }, W2: { threads }, W3: { threads } }),
  form('rxjs-operator', 'RxJS as a carrier: one operator written from scratch for just this workload', { W1: { threads }, W2: { threads }, W3: { threads } }),
];
