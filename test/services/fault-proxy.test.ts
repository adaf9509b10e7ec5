import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { until } from '../engine-process.js';
import { FaultProxy } from './fault-proxy.js';

/** Long enough for bytes to come over loopback: what has not come by then is taken for held. */
const WHILE_MS = 50;

/** One end of a connection, with all that came over it. */
class End {
  received = Buffer.alloc(0);
  ended = false;
  closed = false;
  failure: string | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => (this.received = Buffer.concat([this.received, bytes])));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.failure = error.code));
    socket.on('close', () => (this.closed = true));
  }

  get text(): string {
    return this.received.toString();
  }
}

/** A server that keeps both its ends apart, a proxy before it, and what connects through it. */
async function behindProxy(t: Test) {
  const accepted: End[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    accepted.push(new End(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await FaultProxy.start((server.address() as AddressInfo).port);
  t.teardown(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const open = async (): Promise<{ client: End; server: End }> => {
    const before = accepted.length;
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    const client = new End(socket);
    await until(() => accepted.length > before || client.closed);
    return { client, server: accepted[before]! };
  };
  return { proxy, open };
}

await t.test('without a fault everything passes, both ways, and the end of one way leaves the other open', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251));
  client.socket.end(sent);
  await until(() => server.ended);
  t.ok(server.received.equals(sent));
  t.notOk(client.ended);
  server.socket.end(sent);
  await until(() => client.closed && server.closed);
  t.ok(client.received.equals(sent));
  await until(() => proxy.connections === 0);
  t.same([client.failure, server.failure], [undefined, undefined]);
});

await t.test('a connection is cut behind the last byte that may pass, another is not', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const [one, other] = [await open(), await open()];
  proxy.cutAfter(7, 'up');
  one.client.socket.write('0123');
  await until(() => one.server.text === '0123');
  one.client.socket.write('456789');
  await until(() => one.server.ended && one.client.closed);
  t.equal(one.server.text, '0123456');
  other.client.socket.write('whole');
  await until(() => other.server.text === 'whole');

  proxy.cutAfter(0, 'down');
  other.server.socket.write('never');
  await until(() => other.client.ended && other.server.closed);
  t.equal(other.client.text, '');
});

await t.test('everything open is reset at once, at both ends, and the next connection works', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  client.socket.write('hello');
  await until(() => server.text === 'hello');
  proxy.cut();
  await until(() => client.closed && server.closed);
  t.same([client.failure, server.failure], ['ECONNRESET', 'ECONNRESET']);
  const next = await open();
  next.client.socket.write('again');
  await until(() => next.server.text === 'again');
});

await t.test('a stall holds what is sent, and loses nothing of it', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  proxy.stall();
  const sent = Buffer.alloc(8_000_000, 'x');
  client.socket.write(sent);
  await sleep(WHILE_MS);
  t.equal(server.received.length, 0);
  t.ok(client.socket.writableLength > 0, 'whoever writes is held up');
  proxy.resume();
  await until(() => server.received.length === sent.length);
});

await t.test('a delay keeps order', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  proxy.delay(20);
  const began = performance.now();
  for (const word of ['one ', 'two ', 'three']) {
    client.socket.write(word);
    await sleep(5);
  }
  await until(() => server.text === 'one two three');
  t.ok(performance.now() - began >= 20);
});

await t.test('a limit holds up whoever writes, until it is lifted', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  client.socket.write('quick');
  await until(() => server.text === 'quick');
  t.equal(proxy.passed, 5);
  proxy.limit(400_000);
  const sent = Buffer.alloc(100_000, 'x');
  const began = performance.now();
  client.socket.write(sent);
  await until(() => server.received.length === sent.length + 5);
  t.ok(performance.now() - began > 240, 'a quarter of a second');
  proxy.limit(Infinity);
  client.socket.write(sent);
  await until(() => server.received.length === 2 * sent.length + 5);
  t.equal(proxy.passed, 2 * sent.length + 5);
});

await t.test('of a half-open connection neither end hears anything, not even that the other is gone', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  proxy.halfOpen();
  client.socket.write('lost');
  server.socket.write('lost');
  client.socket.end();
  client.socket.destroy();
  await until(() => client.closed);
  await sleep(WHILE_MS);
  t.same([client.text, server.text, server.ended, server.closed], ['', '', false, false]);
  const next = await open();
  next.client.socket.write('new');
  await until(() => next.server.text === 'new');
  proxy.cut();
  await until(() => server.closed);
});

await t.test('connections are refused for a while, and open ones stay', async (t) => {
  const { proxy, open } = await behindProxy(t);
  const { client, server } = await open();
  proxy.refuse();
  t.equal((await open()).client.failure, 'ECONNREFUSED');
  client.socket.write('still');
  await until(() => server.text === 'still');
  const { port } = proxy;
  await proxy.accept();
  t.equal(proxy.port, port);
  const next = await open();
  next.client.socket.write('here');
  await until(() => next.server.text === 'here');
});

await t.test('a server that is away is told by a connection that closes', async (t) => {
  const proxy = await FaultProxy.start(1);
  t.teardown(() => proxy.close());
  const client = new End(connect(proxy.port, '127.0.0.1'));
  await until(() => client.closed);
  t.equal(client.text, '');
  await until(() => proxy.connections === 0);
});
