import t from 'tap';
import { natsServer, serversNeeded } from './in-tests.js';
import { isLiving } from './living.js';
import { NatsConnection } from './nats-protocol.js';
import { natsService } from './nats-server.js';

const needed = await serversNeeded('nats');

interface StreamInfo {
  readonly state: { readonly messages: number; readonly last_seq: number };
  readonly error?: { readonly code: number };
}

interface Account {
  readonly streams: number;
  readonly error?: { readonly code: number };
}

t.test('JetStream keeps what it has acknowledged over a stop, a kill -9 and a restart', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const before = server.url;
  let connection = await NatsConnection.open(t, server.url);
  t.match(connection.info, { version: natsService.version, jetstream: true, max_payload: 8_388_608 });
  t.match(await connection.ask<Account>('$JS.API.INFO'), { streams: 0 });

  t.match(await connection.ask('$JS.API.STREAM.CREATE.KEPT', { name: 'KEPT', subjects: ['kept.>'], storage: 'file' }), { config: { name: 'KEPT' } });
  for (const sequence of [1, 2, 3]) t.strictSame(await connection.ask('kept.a', `message ${sequence}`), { stream: 'KEPT', seq: sequence });

  const { pid } = server;
  await server.restart();
  t.not(server.pid, pid, 'another process');
  t.equal(server.url, before, 'on the same port');
  connection = await NatsConnection.open(t, server.url);
  t.match(await connection.ask<StreamInfo>('$JS.API.STREAM.INFO.KEPT'), { state: { messages: 3, last_seq: 3 } });
  t.strictSame(await connection.ask('kept.a', 'message 4'), { stream: 'KEPT', seq: 4 });

  const killed = server.pid!;
  await server.kill();
  t.notOk(isLiving(killed));
  t.equal(server.pid, undefined);
  await t.rejects(NatsConnection.open(t, server.url), { code: 'ECONNREFUSED' });
  await server.restart();
  connection = await NatsConnection.open(t, server.url);
  t.match(await connection.ask<StreamInfo>('$JS.API.STREAM.INFO.KEPT'), { state: { messages: 4, last_seq: 4 } });
});

t.test('without being asked to, it has no JetStream; what a test sets stands in its configuration', needed, async (t) => {
  const server = await natsServer(t, { config: 'server_name: mine\nmax_connections: 5' });
  const { info } = await NatsConnection.open(t, server.url);
  t.match(info, { server_name: 'mine' });
  t.notOk(info?.jetstream);
  const monitor = (await (await fetch(`${server.addresses['monitor']}/varz`)).json()) as object;
  t.match(monitor, { max_connections: 5, connections: 1 });
});

t.test('a server that refuses its settings is told with what it says', needed, async (t) => {
  await t.rejects(natsServer(t, { config: 'max_payload: many' }), { message: /^nats did not start: it ended with 1\n.*nats\.conf:\d+/ });
});

t.test('two at once have ports and folders of their own', needed, async (t) => {
  const [one, other] = await Promise.all([natsServer(t), natsServer(t)]);
  t.equal(new Set([...Object.values(one.ports), ...Object.values(other.ports)]).size, 4);
  t.not(one.folder, other.folder);
});
