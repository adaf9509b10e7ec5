import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Sink } from '../../engine/connector.js';
import { duckdbStore } from './duckdb-store.js';
import { anomaly, storeConformance, writeRows, type Row } from './store-conformance.js';

const ALL = { from: -Infinity, to: Infinity, limit: 100_000 };
const values = async (sink: Sink, node: string) => (await sink.history!.rows({ node, ...ALL })).map(({ value }) => value);

/** What SQL says about a closed file. */
async function query(folder: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(join(folder, 'history.duckdb'));
  const connection = await instance.connect();
  try {
    return (await (await connection.run(sql)).getRows()) as unknown[][];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

await t.test('as every store', async (t) => {
  const root = t.testdir();
  const traits = { settled: async () => {}, forgets: true, column: (name: string) => name, firstTime: -1, runs: 8 };
  await storeConformance(t, traits, async () => {
    const folder = await mkdtemp(join(root, 'store-'));
    return () => duckdbStore(folder);
  });
});

await t.test('nodes whose names differ in case alone have tables of their own', async (t) => {
  const sink = duckdbStore(t.testdir());
  await sink.open(undefined);
  await writeRows(sink, 'CPU', [[1, 'm', 1]]);
  await writeRows(sink, 'cpu', [[1, 'm', 2]]);
  t.same([await values(sink, 'CPU'), await values(sink, 'cpu'), await sink.history!.nodes()], [[1], [2], ['CPU', 'cpu']]);
  await sink.close();
});

await t.test('kill -9 at any moment: nothing is missing and nothing is there twice', async (t) => {
  const folder = t.testdir();
  const child = fileURLToPath(new URL('duckdb-child.js', import.meta.url));
  let position = '{"next":0}';
  for (const delay of fc.sample(fc.nat(120), { numRuns: 4, seed: 5 })) {
    const writing = spawn(process.execPath, [child, folder, position], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    writing.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(writing.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, delay));
    writing.kill('SIGKILL');
    await once(writing, 'close');
    position = said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1)!;
  }
  const { next, checkpoint } = JSON.parse(position) as { next: number; checkpoint: { run: number; checkpoint: number } };
  const sink = duckdbStore(folder);
  await sink.open(checkpoint);
  t.equal((await sink.history!.findings(ALL)).length, next / 700);
  await sink.close();
  const [row] = await query(folder, 'SELECT count(*)::INTEGER, count(DISTINCT value)::INTEGER, max(value), count(*) FILTER (twice <> 2 * value)::INTEGER FROM n');
  t.same(row, [next, next, next - 1, 0]);
  t.same(await query(folder, "SELECT count(*)::INTEGER, count(DISTINCT series)::INTEGER, min(metric) FROM millrace_series JOIN (SELECT DISTINCT series AS id FROM n) USING (id)"), [[50, 50, 'm']]);
});

await t.test('a new run forgets one that came to no checkpoint, and keeps one that did', async (t) => {
  const folder = t.testdir();
  const run = async (value: number, flushes: number) => {
    const sink = duckdbStore(folder);
    await sink.open(undefined);
    await writeRows(sink, 'n', [[value, 'm', value]]);
    for (let k = 1; k <= flushes; k++) await sink.flush(k);
    const found = await values(sink, 'n');
    await sink.close();
    return found;
  };
  t.same(await run(1, 0), [1]);
  t.same(await run(2, 1), [2], 'its first checkpoint may not have been committed after the flush');
  t.same(await run(3, 2), [3]);
  t.same(await run(4, 1), [3, 4]);
  t.same(await run(5, 0), [3, 5]);

  const sink = duckdbStore(folder);
  await sink.open({ run: 2, checkpoint: 0 });
  t.same(await values(sink, 'n'), [3], 'a position of this run leaves the runs before in place');
  await sink.close();
});

await t.test('what is older than the retention is deleted, behind the watermark', async (t) => {
  const folder = t.testdir();
  const day = 86_400_000;
  const sink = duckdbStore(folder, { retention: '10d' }, (line) => t.fail(line));
  await sink.open(undefined);
  const rows = Array.from({ length: 30 }, (_, i): Row => [i * day, `m{day="${i}"}`, i]);
  await writeRows(sink, 'n', rows.slice(0, 15));
  await sink.receive!('odd', anomaly(day, 1));
  await sink.receive!('odd', anomaly(9 * day, 1));
  await sink.advance!(14 * day);
  await sink.flush(1);
  await sink.close();
  const again = duckdbStore(folder, { retention: '10d' }, (line) => t.fail(line));
  await again.open({ run: 1, checkpoint: 1 });
  t.same(await values(again, 'n'), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  t.same(
    (await again.history!.findings(ALL)).map(({ openedAt }) => openedAt),
    [9 * day],
  );
  await again.flush(2);
  await again.advance!(Infinity);
  await again.flush(3);
  await again.advance!(29 * day);
  await writeRows(again, 'n', rows.slice(15));
  await again.flush(4);
  await writeRows(again, 'n', [[29 * day + 1, 'm{day="4"}', 100]]);
  await again.flush(5);
  await again.close();
  t.same(
    await query(folder, 'SELECT s.series, r.value FROM n r JOIN millrace_series s ON s.id = r.series ORDER BY value'),
    [...rows.slice(19).map(([, series, value]) => [series, value]), ['m{day="4"}', 100]],
    'a series that was forgotten and came back has its name',
  );
});

await t.test('a file that cannot be used is named, with what to do', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'history.duckdb');
  const sink = duckdbStore(folder);
  await sink.open(undefined);
  await writeRows(sink, 'n', [[1, 'm', 1]]);
  await sink.flush(1);
  const other = spawnSync(process.execPath, [fileURLToPath(new URL('duckdb-child.js', import.meta.url)), folder], { encoding: 'utf8' });
  t.match(other.stderr, /history .*history\.duckdb: another process has it open: stop that one/);
  await t.rejects(duckdbStore(folder).open(undefined), /history .*history\.duckdb: another sink has it open: give each its own path/);
  await sink.close();

  const refused = async (t: Test, message: RegExp) => {
    const damaged = duckdbStore(folder);
    await t.rejects(damaged.open(undefined), message);
  };
  await copyFile(path, `${path}.good`);
  await writeFile(path, 'not a database'.repeat(1000));
  await refused(t, /history .*history\.duckdb: the file is damaged: restore it, or move it and its \.wal aside/);
  await copyFile(`${path}.good`, path);
  await truncate(path, 9000);
  await refused(t, /the file is damaged/);
  const bytes = await readFile(`${path}.good`);
  for (let block = 12288; block < bytes.length; block += 262144) bytes[block + 100]! ^= 1;
  await writeFile(path, bytes);
  await refused(t, /the file is damaged/);
  await copyFile(`${path}.good`, path);
  const newer = await DuckDBInstance.create(path);
  const connection = await newer.connect();
  await connection.run('UPDATE millrace_state SET version = 99');
  connection.closeSync();
  newer.closeSync();
  await refused(t, /its tables have version 99, this Millrace writes 1/);
  await refused(t, /version 99/);
});

await t.test('a column with the name of one that every table has is refused', async (t) => {
  const sink = duckdbStore(t.testdir());
  await sink.open(undefined);
  await t.rejects(writeRows(sink, 'n', [[1, 'm', 1, { Value: 2 }]]), /column Value of node n has the name of a column that every table has: rename it/);
  await sink.close();
});

const noLimits = process.platform !== 'linux' || spawnSync('prlimit', ['--version']).error !== undefined;

await t.test('a full disk is told, and once there is room nothing is missing and nothing there twice', { skip: noLimits && 'needs prlimit' }, async (t) => {
  const folder = t.testdir();
  // No file may grow past 2 MB: to a writer the same as a full disk.
  const child = fileURLToPath(new URL('duckdb-full-child.js', import.meta.url));
  const writing = spawn('sh', ['-c', 'trap "" XFSZ; ulimit -S -f 4096; exec "$0" "$@"', process.execPath, child, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(writing, 'exit');
  const lines = createInterface(writing.stdout)[Symbol.asyncIterator]();
  const heard = async () => JSON.parse(((await lines.next()) as { value: string }).value) as { failure?: string; health: object; next: number };
  const full = await heard();
  t.match(full.failure, /history .*history\.duckdb: the disk is full: free some space or shorten the retention/);
  t.same(full.health, { status: 'down', detail: full.failure });
  writing.stdin.write('again\n');
  t.match((await heard()).failure, /the disk is full/);
  spawnSync('prlimit', ['--pid', String(writing.pid), '--fsize=unlimited']);
  writing.stdin.end('again\n');
  const well = await heard();
  t.same(well.health, { status: 'ok' });
  await exited;
  t.same(await query(folder, 'SELECT count(*)::INTEGER, count(DISTINCT time)::INTEGER FROM n'), [[well.next, well.next]]);
});
