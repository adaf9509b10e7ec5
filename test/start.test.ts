import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Database } from '../connectors/duckdb/database.js';
import { systemClock } from '../engine/clock.js';
import { emptyFolder, EngineProcess, plainEnvironment, until } from './engine-process.js';

// Compiled to build/test/.
const root = resolve(import.meta.dirname, '../..');

/** What `npm start` is, with the graph that comes with Millrace, whose relative paths begin at the folder. */
const script = join(root, 'scripts/start.mjs');
const start = (t: Test, folder: string) => new EngineProcess(t, [process.execPath, script], folder, { MILLRACE_SERVER_PORT: '0', MILLRACE_CHECKPOINT_INTERVAL: '2s' });

/** The same where it can only fail. */
function refused(folder: string, port: number) {
  return spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8', env: plainEnvironment({ MILLRACE_SERVER_PORT: String(port) }) });
}

const active = { status: 'active' };
const healthy = { overall_status: 'healthy', components: { anomaly_detection: active, slo_monitoring: active, alert_correlation: active, capacity_planning: active } };
const ended = { code: 0, signal: null };

/** A queue of five quiet minutes, a row a second, that is ten times as long for the last 20 s. */
function jump(end: number): object[] {
  return Array.from({ length: 320 }, (_, second) => ({
    metric_name: 'queue_depth',
    value: second < 300 ? 40 + (second % 5) : 400,
    timestamp: new Date(end - (320 - second) * 1_000).toISOString(),
  }));
}

/** Times of what the history has of the machine, in a time. */
async function seen(engine: EngineProcess, from: number, to: number): Promise<number[]> {
  const { series } = await engine.json<{ series: { rows: [number][] }[] }>(`/api/history?node=host&metric_name=memory_used_percent&from=${from}&to=${to}`);
  return series.flatMap(({ rows }) => rows.map(([time]) => time));
}

/** The anomaly of the queue, once it is told. */
function anomaly(engine: EngineProcess): Promise<{ id: string }> {
  return until(async () => {
    const { anomalies } = await engine.json<{ anomalies: { id: string }[] }>('/api/anomalies?metric_name=queue_depth&time_range=1h');
    return anomalies[0];
  });
}

/** Rows of a query on the history that a stopped engine left. */
async function stored(folder: string, sql: string): Promise<unknown[][]> {
  const database = await Database.open(join(folder, 'data/history.duckdb'), 96e6);
  const rows: unknown[][] = [];
  await database.read(sql, [], (columns) => {
    for (let i = 0; i < columns[0]!.length; i++) rows.push(columns.map((column) => column[i]));
  });
  await database.close();
  return rows;
}

await t.test('started, stopped, started, killed, started: ready each time, the past is there, nothing counts twice', async (t) => {
  const folder = emptyFolder(t);
  const began = systemClock.now();

  const first = start(t, folder);
  t.match(await first.ready(), /^http:\/\/127\.0\.0\.1:\d+$/);
  t.equal(first.stdout.match(/Millrace is running/g)?.length, 1, 'one line tells the address');
  t.equal((await first.get('/readyz')).text, 'ready\n');
  t.same(await first.json('/api/system-health'), healthy);
  t.match(await first.json('/health'), { status: 'ok', state: 'running', ready: true, restarts: 0, failures: [] });
  if (existsSync(join(root, 'build/dashboard/index.html'))) t.match(await first.get('/'), { status: 200, text: /<!doctype html>/i });
  const points = await first.firstRows('host');
  t.ok(points.length > 0 && points.every(([, time]) => time! > began - 60_000), 'the machine is on /live');
  const samples = (await first.get('/metrics')).text.split('\n').flatMap((line) => /^(\w+(?:\{.*\})?) \S+$/.exec(line)?.[1] ?? []);
  t.ok(samples.length > 50);
  t.same(samples.filter((sample, i) => samples.indexOf(sample) !== i), [], '/metrics tells each thing once');
  t.same(await first.end('SIGTERM'), ended, { log: first.stdout + first.stderr });

  const stopped = systemClock.now();
  const second = start(t, folder);
  await second.ready();
  t.equal(second.stderr, '', 'nothing was to be installed or built');
  t.ok((await seen(second, began, stopped)).length > 0, 'what the first run saw is there');
  await until(async () => (await second.json<{ checkpoint?: object }>('/health')).checkpoint !== undefined);
  t.match((await second.get('/metrics')).text, /^millrace_checkpoint_timestamp_seconds [\d.]{10,}$/m);
  t.equal((await second.post('/api/metrics', jump(systemClock.now()))).status, 202);
  // Who reads the history has it written first: what is newer than the checkpoint is in the file, too.
  const told = await anomaly(second);
  t.same(await second.end('SIGKILL'), { code: null, signal: 'SIGKILL' });

  const killed = systemClock.now();
  const third = start(t, folder);
  await third.ready();
  t.ok((await seen(third, began, stopped)).length > 0);
  t.same(await anomaly(third), told);
  t.same(await third.json('/api/system-health'), healthy);
  await until(async () => (await seen(third, killed, systemClock.now())).length > 0);
  t.same(await third.end('SIGTERM'), ended, { log: third.stdout + third.stderr });

  const tables = (await stored(folder, 'SELECT node, rows FROM millrace_nodes')) as [string, string][];
  t.ok(['host', 'http', 'odd', 'odd_posted'].every((node) => tables.some(([name]) => name === node)), tables.join(' '));
  for (const [node, table] of tables) t.same(await stored(folder, `SELECT "time", series, count(*) FROM "${table}" GROUP BY ALL HAVING count(*) > 1`), [], `${node}: no row twice`);
  t.same(await stored(folder, `SELECT count(*)::INT FROM http JOIN millrace_series ON id = http.series WHERE metric = 'queue_depth'`), [[320]], 'and all that were posted');
  t.same(await stored(folder, 'SELECT node, id, revision, count(*) FROM millrace_findings GROUP BY ALL HAVING count(*) > 1'), [], 'no finding twice');
  t.same(await stored(folder, `SELECT node, count(*)::INT FROM millrace_findings WHERE id = '${told.id}' AND revision = 1 GROUP BY node`), [['odd_posted', 1]]);
});

await t.test('a second signal ends it at once', async (t) => {
  const engine = start(t, emptyFolder(t));
  await engine.ready();
  engine.child.kill('SIGTERM');
  await until(() => engine.log.some(({ msg }) => msg.startsWith('stopping')));
  // Held where it is, or it would have stopped by then: the two of one Ctrl-C come within half a second.
  engine.child.kill('SIGSTOP');
  await sleep(600);
  engine.child.kill('SIGTERM');
  t.same(await engine.end('SIGCONT'), { code: 143, signal: null });
  t.match(engine.stderr, /stopped at once/);
});

await t.test('what is in use is told, with what to do', async (t) => {
  const folder = emptyFolder(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const another = refused(folder, port);
  t.equal(another.status, 2);
  t.match(another.stderr, new RegExp(`^millrace: port ${port} on 127\\.0\\.0\\.1 is taken by another process: .*MILLRACE_SERVER_PORT\n$`));

  const engine = start(t, folder);
  await engine.ready();
  const twice = refused(folder, 0);
  t.equal(twice.status, 2);
  t.match(twice.stderr, /^millrace: .*data\b.*\n$/, 'a folder has one engine');
  t.equal((await engine.get('/readyz')).status, 200, 'which goes on');
  t.same(await engine.end('SIGTERM'), ended);
});
