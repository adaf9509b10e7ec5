import t from 'tap';
import { Delivery } from '../../connectors/questdb/delivery.js';
import { encodeLines } from '../../connectors/questdb/record.js';
import { RecordMemory } from '../../connectors/questdb/record-memory.js';
import type { Server } from '../../connectors/questdb/server.js';
import type { Tables } from '../../connectors/questdb/tables.js';
import { Spool } from '../../engine/spool.js';
import { stage } from './stage.js';

const text = (i: number) => `row ${i}\n`;

await t.test('what QuestDB has is not sent again where the disk fails then: other rows lie where it was', async (t) => {
  const { context, clock, counts } = stage(t.testdir());
  const taken: string[] = [];
  const server = {
    url: new URL('http://questdb:9000'),
    check: () => Promise.resolve(),
    write: (bodies: readonly Uint8Array[]) => Promise.resolve(void taken.push(...bodies.map((body) => Buffer.from(body).toString()))),
    close: () => {},
  } as unknown as Server;
  const tables = { prepare: () => Promise.resolve(), suspended: () => Promise.resolve([]) } as unknown as Tables;
  const spool = await Spool.open(context.folder, { limit: 1e6, from: undefined, clock, damaged: (message) => void t.fail(message), released: (bytes) => void bytes.fill(0x78, -text(0).length) });
  const next = spool.next.bind(spool);
  let calls = 0;
  // Each second time.
  spool.next = (limitBytes) => ((calls += 1) % 2 === 0 ? Promise.reject(new Error('the disk fails')) : next(limitBytes));
  const delivery = new Delivery(spool, server, tables, context);
  const all = Array.from({ length: 4 }, (_, i) => text(i));
  delivery.start();
  for (const body of all) {
    await spool.append(encodeLines({ kind: 'rows', node: 'n', table: 'n', rows: 1, columns: [], labels: [], body: Buffer.from(body) }, new RecordMemory()));
    await spool.drained();
  }
  t.strictSame(taken, all);
  t.ok(counts.get('retries')! >= 3, 'it was gone on after each failure');
  await spool.close();
  await delivery.stop();
});

await t.test('memory of records', (t) => {
  const memory = new RecordMemory();
  const size = 1024 * 1024;
  const first = memory.take(size);
  t.equal(first.length, size);
  t.not(memory.take(size).buffer, first.buffer);
  memory.giveBack(first);
  const again = memory.take(size + 5);
  t.strictSame([again.buffer === first.buffer, again.length], [true, size + 5], 'used again, for another length');
  const others = [10, 3 * size].map((length) => memory.take(length));
  t.strictSame(
    others.map(({ length, buffer }) => [length, buffer.byteLength]),
    [
      [10, 10],
      [3 * size, 3 * size],
    ],
    'small and large ones have their own',
  );
  for (const each of others) memory.giveBack(each);
  t.notOk(others.some(({ buffer }) => buffer === memory.take(size).buffer));
  const many = Array.from({ length: 100 }, () => memory.take(size));
  for (const each of many) memory.giveBack(each);
  const kept = new Set(many.map(({ buffer }) => buffer));
  t.equal(Array.from({ length: 100 }, () => memory.take(size)).filter(({ buffer }) => kept.has(buffer)).length, 16, 'bounded');
  t.end();
});
