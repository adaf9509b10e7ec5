import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import type { Position, Sink } from '../../engine/connector.js';
import { questdb, serversNeeded } from '../services/in-tests.js';
import { until } from '../engine-process.js';
import { applied, questdbStore, settled, sql } from './questdb-store.js';
import { writeRows, type Row } from './store-conformance.js';

const needed = await serversNeeded('questdb');

/** Rows from a number on: time, value and a column tell it. */
const numbered = (from: number, count: number): Row[] => Array.from({ length: count }, (_, i) => [from + i, `m{i="${(from + i) % 50}"}`, from + i, { twice: 2 * (from + i) }]);

/** What is not as it should be of the rows up to a number; whoever wrote more has them later. */
async function wrong(url: string, table: string, upTo: number): Promise<unknown> {
  const [[count, distinct, sum, others]] = (await sql(url, `SELECT count(), count_distinct(ts), sum(value), sum(CASE WHEN twice = 2 * value AND cast(ts AS LONG) = 1000 * value THEN 0 ELSE 1 END) FROM ${table} WHERE value < ${upTo}`)) as [[number, number, number, number]];
  return count === upTo && distinct === upTo && sum === (upTo * (upTo - 1)) / 2 && others === 0 ? undefined : { count, distinct, sum, others, upTo };
}

await t.test('of QuestDB and Millrace each may be killed, or be away', needed, async (t) => {
  const server = await questdb(t, { env: { QDB_DEV_MODE_ENABLED: 'true' } });
  const address = { url: server.url, postgres: server.postgres };

  await t.test('QuestDB is killed and started again while rows are written: each is stored once', async (t) => {
    const { sink } = questdbStore(address, t.testdir(), { encoder: 'binary', prefix: 'killed_' });
    await sink.open(undefined);
    let next = 0;
    let writing = true;
    const writer = (async () => {
      for (let checkpoint = 1; writing; checkpoint++) {
        await writeRows(sink, 'n', numbered(next, 1_000));
        next += 1_000;
        if (checkpoint % 10 === 0) await sink.flush(checkpoint);
        await sleep(1);
      }
    })();
    for (const delay of fc.sample(fc.integer({ min: 50, max: 400 }), { numRuns: 1, seed: 3 })) {
      await sleep(delay);
      await server.kill();
      const killedAt = next;
      await until(() => sink.health!().status === 'degraded' && next > killedAt + 5_000);
      t.match(sink.health!().detail, /^QuestDB http:\/\/127\.0\.0\.1:\d+: ECONN\w+; \d+ records wait on disk \(.*\); nothing is lost/, 'it is away, and rows are taken');
      await server.restart();
      await until(() => sink.health!().status === 'ok');
    }
    writing = false;
    await writer;
    await settled(server.url, sink);
    t.equal(await wrong(server.url, 'killed_n', next), undefined);
    await sink.close();
  });

  await t.test('Millrace is killed while rows are written: each is stored once', async (t) => {
    const folder = t.testdir();
    const child = fileURLToPath(new URL('questdb-child.js', import.meta.url));
    let position = '{"next":0}';
    for (const delay of fc.sample(fc.nat(200), { numRuns: 3, seed: 9 })) {
      const writes = spawn(process.execPath, [child, folder, JSON.stringify(address), position], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      writes.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
      await once(writes.stdout, 'data');
      await sleep(delay);
      writes.kill('SIGKILL');
      await once(writes, 'close');
      position = said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1)!;
    }
    const { next, checkpoint } = JSON.parse(position) as { next: number; checkpoint: Position };
    const { sink } = questdbStore(address, folder);
    await sink.open(checkpoint);
    await settled(server.url, sink);
    t.equal(await wrong(server.url, 'n', next), undefined);
    t.strictSame(await sql(server.url, `SELECT count() FROM findings WHERE ts < ${next * 1_000}`), [[next / 700]]);
    await sink.close();
  });

  await t.test('QuestDB is away for longer than the spool lasts, over a restart of Millrace: sources wait, nothing is lost', async (t) => {
    const folder = t.testdir();
    const open = async (from: Position | undefined): Promise<Sink> => {
      const { sink } = questdbStore(address, folder, { encoder: 'binary', spool: '64MiB', prefix: 'away_' });
      await sink.open(from);
      return sink;
    };
    let sink = await open(undefined);
    await writeRows(sink, 'n', numbered(0, 1_000));
    await settled(server.url, sink);
    await server.kill();
    let next = 1_000;
    const write = () => {
      const rows = numbered(next, 10_000);
      next += rows.length;
      return writeRows(sink, 'n', rows);
    };
    for (let i = 0; i < 20; i++) await write();
    const position = await sink.flush(1);
    const flushed = next;
    await write();
    await sink.close();
    sink = await open(position);
    next = flushed;
    let waits = 0;
    for (; waits === 0 && next < 5e6; ) {
      const writing = write();
      if ((await Promise.race([writing, until(() => sink.health!().status === 'down' && 'full')])) === 'full') {
        await sleep(100);
        waits = next;
        t.match(sink.health!().detail, /\(6\d\.\d MB of 67\.1 MB, .*\): the graph waits until there is room/);
        await server.restart();
      }
      await writing;
    }
    t.ok(waits > flushed, 'the bound was reached');
    await settled(server.url, sink);
    t.equal(await wrong(server.url, 'away_n', next), undefined);
    t.strictSame(sink.health!(), { status: 'ok' });
    await sink.close();
  });

  await t.test('a way there that takes small requests alone: what waits is sent in smaller ones, until it gets through', async (t) => {
    let most = 0;
    const proxy = createServer((asked, answer) => {
      if (Number(asked.headers['content-length'] ?? 0) > most) {
        asked.resume().once('end', () => answer.writeHead(504).end());
        return;
      }
      const { method, headers } = asked;
      const passed = request(`${server.url}${asked.url}`, { method, headers }, (got) => got.pipe(answer.writeHead(got.statusCode!, got.headers)));
      asked.pipe(passed);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.teardown(() => proxy.close());
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { sink } = questdbStore({ ...address, url }, t.testdir(), { encoder: 'binary', prefix: 'small_' });
    await sink.open(undefined);
    await writeRows(sink, 'n', numbered(0, 80_000));
    await sink.flush(1);
    await until(() => sink.health!().status === 'degraded');
    // More than a record, less than two.
    most = 1_500_000;
    await settled(server.url, sink);
    t.equal(await wrong(server.url, 'small_n', 80_000), undefined);
    await sink.close();
  });

  await t.test('a table that QuestDB has suspended: rows are held back and told, until it is resumed', async (t) => {
    const { sink, on } = questdbStore(address, join(t.testdir(), 'spool'), { prefix: 'held_' });
    await sink.open(undefined);
    await writeRows(sink, 'n', numbered(0, 1_000));
    await settled(server.url, sink);
    await sql(server.url, 'ALTER TABLE held_n SUSPEND WAL');
    await writeRows(sink, 'n', numbered(1_000, 1_000));
    await sink.flush(1);
    const { detail } = await until(() => sink.health!().status === 'degraded' && sink.health!());
    t.match(detail, /^QuestDB has suspended held_n.*: find out why, then ALTER TABLE \.\.\. RESUME WAL; 1 records wait on disk/);
    t.strictSame(await sql(server.url, `SELECT sequencerTxn - writerTxn FROM wal_tables() WHERE name = 'held_n'`), [[0]], 'none was sent');
    await sql(server.url, 'ALTER TABLE held_n RESUME WAL');
    await settled(server.url, sink);
    t.equal(await wrong(server.url, 'held_n', 2_000), undefined);
    t.match(on.logged.filter(({ msg }) => msg.includes('QuestDB')).map(({ msg }) => msg), [/suspended held_n.*; what is written waits on disk/, /takes rows again/], 'each change is told once');
    await sink.close();
    await applied(server.url);
  });
});
