import { gzipSync } from 'node:zlib';
import t from 'tap';
import { ask, type Reply } from '../server/raw-client.js';
import { listen, NOW } from './http-publisher.js';

const post = (port: number, path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Reply> =>
  ask(port, path, { method: 'POST', body, headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'Telegraf/1.31.0', ...headers } });

await t.test('what agents of InfluxDB 1 send: its parameters, its precisions, its answers', async (t) => {
  const { publisher, port } = await listen(t);
  const pinged = await ask(port, '/ping');
  t.equal(pinged.status, 204);
  t.ok(pinged.headers['x-influxdb-version'], 'clients ask for it');
  const second = NOW / 1_000;
  const sent: [query: string, stamp: string][] = [
    ['db=telegraf', `${NOW}000000`],
    ['db=telegraf&precision=', `${NOW}000000`],
    ['db=telegraf&rp=autogen&consistency=one&u=me&p=secret&precision=ns', `${NOW}000000`],
    ['db=telegraf&precision=n', `${NOW}000000`],
    ['db=telegraf&precision=u', `${NOW}000`],
    ['db=telegraf&precision=us', `${NOW}000`],
    ['db=telegraf&precision=ms', `${NOW}`],
    ['db=telegraf&precision=s', `${second}`],
    ['db=telegraf&precision=m', `${second / 60}`],
    ['db=telegraf&precision=h', `${second / 3600}`],
    ['db=telegraf', ''],
  ];
  for (const [i, [query, stamp]] of sent.entries()) {
    const answer = await post(port, `/write?${query}`, i % 2 === 0 ? `m value=${i} ${stamp}\n` : gzipSync(`m value=${i} ${stamp}\n`), i % 2 === 0 ? {} : { 'content-encoding': 'gzip' });
    t.equal(answer.status, 204, query);
    t.equal(answer.text, '');
  }
  const rows: string[] = [];
  while (rows.length < sent.length) rows.push(...(await publisher.read()).rows);
  t.same(rows, sent.map((_, i) => `0 m ${i}`));

  const wrong = await post(port, '/write?db=telegraf&precision=d', 'm value=1');
  t.equal(wrong.status, 400);
  t.same(wrong.json(), { error: 'invalid precision "d": use ns, us, ms, s, m, h' });
  const bad = await post(port, '/write?db=telegraf', 'm,é value\n');
  t.same(bad.json(), { error: "unable to parse 'm,é value': a tag has no = (line 1, byte 2)" });
  t.equal(bad.headers['x-influxdb-error'], "unable to parse 'm,? value': a tag has no = (line 1, byte 2)");
  t.equal((await post(port, '/write?db=telegraf', '# nothing\n')).status, 204);
  t.equal((await ask(port, '/write')).status, 405);
});

await t.test('past its bounds it says so in the form of InfluxDB, and takes nothing', async (t) => {
  const { publisher, port } = await listen(t, { max_samples: 1_000, max_body: '64KiB', log_size: '256KiB' });
  const line = `${'m'.repeat(50)} value=1\n`;
  const unpacked = await post(port, '/api/v2/write?precision=s', gzipSync(line.repeat(2_000)), { 'content-encoding': 'gzip' });
  t.equal(unpacked.status, 413);
  t.match(unpacked.json(), { code: 'request too large', message: /longer than 65536 bytes/ });
  t.match((await post(port, '/write', 'm value=1\n'.repeat(1_001))).json(), { error: /more than 1000 samples/ });
  t.match((await post(port, '/api/v2/write', 'no gzip', { 'content-encoding': 'gzip' })).json(), { code: 'invalid', message: /not valid gzip/ });
  t.match((await post(port, '/write', 'm value=1', { 'content-encoding': 'zstd' })).json(), { error: /zstd/ });
  const statuses: number[] = [];
  let full: Reply | undefined;
  for (let i = 0; i < 20 && full === undefined; i++) {
    const answer = await post(port, '/api/v2/write', `m x\n${line.repeat(1_000 - 1)}`);
    statuses.push(answer.status);
    if (answer.status === 429) full = answer;
  }
  t.ok(statuses.length > 1, `${statuses.join(' ')}`);
  t.match(full!.json(), { code: 'too many requests', message: /log of accepted samples is full/ });
  t.ok(Number(full!.headers['retry-after']) > 0);
  t.equal(publisher.letters.length, statuses.length - 1, 'a bad line of a post that is to come again is not told yet');
  await publisher.source.close();
  const closed = await post(port, '/write', 'm value=1');
  t.equal(closed.status, 503);
  t.match(closed.json(), { error: /starting or stopping/ });
});
