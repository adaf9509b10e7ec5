// Writes rows from a position on without end, with a checkpoint now and then, until it is killed; says each position once it is durable.
import { writeSync } from 'node:fs';
import { duckdbStore } from './duckdb-store.js';
import { anomaly, writeRows, type Row } from './store-conformance.js';

const [folder, from] = process.argv.slice(2);
const start = JSON.parse(from ?? '{"next":0}') as { next: number; checkpoint?: { run: number; checkpoint: number } };
const sink = duckdbStore(folder!);
await sink.open(start.checkpoint);
let { next } = start;
for (let number = (start.checkpoint?.checkpoint ?? 0) + 1; ; number++) {
  for (let k = 0; k < 5; k++) {
    const rows = Array.from({ length: 700 }, (_, i): Row => [next + i, `m{i="${(next + i) % 50}"}`, next + i, { twice: 2 * (next + i) }]);
    await writeRows(sink, 'n', rows);
    await sink.receive!('odd', anomaly(next, 1));
    next += rows.length;
    await sink.history!.rows({ node: 'n', from: next, to: next, limit: 1 });
  }
  writeSync(1, `${JSON.stringify({ next, checkpoint: await sink.flush(number) })}\n`);
}
