import type { Engine } from '../../engine.js';

const main = new URL('main.js', import.meta.url).pathname;

/** Rows from one thread to another, each value read: what the engine's threads do, and what one would do without it. */
export const engines: readonly Engine[] = [
  {
    name: 'post-message',
    title: 'Objects by postMessage, 1,024 at a time',
    runs: { channel: { threads: [1], samples: 2_048_000 } },
    prepare: () => Promise.resolve({ command: process.execPath, args: [main, 'post-message'] }),
  },
  {
    name: 'channel',
    title: "Millrace's channel: frames of columns in shared memory",
    runs: { channel: { threads: [1] } },
    prepare: () => Promise.resolve({ command: process.execPath, args: [main, 'channel'] }),
  },
];
