import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { questdb, serversNeeded } from '../services/in-tests.js';
import { until } from '../engine-process.js';
import { certificates } from './certificates.js';
import { questdbStore, settled, sql } from './questdb-store.js';
import { writeRows } from './store-conformance.js';

const needed = await serversNeeded('questdb');

await t.test('a server with a password', needed, async (t) => {
  const server = await questdb(t, { env: { QDB_HTTP_USER: 'me', QDB_HTTP_PASSWORD: 'its: secret', QDB_PG_USER: 'reader', QDB_PG_PASSWORD: 'other' } });
  const folder = t.testdir();
  const wrong = questdbStore(server, folder, { username: 'me', password: 'wrong' }).sink;
  await wrong.open(undefined);
  await writeRows(wrong, 'n', [[1, 'm', 1]]);
  const position = await wrong.flush(1);
  await until(() => /^QuestDB http:.*: it does not let us in: check `username` and `password`/.test(wrong.health!().detail ?? ''));
  await t.rejects(wrong.history!.nodes(), { message: /^history postgresql:\/\/127\.0\.0\.1:\d+\/qdb: [^@]*$/ }, 'the address is named, without its password');
  await wrong.close();

  const postgres = server.postgres.replace('admin:quest', 'reader:other');
  const right = questdbStore({ url: server.url, postgres }, folder, { username: 'me', password: 'its: secret' }).sink;
  await right.open(position);
  await right.advance!(Infinity);
  t.strictSame(await until(async () => (await right.history!.rows({ node: 'n', from: 0, to: 10, limit: 10 })).length === 1 && right.history!.nodes()), ['n'], 'what waited since');
  await right.close();
});

await t.test('an https address and a token', needed, async (t) => {
  const server = await questdb(t);
  const at = t.testdir();
  const [good, other] = [certificates(at, 'good'), certificates(at, 'other')];
  // The open QuestDB has neither: what stands before it in its place lets in who has the token.
  const before = createServer({ key: readFileSync(good.key), cert: readFileSync(good.cert) }, (asked, answer) => {
    if (asked.headers.authorization !== 'Bearer abc') {
      answer.writeHead(403).end('who are you?');
      return;
    }
    const { authorization: _, ...headers } = asked.headers;
    const passed = request(new URL(asked.url!, server.url), { method: asked.method!, headers }, (answered) => {
      answer.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(answer);
    });
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => before.listen(0, '127.0.0.1', resolve));
  t.teardown(() => before.closeAllConnections());
  t.teardown(() => before.close());
  const address = { url: `https://127.0.0.1:${(before.address() as AddressInfo).port}`, postgres: server.postgres };
  const store = async (config: Record<string, unknown>) => questdbStore(address, await mkdtemp(join(at, 'store-')), config, { base: at }).sink;
  for (const [config, problem] of [
    [{ token: 'abc' }, /^QuestDB https:.*: UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT|UNABLE_TO_VERIFY/],
    [{ token: 'abc', tls_ca: other.ca }, /UNABLE_TO_VERIFY|SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|UNABLE_TO_GET_ISSUER/],
    [{ token: 'xyz', tls_ca: 'good-ca.pem' }, /it does not let us in: check `username` and `password`, or `token` \(who are you\?\)/],
  ] as const) {
    const sink = await store(config);
    await sink.open(undefined);
    await writeRows(sink, 'n', [[1, 'm', 1]]);
    await sink.flush(1);
    t.match((await until(() => sink.health!().status === 'degraded' && sink.health!())).detail, problem);
    await sink.close();
  }
  for (const [time, config] of [
    [1, { token: 'abc', tls_ca: 'good-ca.pem' }],
    [2, { token: 'abc', tls_verify: false }],
  ] as const) {
    const sink = await store(config);
    await sink.open(undefined);
    await writeRows(sink, 'n', [[time, 'm', time]]);
    await settled(server.url, sink);
    await sink.close();
  }
  t.strictSame(await sql(server.url, 'SELECT value FROM n ORDER BY ts'), [[1], [2]]);
  await t.rejects((await store({ tls_ca: 'none.pem' })).open(undefined), { message: /^tls_ca can't be read: .*none\.pem/ });
});
