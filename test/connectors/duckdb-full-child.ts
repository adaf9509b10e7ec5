// Writes rows until the disk is full; then tries again each time it is told to, on its input, until it succeeds.
import { createInterface } from 'node:readline';
import { duckdbStore } from './duckdb-store.js';
import { writeRows, type Row } from './store-conformance.js';

const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const sink = duckdbStore(process.argv[2]!);
await sink.open(undefined);
let next = 0;
let number = 1;
const step = async () => {
  try {
    await sink.flush(number);
    number += 1;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};
let failure: string | undefined;
while (failure === undefined) {
  const rows = Array.from({ length: 5000 }, (_, i): Row => [next + i, 'm', Math.sin(next + i)]);
  await writeRows(sink, 'n', rows);
  next += rows.length;
  failure = await step();
}
say({ failure, health: sink.health!() });
for await (const _ of createInterface(process.stdin)) {
  const failure = await step();
  say({ failure, health: sink.health!(), next });
  if (failure === undefined) break;
}
await sink.close();
