// Appends numbered records to a spool from a position on, flushes now and then, and is its store as well, until it is killed.
// Says on its output what the store has ("store N") and each position once it is flushed ("flushed JSON").
import { writeSync } from 'node:fs';
import { Spool } from '../../engine/spool.js';

const [folder, from] = process.argv.slice(2);
const start = JSON.parse(from!) as { next: number; position?: { appended: number; acknowledged: number } };
const spool = await Spool.open(folder!, {
  limit: 2_000_000,
  memory: 20_000,
  from: start.position,
  clock: { now: () => 0, elapsed: () => 0 },
  damaged: (message) => {
    throw new Error(message);
  },
});

async function append(): Promise<never> {
  for (let next = start.next; ; next++) {
    const record = new Uint8Array(4 + (next % 3_000));
    new DataView(record.buffer).setUint32(0, next);
    await spool.append(record);
    if (next % 37 === 0) writeSync(1, `flushed ${JSON.stringify({ next: next + 1, position: await spool.flush() })}\n`);
  }
}

async function send(): Promise<never> {
  for (;;) {
    for (const { bytes, sequence } of (await spool.next(30_000))!) {
      writeSync(1, `store ${new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)}\n`);
      await new Promise(setImmediate);
      if (sequence % 5 === 0) await spool.acknowledge(sequence);
    }
  }
}

await Promise.all([append(), send()]);
