import { gzipSync } from 'node:zlib';
import t from 'tap';
import { FRAME_TYPE, Publisher } from '../../publish/index.js';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { client, headed, json, makeStream, Reader, sleep, THEN, until } from './nats-rig.js';

const needed = await serversNeeded('nats');

t.test('each form of payload is taken, told apart by Content-Type, else by its bytes', needed, async (t) => {
  const server = await natsServer(t);
  const reader = await Reader.open(t, { servers: server.url, precision: 'ms' });
  const publisher = await client(t, server.url);
  await until(() => reader.source.health!().status === 'ok' && reader.source.hears!());
  const payloads: readonly (readonly [payload: string | Uint8Array, fields?: Readonly<Record<string, string>>])[] = [
    [json('object', 1)],
    [`[${json('array', 2)},${json('array', 3)}]`],
    [`${json('line', 4)}\n${json('line', 5)}\n`],
    [`influx,host=a value=6,other=7 ${THEN}`],
    [`# TYPE prometheus gauge\nprometheus{host="a"} 8 ${THEN}\n`],
    [`told value=9 ${THEN}`, { 'Content-Type': 'text/x-influx-line-protocol' }],
    [gzipSync(json('zipped', 10)), { 'Content-Encoding': 'gzip' }],
    [gzipSync(`zipped value=11 ${THEN}`), { 'content-encoding': 'GZIP', 'content-type': 'application/vnd.influx.line-protocol' }],
  ];
  for (const [payload, fields] of payloads) publisher.publish('metrics.v1.shop.web', payload, fields === undefined ? {} : headed(fields));
  const frames = new Publisher({ send: (frame) => publisher.publish('metrics.v1.shop', frame) });
  frames.add('frame', { host: 'a' }, THEN, 12);
  await frames.flush();
  const typed = new Publisher({ send: (frame) => publisher.publish('metrics.v1.x', frame, headed({ 'Content-Type': FRAME_TYPE })) });
  typed.add('frame', {}, THEN, 13);
  await typed.flush();
  publisher.publish('metrics.v2.shop', json('not ours', 99));
  publisher.publish('metrics.v1.shop', json('last', 14));
  await reader.until(14);
  t.strictSame(reader.samples, [
    [THEN, 'object', 1],
    [THEN, 'array', 2],
    [THEN, 'array', 3],
    [THEN, 'line', 4],
    [THEN, 'line', 5],
    [THEN, 'influx{host="a"}', 6],
    [THEN, 'influx_other{host="a"}', 7],
    [THEN, 'prometheus{host="a"}', 8],
    [THEN, 'told', 9],
    [THEN, 'zipped', 10],
    [THEN, 'zipped', 11],
    [THEN, 'frame{host="a"}', 12],
    [THEN, 'frame', 13],
    [THEN, 'last', 14],
  ]);
  t.strictSame(reader.stage.letters, []);
  t.equal(reader.position, null, 'nothing can be asked again');
  t.match(reader.stage.counts, new Map([['messages', 11], ['samples', 14]]));
});

t.test('a bad message is a dead letter with all that is known of it, here and on deadletters.v1; what stands around it is taken; mended, it is taken too', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection);
  const heard: { subject: string; letter: Record<string, unknown> }[] = [];
  connection.subscribe('deadletters.v1.>', { callback: (_, { subject, data }) => void heard.push({ subject, letter: JSON.parse(Buffer.from(data).toString()) as Record<string, unknown> }) });
  const to = connection.jetstream();
  const config = { servers: server.url, precision: 'ms', jetstream: { stream: 'METRICS' } };
  const reader = await Reader.open(t, config);
  const influx = { 'Content-Type': 'text/x-influx-line-protocol' };
  const bad: readonly (readonly [payload: string | Uint8Array, fields: Readonly<Record<string, string>>, letters: readonly object[]])[] = [
    ['{"metric_name": "a", ', {}, [{ reason: /^not JSON: /, offset: 21, payload: '{"metric_name": "a", ' }]],
    [`[${json('good', 1)}, {"metric_name": "b"}, ${json('good', 2)}]`, {}, [{ reason: 'line 1: value must be a finite number, not missing', offset: 0, payload: '{"metric_name": "b"}', headers: { subject: 'metrics.v1.2', 'content-type': 'application/json' } }]],
    [`good value=3 ${THEN}\ngood value= ${THEN}\ngood value=4 ${THEN}\nbroken`, {}, [{ reason: /^line 2: /, offset: 11, payload: `good value= ${THEN}` }, { reason: /^line 4: /, headers: { 'content-type': influx['Content-Type'] } }]],
    ['', {}, [{ reason: 'the message is empty' }]],
    ['what?', {}, [{ reason: /^the bytes tell no form/, payload: 'what?' }]],
    ['<xml/>', { 'Content-Type': 'text/xml' }, [{ reason: /^Content-Type "text\/xml" is none/, headers: { 'content-type': 'text/xml' } }]],
    ['not gzip', { 'Content-Encoding': 'gzip' }, [{ reason: /^not gzip: /, headers: { 'content-encoding': 'gzip' } }]],
    ['x', { 'Content-Encoding': 'br' }, [{ reason: /^Content-Encoding "br" is not known/ }]],
    [Uint8Array.of(0xf5, 0x4d, 0x52, 9), {}, [{ reason: /^a frame has at least 56 bytes/, offset: 4 }]],
    [json('future', 5, Date.now() + 120_000), {}, [{ reason: /more than 60 s in the future/ }]],
    [`x${'y'.repeat(10_000)}`, {}, [{ reason: /^the bytes tell/ }]],
  ];
  for (const [i, [payload, fields]] of bad.entries()) await to.publish(`metrics.v1.${i + 1}`, payload, headed(fields));
  await to.publish('metrics.v1.last', json('last', 5));
  await reader.until(5);
  t.strictSame(reader.values, [1, 2, 3, 4, 5]);
  const wanted = bad.flatMap(([, , letters], i) => letters.map((letter) => ({ origin: `metrics.v1.${i + 1}`, sequence: i + 1, ...letter })));
  const { letters, counts } = reader.stage;
  t.equal(letters.length, wanted.length);
  t.match(letters.map(({ payload, ...letter }) => ({ ...letter, payload: Buffer.from(payload).toString() })), wanted);
  t.equal(counts.get('rejected'), wanted.length);
  await until(() => heard.length === wanted.length);
  t.match(heard.map(({ letter }) => letter), wanted.map((letter) => ({ ...letter, node: 'node', at: /^20.*Z$/ })));
  t.match(heard.at(-1), { subject: 'deadletters.v1.node', letter: { bytes: 10_001 } });
  t.equal((heard.at(-1)!.letter['payload'] as string).length, 4_096);
  t.match(heard[9]!.letter, { encoding: 'base64', payload: '9U1SCQ==' });

  const letter = (index: number, payload: string) => ({ ...letters[index]!, node: 'node', payload });
  const resubmit = (again: ReturnType<typeof letter>, key: string, repeated = false) => reader.source.resubmit!(again, { key, repeated });
  await resubmit(letter(1, json('mended', 6)), 'first');
  await resubmit(letter(1, json('mended', 6)), 'first');
  await resubmit(letter(2, `mended value=7 ${THEN}`), 'second');
  await resubmit(letter(3, 'good value='), 'third');
  await to.publish('metrics.v1.last', json('last', 8));
  await reader.until(8);
  t.strictSame(reader.samples.slice(5), [[THEN, 'mended', 6], [THEN, 'mended', 7], [THEN, 'last', 8]], 'the same attempt twice is one message');
  t.match(letters.at(-1), { origin: 'metrics.v1.3', reason: /./ }, 'what is still bad is refused again');
  await t.rejects(resubmit({ ...letter(1, 'x'), headers: {} }, 'x'), { message: /does not say which subject/ });

  // Long after, nobody remembers the ids but the stream itself.
  await (await connection.jetstreamManager()).streams.update('METRICS', { duplicate_window: 100e6 });
  await sleep(200);
  await resubmit(letter(1, json('mended', 6)), 'first', true);
  await resubmit(letter(1, json('mended', 9)), 'fourth', true);
  await reader.until(9);
  t.strictSame(reader.values.slice(8), [9]);
  t.equal((await (await connection.jetstreamManager()).streams.info('METRICS')).state.messages, bad.length + 6);
  await server.kill();
  await until(() => reader.source.health!().status === 'down');
  await t.rejects(resubmit(letter(4, json('m', 1)), 'y'), { message: /^NATS is away: / });
});

t.test('wildcards, and a queue group whose members share the messages', needed, async (t) => {
  const server = await natsServer(t);
  const config = { servers: server.url, subjects: ['metrics.v1.*.web', 'more.>'], queue: 'millrace' };
  const readers = await Promise.all([Reader.open(t, config), Reader.open(t, config), Reader.open(t, { ...config, queue: undefined })]);
  await until(() => readers.every(({ source }) => source.hears!()));
  const publisher = await client(t, server.url);
  for (let i = 0; i < 200; i++) publisher.publish(['metrics.v1.a.web', 'more.b', 'more.b.c', 'metrics.v1.web', 'metrics.v1.a.b.web'][i % 5]!, json('m', i));
  const [one, other, alone] = readers as [Reader, Reader, Reader];
  await alone.until(120);
  await until(() => one.samples.length + other.samples.length >= 120);
  t.ok(one.samples.length > 20 && other.samples.length > 20, 'both have some');
  t.strictSame([...one.values, ...other.values].sort((a, b) => a - b), [...alone.values]);
});

t.test('core NATS, faster than it is read: the newest are left out whole, counted by subject, warned about once', needed, async (t) => {
  const server = await natsServer(t);
  const reader = await Reader.open(t, { servers: server.url }, undefined, { pause: 1 });
  await until(() => reader.source.hears!());
  const publisher = await client(t, server.url);
  const large = (from: number): string => json('m', from) + ' '.repeat(50_000);
  let published = 0;
  const publish = async (count: number, subject = (i: number) => `metrics.v1.${i % 2 === 0 ? 'even' : 'odd'}`): Promise<void> => {
    for (let i = 0; i < count; i++) publisher.publish(subject(published), large(published++));
    await publisher.flush();
  };
  await publish(400);
  const { counts } = reader.stage;
  await until(() => counts.has('shed'));
  await publish(200, (i) => `metrics.v1.of.${i}`);
  await until(() => (counts.get('shed others') ?? 0) > 0);
  // They come in order: with the last one counted, all are.
  const even = counts.get('shed metrics.v1.even')!;
  await publish(1, () => 'metrics.v1.even');
  await until(() => counts.get('shed metrics.v1.even')! > even && reader.stage.logged.some(({ level }) => level === 40));
  const shed = counts.get('shed')!;
  t.match(reader.source.health!(), { status: 'degraded', detail: /faster than they are read/ });
  reader.resume();
  await reader.until(published - shed);
  t.strictSame(reader.values, Array.from({ length: published - shed }, (_, i) => i), 'the oldest came whole');
  const kept = reader.values.length * 50_000;
  t.ok(kept > 7_000_000 && kept < 9_000_000, `${kept} bytes were kept`);
  const bySubject = [...counts].filter(([what]) => what.startsWith('shed '));
  t.equal(bySubject.reduce((sum, [, count]) => sum + count, 0), shed);
  t.equal(bySubject.length, 101, 'others together');
  t.match(reader.stage.logged.filter(({ level }) => level === 40), [{ msg: /the newest were left out/, subjects: { 'metrics.v1.even': Number } }]);
  await publish(1);
  await reader.until(published - shed);
  t.equal(reader.values.at(-1), published - 1, 'what comes later is taken again');
});
