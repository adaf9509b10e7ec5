// Runs file → window → detect into a DuckDB store and a file, with checkpoints, until it ends or is killed. Says when it is up, and each checkpoint.
import { writeSync } from 'node:fs';
import { checkpoints, start, type Parts } from './fixture.js';

const folder = process.argv[2]!;
const parts: Parts = {
  sources: { in: { type: 'file', path: '../in.csv', disorder: '2s', labels: ['host'], metric: 'load', file_label: '' } },
  operators: {
    ten: { type: 'window', from: 'in', size: '10s', slide: '5s', aggregates: ['mean', 'max', 'p90'] },
    odd: { type: 'detect', from: 'ten', warmup: 20 },
  },
  sinks: {
    store: { type: 'duckdb', from: ['ten', 'odd', 'ten.late'], path: 'store.duckdb', retention: 'forever' },
    out: { type: 'file', from: ['ten', 'odd', 'ten.late'], path: 'out.ndjson' },
  },
};
const { runtime, logged } = await start(folder, parts, { checkpoint: checkpoints(folder, 100), base: folder });
writeSync(1, 'up\n');
let told = 0;
const telling = setInterval(() => {
  const { number = 0 } = runtime.status().checkpoint ?? {};
  if (number > told) writeSync(1, `saved ${number}\n`);
  told = number;
}, 5);
await runtime.finished;
clearInterval(telling);
// Whoever is killed while he takes a checkpoint leaves nothing to complain about.
for (const { level, msg } of logged) if (level >= 40) writeSync(1, `complained: ${msg}\n`);
process.exit(0);
