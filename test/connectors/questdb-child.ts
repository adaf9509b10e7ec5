// Writes rows to a QuestDB from a position on without end, with a checkpoint now and then, until it is killed; says each position once it is durable.
import { writeSync } from 'node:fs';
import type { Position } from '../../engine/connector.js';
import { questdbStore, type Address } from './questdb-store.js';
import { anomaly, writeRows, type Row } from './store-conformance.js';

const [folder, address, from] = process.argv.slice(2);
const start = JSON.parse(from!) as { next: number; checkpoint?: Position };
const { sink } = questdbStore(JSON.parse(address!) as Address, folder!, { encoder: 'binary' });
await sink.open(start.checkpoint);
let { next } = start;
for (let number = 1; ; number++) {
  for (let k = 0; k < 5; k++) {
    const rows = Array.from({ length: 700 }, (_, i): Row => [next + i, `m{i="${(next + i) % 50}"}`, next + i, { twice: 2 * (next + i) }]);
    await writeRows(sink, 'n', rows);
    await sink.receive!('odd', anomaly(next, 1));
    next += rows.length;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  writeSync(1, `${JSON.stringify({ next, checkpoint: await sink.flush(number) })}\n`);
}
