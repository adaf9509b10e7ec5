import t from 'tap';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { client, json, makeStream, Reader, sleep, until } from './nats-rig.js';

const needed = await serversNeeded('nats');
const stream = { stream: 'METRICS' };

t.test('a publisher faster than the engine waits in the stream', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection);
  const array = (from: number): string => `[${Array.from({ length: 400 }, (_, i) => json('metric_with_a_long_name', from + i)).join(',')}]`;
  const messages = 1_000;
  for (let i = 0; i < messages; i++) connection.publish('metrics.v1.a', array(400 * i));
  await connection.flush();
  const reader = await Reader.open(t, { servers: server.url, jetstream: stream }, undefined, { pause: 1 });
  await reader.until(1);
  const manager = await connection.jetstreamManager();
  const waiting = async (): Promise<number> => (await manager.consumers.list('METRICS').next())[0]!.num_pending;
  const held = async (): Promise<number> => (messages - (await waiting())) * array(1).length;
  while ((await held()) < 1_000_000) await sleep(20);
  // Time enough for as much again.
  await sleep(500);
  const most = await held();
  t.ok(most < 8 * 1024 * 1024, `${most} bytes were asked for, and no more`);
  t.notOk(reader.source.hears!(), 'it is behind');
  reader.resume();
  await reader.until(400 * messages);
  t.ok(reader.values.every((value, i) => value === i));
  await until(() => reader.source.hears!());
});

t.test('a message larger than everything that is asked for at once comes too', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true, config: 'max_payload: 16MB' });
  const connection = await client(t, server.url);
  await makeStream(connection);
  for (let i = 0; i < 3; i++) {
    connection.publish('metrics.v1.a', json('small', i));
    connection.publish('metrics.v1.a', json('large', i) + ' '.repeat(9_000_000));
  }
  const reader = await Reader.open(t, { servers: server.url, jetstream: stream });
  await reader.until(6);
  t.strictSame(reader.values, [0, 0, 1, 1, 2, 2]);
});

t.test('what the stream drops before it was read is a gap: counted, told, visible', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection, { max_msgs: 10 });
  const to = connection.jetstream();
  const publish = async (from: number, count: number): Promise<void> => {
    for (let i = from; i < from + count; i++) await to.publish('metrics.v1.a', json('m', i));
  };
  await publish(1, 5);
  const first = await Reader.open(t, { servers: server.url, jetstream: stream });
  await first.until(5);
  await first.close();
  t.equal(first.stage.counts.get('gap'), undefined);

  await publish(6, 12);
  const reader = await Reader.open(t, { servers: server.url, jetstream: stream }, first.position);
  await reader.until(10);
  t.strictSame(reader.values, [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
  t.equal(reader.stage.counts.get('gap'), 2);
  t.match(reader.source.health!(), { status: 'degraded', detail: /dropped 2 messages before they were read \(sequences 6 to 7\)/ });
  t.match(reader.stage.logged.filter(({ level }) => level === 50), [{ msg: /dropped 2 messages/ }]);
  await publish(18, 3);
  await reader.until(13);
  t.equal((reader.position as { sequence: number }).sequence, 20);
  t.equal(reader.stage.counts.get('gap'), 2, 'once');

  // Dropped by hand, in the middle.
  await reader.close();
  await publish(21, 3);
  await (await connection.jetstreamManager()).streams.deleteMessage('METRICS', 22);
  const last = await Reader.open(t, { servers: server.url, jetstream: stream }, reader.position);
  await last.until(2);
  t.strictSame([last.values, last.stage.counts.get('gap')], [[21, 23], 1]);
});

t.test('a stream that can’t be read is refused with the reason, and read when it can', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  const manager = await connection.jetstreamManager();
  const reader = await Reader.open(t, { servers: server.url, jetstream: stream });
  const down = (detail: RegExp): Promise<void> => until(() => reader.source.health!().status === 'down' && detail.test(reader.source.health!().detail!));
  await down(/^stream METRICS does not exist: create it, or say with jetstream.create/);
  await makeStream(connection, { retention: 'workqueue' });
  await down(/^stream METRICS has retention workqueue: .*Take a stream with retention limits/);
  t.notOk(reader.source.hears!());
  await manager.streams.delete('METRICS');
  await makeStream(connection, { subjects: ['other.>'] });
  await down(/^stream METRICS keeps other.>, and nothing of metrics.v1.>/);
  await manager.streams.delete('METRICS');
  await makeStream(connection);
  await until(() => reader.source.hears!());
  await connection.jetstream().publish('metrics.v1.a', json('m', 1));
  await reader.until(1);
  t.match(reader.stage.logged.map(({ level }) => level), [30, 50, 50, 50, 30], 'each is told once');
});

t.test('a missing stream is made with the limits that are stated; one that is made anew is read from its beginning, and told', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  const manager = await connection.jetstreamManager();
  const config = { servers: server.url, jetstream: { ...stream, create: { max_bytes: '1MiB', max_age: '1h', storage: 'memory' } } };
  const reader = await Reader.open(t, config);
  await until(() => reader.source.hears!());
  t.match((await manager.streams.info('METRICS')).config, { subjects: ['metrics.v1.>'], retention: 'limits', max_bytes: 1_048_576, max_age: 3_600e9, storage: 'memory', num_replicas: 1 });
  const to = connection.jetstream();
  for (let i = 1; i <= 3; i++) await to.publish('metrics.v1.a', json('m', i));
  await reader.until(3);

  await manager.streams.delete('METRICS');
  await until(() => reader.source.hears!() && reader.stage.logged.some(({ msg }) => msg.includes('another than before')));
  await to.publish('metrics.v1.a', json('m', 4));
  await reader.until(4);
  await reader.close();
  t.match(reader.source.health!(), { status: 'degraded', detail: /created anew: it is read from its beginning; what the one before had after sequence 3 is lost/ });

  await manager.streams.delete('METRICS');
  await makeStream(connection);
  await to.publish('metrics.v1.a', json('m', 5));
  const again = await Reader.open(t, config, reader.position);
  await again.until(1);
  t.strictSame(again.values, [5]);
  t.match(again.source.health!(), { status: 'degraded' });
});

t.test('from the start, from now, from a time; a replay ends with what is there', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection);
  const to = connection.jetstream();
  await to.publish('metrics.v1.a', json('m', 1));
  await sleep(50);
  const time = new Date().toISOString();
  await sleep(50);
  await to.publish('metrics.v1.a', json('m', 2));
  const readers = await Promise.all(['start', 'new', time].map((from) => Reader.open(t, { servers: server.url, jetstream: { ...stream, from } })));
  await until(() => readers.every(({ source }) => source.hears!()));
  await until(() => readers.every(({ position }) => position !== null));
  t.match(readers[1]!.position, { sequence: 2 }, 'a checkpoint before the first message says where');
  await to.publish('metrics.v1.a', json('m', 3));
  await until(() => readers.every(({ values }) => values.at(-1) === 3));
  t.strictSame(readers.map(({ values }) => values), [[1, 2, 3], [3], [2, 3]]);

  const replay = await Reader.open(t, { servers: server.url, jetstream: { ...stream, from: 'new' } }, undefined, { given: { replay: true } });
  await until(() => replay.ended);
  t.strictSame(replay.values, [1, 2, 3]);
  const nowhere = await Reader.open(t, { servers: 'nats://127.0.0.1:1', jetstream: stream }, undefined, { given: { replay: true } });
  await until(() => nowhere.failure !== undefined);
  t.match(nowhere.failure, { message: /^the stream can't be replayed: .*ECONNREFUSED/ });
  const core = await Reader.open(t, { servers: server.url }, undefined, { given: { replay: true } });
  await until(() => core.ended);
});

t.test('a stream that others use too: only our subjects, and what the others send is no gap', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection, { subjects: ['metrics.v1.>', 'other.>'], max_msgs: 20 });
  const to = connection.jetstream();
  await to.publish('metrics.v1.a', json('m', 1));
  await to.publish('other.a', 'x');
  await to.publish('metrics.v1.a', json('m', 2));
  const config = { servers: server.url, jetstream: stream };
  const reader = await Reader.open(t, config);
  await reader.until(2);
  for (let i = 0; i < 10; i++) await to.publish('other.a', 'x');
  await until(() => (reader.position as { sequence: number }).sequence === 13);
  for (let i = 0; i < 15; i++) await to.publish('other.a', 'x');
  await reader.close();
  const again = await Reader.open(t, config, reader.position);
  await to.publish('metrics.v1.a', json('m', 3));
  await again.until(1);
  t.strictSame(again.values, [3]);
  t.equal(again.stage.counts.get('gap'), undefined);
});

t.test('a durable consumer marks how far the oldest checkpoint has come, over restarts of either side', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection, { subjects: ['metrics.v1.>', 'other.>'] });
  const to = connection.jetstream();
  const manager = await connection.jetstreamManager();
  const publish = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await to.publish(i % 3 === 2 ? 'other.a' : 'metrics.v1.a', json('m', i));
  };
  await publish(30);
  const config = { servers: server.url, jetstream: { ...stream, durable: 'millrace' } };
  const mark = async (): Promise<number> => (await manager.consumers.info('METRICS', 'millrace').catch(() => undefined))?.ack_floor.stream_seq ?? 0;
  const committed = async (reader: Reader, sequence: number, floor = sequence): Promise<void> => {
    await reader.source.commit!({ ...(reader.position as object), sequence });
    while ((await mark()) !== floor) await sleep(10);
  };
  let reader = await Reader.open(t, config);
  await reader.until(20);
  await committed(reader, 10);
  await committed(reader, 12, 11);
  await committed(reader, 29);
  t.equal((await manager.consumers.info('METRICS', 'millrace')).num_pending, 0);
  await publish(9);
  await reader.until(26);
  await server.kill();
  await until(() => reader.source.health!().status === 'down');
  await reader.source.commit!({ ...(reader.position as object), sequence: 32 });
  await server.restart();
  await until(() => reader.source.hears!());
  await committed(reader, 35);
  await reader.close();
  reader = await Reader.open(t, config, reader.position);
  await until(() => reader.source.hears!());
  await publish(3);
  await committed(reader, 41);
  t.notOk(reader.stage.logged.some(({ msg }) => msg.includes('mark')));

  await manager.consumers.add('METRICS', { durable_name: 'taken', ack_policy: 'explicit' as never });
  const other = await Reader.open(t, { ...config, jetstream: { ...stream, durable: 'taken' } });
  await other.until(28);
  for (let i = 0; i < 3; i++) await other.source.commit!(other.position);
  await until(() => other.stage.logged.some(({ msg }) => msg.startsWith('consumer taken does not mark the progress: it acknowledges by explicit, not all')));
});
