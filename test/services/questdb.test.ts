import t from 'tap';
import { questdb, serversNeeded } from './in-tests.js';

const needed = await serversNeeded('questdb');

/** Rows of a query, or the error of the server. */
async function sql(url: string, query: string): Promise<unknown> {
  const answer = (await (await fetch(`${url}/exec?query=${encodeURIComponent(query)}`)).json()) as { dataset?: unknown[]; error?: string; ddl?: string };
  return answer.dataset ?? answer.ddl ?? answer.error;
}

async function write(url: string, lines: string): Promise<number> {
  return (await fetch(`${url}/write?precision=n`, { method: 'POST', body: lines })).status;
}

/** Rows are visible when the log of the table has been applied. */
async function count(url: string, wanted: number): Promise<unknown> {
  for (;;) {
    const rows = await sql(url, 'select count() from kept');
    if (Array.isArray(rows) && (rows[0] as number[])[0]! >= wanted) return rows;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('QuestDB keeps what it has acknowledged over a stop, a kill -9 and a restart', needed, async (t) => {
  const server = await questdb(t, { env: { QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false' } });
  const { url } = server;
  t.strictSame(await sql(url, 'select 1'), [[1]]);
  t.match(await (await fetch(`http://127.0.0.1:${server.ports['health']}/status`)).text(), /Healthy/);
  t.equal(await write(url, 'kept,series=a value=1.5 1700000000000000000\n'), 400, 'a table that a test has not made, by its setting');

  t.equal(await sql(url, 'create table kept (ts timestamp, series symbol, value double) timestamp(ts) partition by day wal dedup upsert keys(ts, series)'), 'OK');
  t.equal(await write(url, 'kept,series=a value=1.5 1700000000000000000\nkept,series=b value=2.5 1700000000000000000\n'), 204);
  await count(url, 2);
  t.strictSame(await sql(url, 'select ts, series, value from kept order by series'), [
    ['2023-11-14T22:13:20.000000Z', 'a', 1.5],
    ['2023-11-14T22:13:20.000000Z', 'b', 2.5],
  ]);

  await server.restart();
  t.equal(server.url, url, 'on the same port');
  t.strictSame(await count(url, 2), [[2]]);

  t.equal(await write(url, 'kept,series=c value=3.5 1700000000000000000\n'), 204);
  await server.kill();
  await t.rejects(fetch(`${url}/exec?query=select+1`));
  await server.restart();
  t.strictSame(await count(url, 3), [[3]]);
});
