// Runs past and present → detect, window → detect into a file, with checkpoints, until it ends or is killed. Says how many rows of the past are read.
import { writeSync } from 'node:fs';
import { checkpoints, start, type Parts } from './fixture.js';

const folder = process.argv[2]!;
const now = Number(process.argv[3]);
const from = ['odd', 'five', 'odd_five'];
const parts: Parts = {
  sources: {
    past: { type: 'history', store: 'store', node: 'metrics' },
    metrics: { type: 'file', path: 'in.csv', labels: ['host'], metric: 'load', file_label: '', after: 'past' },
  },
  operators: {
    slow: { type: 'crash', from: ['past', 'metrics'], ms: 1 },
    odd: { type: 'detect', from: 'slow', warmup: 20 },
    five: { type: 'window', from: 'slow', size: '5m', aggregates: ['mean'] },
    odd_five: { type: 'detect', from: 'five', warmup: 10 },
  },
  sinks: { store: { type: 'duckdb', from: 'metrics', path: 'history.duckdb', retention: 'forever' }, out: { type: 'file', from, path: 'out.ndjson' } },
};
const { runtime } = await start(folder, parts, { checkpoint: checkpoints(folder, 20), base: folder, shards: 1, clock: { now: () => now, elapsed: () => performance.now() } });
const telling = setInterval(() => writeSync(1, `past ${runtime.status().nodes[0]!.rowsOut}\n`), 5);
await runtime.finished;
clearInterval(telling);
process.exit(0);
