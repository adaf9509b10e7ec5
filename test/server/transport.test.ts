import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { HttpError, type Socket, type SocketHandler } from '../../engine/routes.js';
import { Exchange } from '../../server/exchange.js';
import { Router } from '../../server/router.js';
import { openTransport, transportLimits, type HttpTransport } from '../../server/transport.js';
import { ask, talk } from './raw-client.js';

// One suite, both transports: whatever a route or a client can see must be the same.

class Recorder implements SocketHandler {
  socket: Socket | undefined;
  readonly heard: string[] = [];
  drains = 0;
  readonly closed: Promise<void>;
  private resolve!: () => void;
  constructor() {
    this.closed = new Promise((resolve) => (this.resolve = resolve));
  }
  open(socket: Socket) {
    this.socket = socket;
  }
  message(socket: Socket, text: string) {
    this.heard.push(text);
    if (text.startsWith('echo ')) socket.send(text.slice(5));
  }
  drain() {
    this.drains += 1;
  }
  close() {
    this.resolve();
  }
}

interface Server {
  readonly port: number;
  readonly router: Router;
  readonly transport: HttpTransport;
  readonly logged: Record<string, unknown>[];
}

const limits = { ...transportLimits, frameBytes: 10_000, socketBufferBytes: 4_000_000 };
/** For whoever is slow on purpose: others may be so by the machine. */
const impatient = { headTimeoutMs: 1_000, bodyTimeoutMs: 400 };

async function serve(t: Test, name: 'uws' | 'node', further: Partial<typeof limits> = {}): Promise<Server> {
  const router = new Router();
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const exchange = new Exchange(router, ['https://ops.example.com'], log);
  const transport = await openTransport(name, exchange, log, { ...limits, ...further });
  const port = await transport.listen('127.0.0.1', 0);
  t.teardown(() => transport.close(100));
  router.route('GET', '/hello', () => ({ status: 200, body: 'hello' }));
  router.route('GET', '/items/:item/parts/:part', ({ params, query, method, path, remote }) => ({
    status: 200,
    body: { params, query: [...query], method, path, remote },
  }));
  for (const method of ['POST', 'PUT', 'DELETE'] as const) {
    router.route(method, '/echo', async (request) => ({ status: 201, headers: { 'x-method': request.method, 'x-seen': request.headers['x-mine'] ?? '' }, body: await request.body() }), { bodyLimit: 50_000 });
  }
  router.route('POST', '/unread', () => ({ status: 202 }));
  router.route('GET', '/refused', () => {
    throw new HttpError(429, 'Too Many Requests', 'Ask again later.', { headers: { 'retry-after': '7' }, members: { limit: 5 } });
  });
  router.route('GET', '/broken', () => Promise.reject(new Error('a secret inside')));
  router.route('GET', '/big', () => ({ status: 200, body: Buffer.alloc(5_000_000, 'x') }));
  return { port, router, transport, logged };
}

for (const name of ['node', 'uws'] as const) {
  void t.test(`requests over ${name}`, async (t) => {
    const { port, logged } = await serve(t, name);

    await t.test('routes take params and query, decoded', async (t) => {
      const reply = await ask(port, '/items/a%20b/parts/%C3%A9?x=1%202&x=3&y=%26');
      t.equal(reply.status, 200);
      t.equal(reply.headers['content-type'], 'application/json');
      t.same(reply.json(), {
        params: { item: 'a b', part: 'é' },
        query: [['x', '1 2'], ['x', '3'], ['y', '&']],
        method: 'GET',
        path: '/items/a%20b/parts/%C3%A9',
        remote: '127.0.0.1',
      });
      t.equal((await ask(port, '/items/a%ff/parts/b')).status, 400, 'not UTF-8');
      t.equal((await ask(port, '/items//parts/b')).status, 404, 'a param is not empty');
    });

    await t.test('every method with its body and headers', async (t) => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const reply = await ask(port, '/echo', { method, body: 'body of it', headers: { 'X-Mine': 'yes', 'content-length': '10' } });
        t.same([reply.status, reply.headers['x-method'], reply.headers['x-seen'], reply.text], [201, method, 'yes', 'body of it']);
      }
      const chunked = await talk(port, 'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n', 'abcdefg');
      t.match(chunked, /^HTTP\/1.1 201 [\s\S]*abcdefg$/);
      t.equal((await ask(port, '/echo', { method: 'POST' })).text, '', 'no body');
    });

    await t.test('HEAD has the head of GET and no body', async (t) => {
      const reply = await ask(port, '/hello', { method: 'HEAD' });
      t.same([reply.status, reply.headers['content-length'], reply.text], [200, '5', '']);
      const missing = await ask(port, '/nothing', { method: 'HEAD' });
      t.same([missing.status, missing.text], [404, '']);
    });

    await t.test('errors are problem documents', async (t) => {
      const missing = await ask(port, '/nothing');
      t.equal(missing.status, 404);
      t.equal(missing.headers['content-type'], 'application/problem+json');
      t.match(missing.json(), { type: 'about:blank', title: 'Not Found', status: 404, detail: /\/nothing/ });

      const wrong = await ask(port, '/echo', { method: 'PATCH', body: 'x' });
      t.equal(wrong.status, 405);
      t.equal(wrong.headers['allow'], 'DELETE, OPTIONS, POST, PUT');
      t.equal(wrong.headers['content-type'], 'application/problem+json');
      t.equal((await ask(port, '/hello', { method: 'POST', body: 'x' })).headers['allow'], 'GET, HEAD, OPTIONS');

      const options = await ask(port, '/hello', { method: 'OPTIONS' });
      t.same([options.status, options.headers['allow']], [204, 'GET, HEAD, OPTIONS']);

      const refused = await ask(port, '/refused');
      t.same([refused.status, refused.headers['retry-after']], [429, '7']);
      t.match(refused.json(), { title: 'Too Many Requests', detail: 'Ask again later.', limit: 5 });
    });

    await t.test('a handler that fails is answered 500 without its inside, which is logged', async (t) => {
      const reply = await ask(port, '/broken');
      t.equal(reply.status, 500);
      t.equal(reply.headers['content-type'], 'application/problem+json');
      t.notMatch(reply.text, /secret|\.ts|\.js|at /);
      t.match(logged.at(-1), { path: '/broken', err: { message: 'a secret inside' } });
    });

    await t.test('security headers on every answer, nothing cached', async (t) => {
      for (const path of ['/hello', '/nothing', '/broken']) {
        const { headers } = await ask(port, path);
        t.match(headers['content-security-policy'], /default-src 'none'/);
        t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
      }
    });

    await t.test('compressed bodies', async (t) => {
      for (const [encoding, body] of [['gzip', gzipSync('plain')], ['deflate', deflateSync('plain')], ['br', brotliCompressSync('plain')], ['identity', Buffer.from('plain')]] as const) {
        t.equal((await ask(port, '/echo', { method: 'POST', body, headers: { 'content-encoding': encoding } })).text, 'plain', encoding);
      }
      const bomb = await ask(port, '/echo', { method: 'POST', body: gzipSync(Buffer.alloc(5_000_000)), headers: { 'content-encoding': 'gzip' } });
      t.equal(bomb.status, 413, 'the limit is on what comes out');
      const damaged = await ask(port, '/echo', { method: 'POST', body: 'no gzip', headers: { 'content-encoding': 'gzip' } });
      t.equal(damaged.status, 400);
      const unknown = await ask(port, '/echo', { method: 'POST', body: 'x', headers: { 'content-encoding': 'rot13' } });
      t.same([unknown.status, unknown.headers['accept-encoding']], [415, 'gzip, deflate, br']);
    });

    await t.test('a body past the limit is 413, at the limit it is taken', async (t) => {
      t.equal((await ask(port, '/echo', { method: 'POST', body: 'x'.repeat(50_000) })).body.length, 50_000);
      const reply = await ask(port, '/echo', { method: 'POST', body: 'x'.repeat(50_001) });
      t.equal(reply.status, 413);
      t.match(reply.json(), { detail: /50000 bytes/ });
      t.equal((await ask(port, '/echo', { method: 'POST', body: 'x'.repeat(3_000_000) })).status, 413, 'the whole of it is taken first');
    });

    await t.test('a far too long body is cut off', async (t) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
      const block = Buffer.alloc(1_000_000);
      let sent = 0;
      const feed = () => {
        while (!socket.destroyed && sent < 200) {
          sent += 1;
          if (!socket.write(block)) break;
        }
      };
      socket.on('drain', feed);
      socket.resume();
      feed();
      await new Promise((resolve) => socket.on('close', resolve));
      t.ok(sent < 200, `closed after ${sent} MB`);
    });

    await t.test('a long head is refused', async (t) => {
      t.equal((await ask(port, '/hello', { headers: { x: 'y'.repeat(12_000) } })).status, 200);
      t.match(await talk(port, `GET /hello HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
    });

    await t.test('what is not HTTP is refused and cut off', async (t) => {
      t.notMatch(await talk(port, 'what?\r\n\r\n'), /^HTTP\/1.1 2/);
      t.equal((await ask(port, '/hello')).status, 200);
    });

    await t.test('a slow body is 408, a slow head is cut off, others are served meanwhile', async (t) => {
      const { port } = await serve(t, name, impatient);
      const slowBody = talk(port, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
      // uWebSockets.js gives a head 10 s, which can't be changed: too long for a test.
      const slowHead = name === 'node' ? talk(port, 'GET /hello HTTP/1.1\r\nHo') : Promise.resolve('');
      t.equal((await ask(port, '/hello')).status, 200);
      t.match(await slowBody, /^HTTP\/1.1 408 /);
      t.notMatch(await slowHead, /^HTTP\/1.1 2/);
    });

    await t.test('a request that is broken off harms nobody', async (t) => {
      const before = logged.length;
      for (let i = 0; i < 20; i++) {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc');
        if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        socket.destroy();
        const reader = connect(port, '127.0.0.1');
        await once(reader, 'connect');
        reader.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise((resolve) => setTimeout(resolve, 2));
        reader.destroy();
      }
      t.equal((await ask(port, '/hello')).status, 200);
      t.same(logged.slice(before), [], 'nothing is logged');
    });

    await t.test('connections are kept, also after errors and bodies nobody read', async (t) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      t.teardown(() => agent.destroy());
      let connections = 0;
      agent.on('free', (socket: { seen?: boolean }) => {
        if (socket.seen !== true) connections += 1;
        socket.seen = true;
      });
      t.equal((await ask(port, '/hello', { agent })).status, 200);
      t.equal((await ask(port, '/nothing', { agent, method: 'POST', body: 'x'.repeat(10_000) })).status, 404);
      t.equal((await ask(port, '/unread', { agent, method: 'POST', body: 'x'.repeat(100_000) })).status, 202);
      t.equal((await ask(port, '/hello', { agent })).text, 'hello');
      t.equal(connections, 1);
    });

    await t.test('a big answer arrives whole', async (t) => {
      t.equal((await ask(port, '/big')).body.length, 5_000_000);
    });

    await t.test('a page of another site may not change things', async (t) => {
      const post = (origin: string) => ask(port, '/echo', { method: 'POST', body: 'x', headers: { origin } });
      t.equal((await post('https://evil.example')).status, 403);
      t.equal((await post(`http://127.0.0.1:${port}`)).status, 201);
      t.equal((await post('https://ops.example.com')).status, 201);
    });
  });

  void t.test(`sockets over ${name}`, async (t) => {
    const { port, router } = await serve(t, name);
    const open = async (t: Test, options: { origin?: string } = {}, protocols: string[] = ['millrace.v1']) => {
      const handler = new Recorder();
      router.socket('/live', 'millrace.v1', handler);
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`, protocols, options);
      t.teardown(() => client.terminate());
      await once(client, 'open');
      return { handler, client };
    };
    const refused = (path: string, protocols: string[], options: { origin?: string } = {}) =>
      new Promise<number>((resolve, reject) => {
        const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, options);
        client.on('unexpected-response', (_request, response) => {
          resolve(response.statusCode!);
          client.on('error', () => undefined);
          client.terminate();
        });
        client.on('open', () => reject(new Error('was let in')));
        client.on('error', () => undefined);
      });

    await t.test('messages both ways in the subprotocol, among several offered', async (t) => {
      const { handler, client } = await open(t, {}, ['other', 'millrace.v1']);
      t.equal(client.protocol, 'millrace.v1');
      t.equal(handler.socket!.remote, '127.0.0.1');
      client.send('echo é and more');
      const [data] = (await once(client, 'message')) as [Buffer];
      t.equal(data.toString(), 'é and more');
      t.same(handler.heard, ['echo é and more']);
    });

    await t.test('refused: another subprotocol or none, another path, another origin, no upgrade', async (t) => {
      router.socket('/live', 'millrace.v1', new Recorder());
      t.equal(await refused('/live', ['millrace.v2']), 400);
      t.equal(await refused('/live', []), 400);
      t.equal(await refused('/dead', ['millrace.v1']), 404);
      t.equal(await refused('/live', ['millrace.v1'], { origin: 'https://evil.example' }), 403);
      const plain = await ask(port, '/live');
      t.same([plain.status, plain.headers['upgrade']], [426, 'websocket']);
    });

    await t.test('let in: the own origin, one that is allowed', async (t) => {
      await open(t, { origin: `http://127.0.0.1:${port}` });
      await open(t, { origin: 'https://ops.example.com' });
    });

    await t.test('a ping is answered', async (t) => {
      const { client } = await open(t);
      client.ping('are you there');
      const [data] = (await once(client, 'pong')) as [Buffer];
      t.equal(data.toString(), 'are you there');
    });

    await t.test('close codes arrive, from both sides', async (t) => {
      const one = await open(t);
      one.handler.socket!.close(4408, 'too slow');
      const [code, reason] = (await once(one.client, 'close')) as [number, Buffer];
      t.same([code, reason.toString()], [4408, 'too slow']);
      await one.handler.closed;
      t.equal(one.handler.socket!.send('x'), false, 'a closed socket takes nothing');
      t.equal(one.handler.socket!.buffered(), 0);
      one.handler.socket!.close(1000, 'again');

      const two = await open(t);
      two.client.close(1000);
      await two.handler.closed;
    });

    await t.test('a frame that is too long ends the connection, a binary one too', async (t) => {
      const one = await open(t);
      one.client.send('x'.repeat(10_001));
      const [code] = (await once(one.client, 'close')) as [number];
      t.ok([1006, 1009].includes(code), String(code));
      await one.handler.closed;
      t.same(one.handler.heard, []);

      const two = await open(t);
      two.client.send(Buffer.from('x'));
      t.equal(((await once(two.client, 'close')) as [number])[0], 1003);
    });

    await t.test('a client that does not read: buffered grows, send says no past the bound, drain comes when it reads again', async (t) => {
      const { handler, client } = await open(t);
      const socket = handler.socket!;
      client.pause();
      const frame = 'x'.repeat(100_000);
      let sent = 0;
      while (socket.send(`${sent} ${frame}`)) {
        sent += 1;
        if (sent > 1_000) break;
      }
      t.ok(sent < 1_000, `${sent} frames were taken`);
      t.ok(socket.buffered() >= 3_900_000, `${socket.buffered()} bytes wait`);
      t.equal(handler.drains, 0);
      let next = 0;
      const all = new Promise<void>((resolve) => {
        client.on('message', (data: Buffer) => {
          if (Number.parseInt(data.toString(), 10) === next) next += 1;
          if (next === sent) resolve();
        });
      });
      client.resume();
      await all;
      t.equal(next, sent, 'what was taken arrives whole and in order');
      while (handler.drains === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      t.ok(socket.buffered() < 1_000_000);
      t.equal(socket.send('again'), true);
    });

    await t.test('what was sent before a close arrives before it', async (t) => {
      const { handler, client } = await open(t);
      client.pause();
      const frame = 'x'.repeat(100_000);
      for (let i = 0; i < 30; i++) handler.socket!.send(frame);
      handler.socket!.close(4408, 'slow');
      let got = 0;
      client.on('message', () => (got += 1));
      client.resume();
      const [code] = (await once(client, 'close')) as [number];
      t.same([got, code], [30, 4408]);
    });

    await t.test('a client that vanishes is closed', async (t) => {
      const { handler, client } = await open(t);
      client.terminate();
      await handler.closed;
    });
  });

  void t.test(`closing ${name}`, async (t) => {
    await t.test('ends what is under way and says 1001', async (t) => {
      const { port, router, transport } = await serve(t, name);
      const handler = new Recorder();
      router.socket('/live', 'millrace.v1', handler);
      let release!: () => void;
      const reached = new Promise<void>((resolve) => {
        router.route('GET', '/waits', () => {
          resolve();
          return new Promise((answer) => (release = () => answer({ status: 200, body: 'late' })));
        });
      });
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`, 'millrace.v1');
      await once(client, 'open');
      const waiting = ask(port, '/waits');
      await reached;
      const gone = once(client, 'close') as Promise<[number]>;
      const closed = transport.close(5_000);
      t.equal((await gone)[0], 1001);
      await t.rejects(ask(port, '/hello'), { code: 'ECONNREFUSED' });
      release();
      t.equal((await waiting).text, 'late');
      await closed;
    });

    await t.test('is bounded when a request never ends and a client never reads', async (t) => {
      const { port, router, transport } = await serve(t, name);
      const handler = new Recorder();
      router.socket('/live', 'millrace.v1', handler);
      const client = new WebSocket(`ws://127.0.0.1:${port}/live`, 'millrace.v1');
      client.on('error', () => undefined);
      await once(client, 'open');
      client.pause();
      for (let i = 0; i < 50; i++) handler.socket!.send('x'.repeat(100_000));
      const reached = new Promise<void>((resolve) => {
        router.route('GET', '/never', () => {
          resolve();
          return new Promise(() => undefined);
        });
      });
      const never = t.rejects(ask(port, '/never'));
      await reached;
      await transport.close(50);
      await never;
      client.terminate();
    });

    await t.test('a taken port is an error with its code', async (t) => {
      const { port } = await serve(t, name);
      const exchange = new Exchange(new Router(), [], pino({ level: 'silent' }));
      const second = await openTransport(name, exchange, pino({ level: 'silent' }), limits);
      await t.rejects(second.listen('127.0.0.1', port), { code: 'EADDRINUSE' });
      await second.close(0);
    });

    await t.test('one transport listens at two ports', async (t) => {
      const { port, transport } = await serve(t, name);
      const second = await transport.listen('127.0.0.1', 0);
      t.not(second, port);
      t.equal((await ask(second, '/hello')).text, 'hello');
      t.equal((await ask(port, '/hello')).text, 'hello');
    });
  });
}
