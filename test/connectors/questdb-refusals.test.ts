import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RefusedInput, Sink } from '../../engine/connector.js';
import { questdb, serversNeeded } from '../services/in-tests.js';
import { until } from '../engine-process.js';
import { applied, questdbStore, settled, sql, type Address } from './questdb-store.js';
import { anomaly, writeRows, type Row } from './store-conformance.js';

const needed = await serversNeeded('questdb');

/** Sends a letter in again, as the engine does. */
const resubmit = (sink: Sink, letter: RefusedInput) => sink.resubmit!({ ...letter, node: 'history', payload: letter.payload as string }, { key: 'one', repeated: false });

await t.test('what QuestDB refuses, and what it would lose without a word', needed, async (t) => {
  const server: Address = await questdb(t, { env: { QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false', QDB_LINE_AUTO_CREATE_NEW_COLUMNS: 'false' } });
  const { url } = server;
  const root = t.testdir();
  let stores = 0;
  const store = async (t: Test, config: Record<string, unknown> = {}) => {
    const prefix = `t${(stores += 1)}_`;
    const folder = await mkdtemp(join(root, 'store-'));
    const made = questdbStore(server, folder, { prefix, encoder: 'binary', ...config });
    await made.sink.open(undefined);
    t.teardown(() => made.sink.close());
    return { ...made, prefix, folder };
  };

  await t.test('rows with what no symbol can hold: each becomes a dead letter, all others are stored', async (t) => {
    const { sink, on, prefix } = await store(t);
    const refused = [0, 1, 777, 778, 4_999];
    const rows = Array.from({ length: 5_000 }, (_, i): Row => [i, refused.includes(i) ? `m{a="\0${i}"}` : `m{a="${i % 9}"}`, i]);
    await writeRows(sink, 'n', rows.slice(0, 2_000));
    await sink.receive!('odd', anomaly(1_000, 1));
    await writeRows(sink, 'b', rows.slice(0, 1).map(([time, , value]) => [time, 'fine', value]));
    await writeRows(sink, 'n', rows.slice(2_000));
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT count(), sum(value) FROM ${prefix}n`), [[4_995, rows.filter((_, i) => !refused.includes(i)).reduce((sum, [, , value]) => sum + value, 0)]]);
    t.strictSame(await sql(url, `SELECT count() FROM ${prefix}b`), [[1]]);
    t.strictSame(await sql(url, `SELECT count() FROM ${prefix}findings`), [[1]]);
    t.equal(on.letters.length, refused.length);
    t.equal(on.counts.get('refused'), refused.length);
    t.match(on.letters[2], { origin: `n for table ${prefix}n`, reason: /^Could not parse entire line, field value is invalid\. Field: series/, payload: `${prefix}n,series=m{a\\="\x00777"},a=\x00777 value=777 777000t` });
    await t.rejects(resubmit(sink, on.letters[2]!), /Could not parse entire line/, 'it is refused again');
    t.strictSame(sink.health!(), { status: 'ok' });
  });

  await t.test('half a character in a label', async (t) => {
    const { sink, on, prefix } = await store(t);
    await writeRows(sink, 'n', [
      [1, 'm{a="x\ud800"}', 1],
      [1, 'm{a="x\ud801"}', 2],
      [1, 'm{a="x"}', 3],
    ]);
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT value FROM ${prefix}n`), [[3]]);
    t.strictSame(on.letters.map(({ payload }) => payload), ['{"series":"m{a=\\"x\\ud800\\"}","time":1,"value":1}', '{"series":"m{a=\\"x\\ud801\\"}","time":1,"value":2}']);
    await t.rejects(resubmit(sink, on.letters[0]!), /has no form that QuestDB could take/);
  });

  await t.test('a type that does not fit: after the table is mended, the rows are taken again', async (t) => {
    const { sink, on, prefix } = await store(t);
    await sql(url, `CREATE TABLE ${prefix}n (ts TIMESTAMP, series SYMBOL, value BOOLEAN) TIMESTAMP(ts) PARTITION BY DAY WAL DEDUP UPSERT KEYS(ts, series)`);
    const rows = Array.from({ length: 200 }, (_, i): Row => [i, 'm', i + 0.1]);
    await writeRows(sink, 'n', rows);
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT count() FROM ${prefix}n`), [[0]]);
    t.equal(on.letters.length, 200);
    t.match(on.letters[7], { reason: /column: value; cast error from protocol type: FLOAT to column type: BOOLEAN/, payload: `${prefix}n,series=m value=7.1 7000t` });
    await sql(url, `ALTER TABLE ${prefix}n ALTER COLUMN value TYPE DOUBLE`);
    await applied(url);
    for (const letter of on.letters) await resubmit(sink, letter);
    await applied(url);
    t.strictSame(await sink.history!.rows({ node: 'n', from: 0, to: 1_000, limit: 1_000 }), rows.map(([time, series, value]) => ({ time, series, value, columns: {} })));
  });

  await t.test('a column or a table that is not as rows need it: they wait until somebody has changed it', async (t) => {
    const { sink, on, prefix } = await store(t);
    await sql(url, `CREATE TABLE ${prefix}n (ts TIMESTAMP, series SYMBOL, value DOUBLE, mean VARCHAR) TIMESTAMP(ts) PARTITION BY DAY WAL DEDUP UPSERT KEYS(ts, series)`);
    await sql(url, `CREATE TABLE ${prefix}b (ts TIMESTAMP, series SYMBOL, value DOUBLE) TIMESTAMP(ts) PARTITION BY DAY WAL`);
    await writeRows(sink, 'n', [[1, 'm', 1, { mean: 2 }]]);
    await sink.flush(1);
    const { detail } = await until(() => sink.health!().status === 'degraded' && sink.health!());
    t.match(detail, /^table t\d+_n: column already exists with a different column type .*; 1 records wait on disk .*; nothing is lost/);
    await sql(url, `ALTER TABLE ${prefix}n DROP COLUMN mean`);
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT mean FROM ${prefix}n`), [[2]]);
    t.strictSame(sink.health!(), { status: 'ok' });

    await writeRows(sink, 'b', [[1, 'm', 1]]);
    await sink.flush(2);
    await until(() => /table t\d+_b was not made by Millrace: rows in it are not one a ts and series/.test(sink.health!().detail ?? ''));
    await sql(url, `DROP TABLE ${prefix}b`);
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT value FROM ${prefix}b`), [[1]]);

    await sql(url, `DROP TABLE ${prefix}b`);
    await writeRows(sink, 'b', [[2, 'm', 2]]);
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT value FROM ${prefix}b`), [[2]], 'one that was dropped is made anew');
    t.strictSame(on.letters, []);
  });

  await t.test('what is older than the retention is left out and told; the retention is the TTL of the tables', async (t) => {
    const { sink, on, prefix, folder } = await store(t, { retention: '90d' });
    const day = 86_400_000;
    on.clock.time = Date.now();
    const at = (days: number) => Math.floor(on.clock.time - days * day);
    await writeRows(sink, 'n', [[at(91), 'm', 91], [at(89), 'm', 89], [at(400), 'm', 400], [at(0), 'm', 0]]);
    await sink.receive!('odd', anomaly(at(91), 1));
    await sink.receive!('odd', anomaly(at(1), 1));
    await settled(url, sink);
    t.strictSame(await sql(url, `SELECT value FROM ${prefix}n ORDER BY ts`), [[89], [0]]);
    t.strictSame(await sql(url, `SELECT count() FROM ${prefix}findings`), [[1]]);
    t.equal(on.counts.get('old'), 3);
    t.match(on.logged.filter(({ level }) => level === 40), [{ msg: 'rows of node n are older than `retention` and are left out' }, { msg: /of node odd/ }]);
    const ttl = () => sql(url, `SELECT table_name, ttlValue, ttlUnit FROM tables() WHERE table_name LIKE '${prefix}%' ORDER BY table_name`);
    t.strictSame(await ttl(), [[`${prefix}findings`, 90, 'DAY'], [`${prefix}n`, 90, 'DAY']]);
    await sink.close();
    const again = questdbStore(server, folder, { prefix, retention: '30d' }).sink;
    await again.open(undefined);
    await writeRows(again, 'n', [[Date.now(), 'm', 1]]);
    await settled(url, again);
    t.strictSame(await ttl(), [[`${prefix}findings`, 90, 'DAY'], [`${prefix}n`, 30, 'DAY']]);
    await again.close();
  });

  await t.test('a lower revision does not replace a higher one', async (t) => {
    const { sink } = await store(t);
    await sink.receive!('odd', anomaly(1_000, 3));
    await sink.receive!('odd', anomaly(1_000, 2));
    await sink.flush(1);
    await sink.receive!('odd', anomaly(1_000, 1));
    await settled(url, sink);
    t.strictSame(await sink.history!.findings({ from: 0, to: 1e6, limit: 10 }), [anomaly(1_000, 3)]);
  });

  await t.test('names that cannot be told apart are refused', async (t) => {
    const on = questdbStore(server, root).on;
    const open = (inputs: string[], config = {}) => questdbStore(server, root, config, { ...on.context, inputs }).sink.open(undefined);
    await t.rejects(open(['CPU', 'cpu']), /nodes CPU and cpu would share the table cpu, where their rows overwrite each other: rename one/);
    await t.rejects(open(['a.b', 'a-b'], { prefix: 'X_' }), /would share the table x_a_b/);
    await t.rejects(open(['Findings']), /node Findings would have the table findings, which is that of the findings/);
    const { sink } = await store(t);
    await t.rejects(writeRows(sink, 'n', [[1, 'm', 1, { Value: 2 }]]), /column Value of node n has the name of a column that every table has: rename it/);
    await t.rejects(writeRows(sink, 'n', [[1, 'm', 1, { 'a.b': 2, 'a-b': 3 }]]), /columns a\.b and a-b of node n would both be a_b in QuestDB: rename one/);
  });
});
