import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { systemClock } from '../../engine/clock.js';
import { originAllowed } from '../../server/origin.js';
import { plainAddress } from '../../server/exchange.js';
import { ListenError, startServer, type ServerConfig } from '../../server/serve.js';
import { FakeRuntime } from './api-harness.js';
import { ask } from './raw-client.js';

const log = pino({ level: 'silent' });
const page = `<!doctype html><title>Millrace</title>${'<p>chart</p>'.repeat(300)}`;

function assets(t: Test): string {
  const folder = t.testdir({ 'index.html': page, 'robots.txt': 'User-agent: *' });
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'assets', 'index-abc123.js'), `console.log('${'x'.repeat(3_000)}')`);
  writeFileSync(join(folder, 'assets', 'logo-abc123.png'), Buffer.alloc(2_000, 7));
  return folder;
}

async function start(t: Test, config: Partial<ServerConfig> = {}, folder = assets(t)) {
  const server = await startServer({ config: { host: '127.0.0.1', port: 0, ...config }, version: '1.2.3', clock: systemClock, log, assets: folder });
  t.teardown(() => server.close());
  server.attach(new FakeRuntime());
  return { server, port: Number(new URL(server.address).port) };
}

await t.test('the dashboard: its page at every dashboard path, its files for good', async (t) => {
  const { port } = await start(t);
  for (const path of ['/', '/dashboard', '/dashboard/executive', '/dashboard/technical', '/index.html']) {
    const reply = await ask(port, path);
    t.same([reply.status, reply.headers['content-type'], reply.headers['cache-control'], reply.text], [200, 'text/html; charset=utf-8', 'no-cache', page], path);
  }
  const script = await ask(port, '/assets/index-abc123.js');
  t.same([script.headers['content-type'], script.headers['cache-control']], ['text/javascript; charset=utf-8', 'public, max-age=31536000, immutable']);
  t.equal((await ask(port, '/robots.txt')).headers['cache-control'], 'no-cache');
  for (const path of ['/assets/none.js', '/assets', '/dashboard/a/b', '/../package.json', '/%2e%2e/package.json', '/assets/..%2findex.html']) t.equal((await ask(port, path)).status, 404, path);
  t.match((await ask(port, '/')).headers['content-security-policy'], /script-src 'self'/);
});

await t.test('files are compressed for who takes it, and 304 for who has them', async (t) => {
  const { port } = await start(t);
  const get = (headers: Record<string, string>, path = '/') => ask(port, path, { headers });
  const br = await get({ 'accept-encoding': 'gzip, deflate, br' });
  t.equal(br.headers['content-encoding'], 'br');
  t.equal(brotliDecompressSync(br.body).toString(), page);
  const gz = await get({ 'accept-encoding': 'gzip;q=0.5, br;q=0' });
  t.equal(gz.headers['content-encoding'], 'gzip');
  t.equal(gunzipSync(gz.body).toString(), page);
  t.equal(gz.headers['vary'], 'accept-encoding');
  t.equal((await get({ 'accept-encoding': 'identity' })).headers['content-encoding'], undefined);
  t.equal((await get({ 'accept-encoding': 'br' }, '/assets/logo-abc123.png')).headers['content-encoding'], undefined, 'not what is compressed already');
  t.equal((await get({ 'accept-encoding': 'br' }, '/robots.txt')).headers['content-encoding'], undefined, 'not what is short');

  const etags = [br, gz, await get({})].map((reply) => reply.headers['etag']!);
  t.equal(new Set(etags).size, 3, 'each form has its own');
  const known = await get({ 'accept-encoding': 'br', 'if-none-match': `"x", W/${etags[0]}` });
  t.same([known.status, known.text, known.headers['etag']], [304, '', etags[0]]);
  t.equal((await get({ 'accept-encoding': 'br', 'if-none-match': etags[1]! })).status, 200);
});

await t.test('without a dashboard the API is served', async (t) => {
  const { port } = await start(t, {}, '/nowhere/at/all');
  t.equal((await ask(port, '/')).status, 404);
  t.equal((await ask(port, '/healthz')).text, 'ok\n');
});

for (const transport of ['node', 'uws'] as const) {
  await t.test(`a taken port is told, with what to do, by ${transport}`, async (t) => {
    const blocker = createServer();
    blocker.listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    t.teardown(() => blocker.close());
    const { port } = blocker.address() as { port: number };
    const taken = new RegExp(`port ${port} on 127.0.0.1 is taken by another process.*server\\.port`);
    await t.rejects(start(t, { port, transport }), { name: 'ListenError', message: taken });
    await t.rejects(start(t, { apiPort: port, transport }), { name: 'ListenError', message: /server\.api_port/ });
    await t.rejects(start(t, { host: '203.0.113.1', transport, port }), ListenError);
  });
}

await t.test('api_port serves the same', async (t) => {
  const free = createServer();
  free.listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port: apiPort } = free.address() as { port: number };
  await new Promise((resolve) => free.close(resolve));
  const { port } = await start(t, { apiPort });
  t.equal((await ask(apiPort, '/healthz')).status, 200);
  t.equal((await ask(port, '/healthz')).status, 200);
});

await t.test('the transport that is asked for; auto takes the faster where it loads', async (t) => {
  t.equal((await start(t, { transport: 'node' })).server.transport, 'node');
  t.equal((await start(t, { transport: 'uws' })).server.transport, 'uws');
  t.equal((await start(t)).server.transport, 'uws');
});

await t.test('whose pages may change things', (t) => {
  const own = 'localhost:8080';
  const cases: [origin: string | undefined, host: string | undefined, allowed: boolean][] = [
    [undefined, own, true],
    ['http://localhost:8080', own, true],
    ['HTTP://LOCALHOST:8080', own, true],
    ['https://localhost:8080', own, true],
    ['http://localhost', own, false],
    ['http://localhost:8081', own, false],
    ['http://localhost:8080.evil.example', own, false],
    ['http://evil.example', own, false],
    ['null', own, false],
    ['localhost:8080', own, false],
    ['http://localhost:8080', undefined, false],
    ['https://ops.example.com', own, true],
  ];
  for (const [origin, host, allowed] of cases) t.equal(originAllowed(origin, host, ['https://ops.example.com']), allowed, `${origin} at ${host}`);
  t.end();
});

await t.test('an address has one form', (t) => {
  t.equal(plainAddress('127.0.0.1'), '127.0.0.1');
  t.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  t.equal(plainAddress('0000:0000:0000:0000:0000:ffff:0a00:0001'), '10.0.0.1');
  t.equal(plainAddress('2001:0db8:0000:0000:0000:0000:0000:0001'), '2001:db8::1');
  t.end();
});
