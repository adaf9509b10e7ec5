import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;
const form = (name: string, title: string): Engine => ({
  name,
  title,
  runs: { W1: { threads: [1] }, W2: { threads: [1] }, W3: { threads: [1] } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main, name] }),
});

export const engines: readonly Engine[] = [
  form('rxjs', 'RxJS as its manual has it: groupBy the series, a scan in each group'),
  form('rxjs-expert', 'RxJS by an expert: one chain of its operators, one scan over typed arrays for all series'),
  form('rxjs-operator', 'RxJS as a carrier: one operator written from scratch for just this workload'),
];
