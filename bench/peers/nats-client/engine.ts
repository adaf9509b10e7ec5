import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

const byHand = (form: string, samples: number): Engine => ({
  name: `nats-client-${form}`,
  title: `The nats client by hand in Node: a pull consumer without acknowledgements, ${form} decoded without a check, windows of 10 s in typed arrays; no detection, no checkpoints`,
  runs: { nats: { threads: [1], samples } },
  prepare: () => Promise.resolve({ command: process.execPath, args: [main, form] }),
});

export const engines: readonly Engine[] = [byHand('lines', 3_000_000), byHand('lines-20k', 2_000_000), byHand('arrays', 2_000_000), byHand('objects', 500_000)];
