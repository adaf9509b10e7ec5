import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const byHand = (form: string, how: string): Engine => ({
  name: `by-hand-${form}`,
  title: `By hand in Node: ${how}, nothing checked`,
  runs: { decoders: { threads: [1] } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main, form] }),
});

export const engines: readonly Engine[] = [byHand('lines', 'lines split at spaces'), byHand('arrays', 'JSON.parse of an array of samples, Date.parse'), byHand('objects', 'JSON.parse of an object, Date.parse')];
