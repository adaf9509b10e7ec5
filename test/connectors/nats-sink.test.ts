import fc from 'fast-check';
import type { JsMsg, NatsConnection } from 'nats';
import t, { type Test } from 'tap';
import { RowFrames } from '../../connectors/nats/row-frames.js';
import { RowLines } from '../../connectors/nats/row-lines.js';
import { natsSink } from '../../connectors/nats/sink.js';
import { FrameDecoder } from '../../connectors/payload/frame.js';
import { LineProtocol } from '../../connectors/payload/line-protocol.js';
import { STALE } from '../../engine/batch.js';
import { systemClock } from '../../engine/clock.js';
import type { Position, Sink } from '../../engine/connector.js';
import { findingJson } from '../../engine/finding-json.js';
import { seriesText } from '../../engine/series.js';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { client, Reader, sleep, THEN, until } from './nats-rig.js';
import { anomaly, batchOf, folder, sink, stage, type Row, type Stage } from './stage.js';

const needed = await serversNeeded('nats');

async function opened(t: Test, config: object, at = folder(t), from?: Position): Promise<{ sink: Sink; stage: Stage }> {
  const on = stage(at, { clock: systemClock });
  const made = sink(natsSink, config, on) as Sink;
  await made.open(from);
  t.teardown(() => made.close());
  return { sink: made, stage: on };
}

const write = (to: Sink, node: string, rows: readonly Row[]): Promise<void> => {
  const { batch, names } = batchOf(rows);
  return to.write(node, batch, names);
};

async function streamOf(connection: NatsConnection, given: object = {}): Promise<void> {
  await (await connection.jetstreamManager()).streams.add({ name: 'OUT', subjects: ['findings.v1.>', 'rows.v1.>'], ...given });
}

/** Everything that the stream has. */
async function kept(connection: NatsConnection): Promise<JsMsg[]> {
  const consumer = await asked(() => connection.jetstream().consumers.get('OUT'));
  const messages: JsMsg[] = [];
  if ((await asked(() => consumer.info())).num_pending > 0) {
    for await (const message of await consumer.consume()) {
      messages.push(message);
      if (message.info.pending === 0) break;
    }
  }
  return messages;
}

/** A request that is under way while the connection comes back may be lost by the client: it is made again. */
async function asked<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if ((error as { code?: string }).code !== 'TIMEOUT') throw error;
    }
  }
}

const idOf = (message: { headers?: { get(name: string): string } | undefined }): string => message.headers?.get('Nats-Msg-Id') ?? '';

t.test('whoever listens hears findings as JSON, and rows in a form that a source of ours reads', needed, async (t) => {
  const server = await natsServer(t);
  const connection = await client(t, server.url);
  const findings: [string, string, unknown][] = [];
  connection.subscribe('findings.v1.>', { callback: (_, message) => void findings.push([message.subject, idOf(message), message.json()]) });
  const reader = await Reader.open(t, { servers: server.url, subjects: ['rows.v1.>'] });
  await until(() => reader.source.hears!());
  await connection.flush();

  const first = anomaly();
  const closed = anomaly({ revision: 2, state: 'closed', time: 2_000 });
  const rows: Row[] = [
    { time: THEN, series: 'cpu{host="a b"}', value: 1.5, columns: { p99: 2 } },
    { time: THEN + 0.5, series: 'cpu', value: Number.NaN, columns: { p99: -1e-9 } },
  ];
  const wanted = [[THEN, 'cpu{host="a b"}', 1.5], [THEN, 'cpu_p99{host="a b"}', 2], [THEN + 0.5, 'cpu_p99', -1e-9]];
  for (const form of ['frame', 'influx']) {
    const { sink: out, stage: on } = await opened(t, { servers: server.url, rows: { form } });
    if (form === 'frame') for (const finding of [first, closed]) await out.receive!('odd', finding);
    await write(out, 'sums', rows);
    await reader.until(reader.samples.length + 3);
    // Line protocol is read in whole milliseconds.
    t.strictSame(reader.samples.slice(-3), form === 'frame' ? wanted : wanted.map(([time, ...rest]) => [Math.floor(time as number), ...rest]), `${form}: seen soon, without a flush`);
    t.match(out.health!(), { status: 'ok', detail: /^connected to / });
    await out.flush(1);
    await out.close();
    t.strictSame(on.letters, []);
  }
  t.strictSame(findings, JSON.parse(JSON.stringify([
    ['findings.v1.anomaly.odd', '0011223344556677.1', findingJson(first)],
    ['findings.v1.anomaly.odd', '0011223344556677.2', findingJson(closed)],
  ])), 'a close is another message than its opening');

  const { sink: silent } = await opened(t, { servers: server.url, findings: 'mine' });
  await write(silent, 'sums', rows);
  connection.subscribe('mine.>', { callback: (_, { subject }) => void findings.push([subject, '', undefined]) });
  await connection.flush();
  await silent.receive!('other.late', first);
  await until(() => findings.length === 3);
  t.equal(findings[2]![0], 'mine.anomaly.other.late');
  t.equal(reader.samples.length, 6, 'rows are published where that was asked for');
});

t.test('a server that is away: writing and flushing go on, and everything is in the stream once when it is back', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  const at = folder(t);
  const config = { servers: server.url, rows: {}, jetstream: {} };
  const { sink: out, stage: on } = await opened(t, config, at);
  let number = 0;
  const findings = async (count: number): Promise<void> => {
    for (const end = number + count; number < end; number++) await out.receive!('odd', anomaly({ id: String(number) }));
  };
  await findings(3);
  await until(() => out.health!().status === 'degraded' && out.health!().detail!.startsWith('no stream keeps findings.v1.anomaly.odd; 3 messages wait on disk'));
  await streamOf(connection);
  const manager = await connection.jetstreamManager();
  while ((await manager.streams.info('OUT')).state.messages < 3) await sleep(10);
  await until(() => out.health!().status === 'ok');

  await server.kill();
  await findings(1_000);
  await write(out, 'sums', [{ time: THEN, series: 'cpu', value: 1 }]);
  const position = await out.flush(1);
  await until(() => out.health!().status === 'degraded' && /^NATS is away: .*; 1001 messages wait on disk .*nothing is lost$/.test(out.health!().detail!));
  await findings(5);
  await server.restart();
  await out.advance!(Infinity);
  const all = await kept(connection);
  t.strictSame(all.map(idOf).filter((id) => id.endsWith('.1')).sort(), Array.from({ length: number }, (_, i) => `${i}.1`).sort());
  t.strictSame(all.filter(({ subject }) => subject === 'rows.v1.sums').length, 1);
  t.match(out.health!(), { status: 'ok' });
  const told = on.logged.map(({ msg }) => msg);
  // Away for two reasons: closed, then refused.
  t.match(told.filter((msg, i) => !(msg.startsWith('NATS is away') && told[i - 1]!.startsWith('NATS is away'))), ['connected to NATS', /^no stream keeps .* waits on disk$/, 'NATS takes what is published again', /^NATS is away: /, 'connected to NATS']);

  // Killed after that checkpoint: what was flushed with it and is perhaps there already comes again, under its id.
  await out.close();
  const { sink: again } = await opened(t, config, at, position);
  await again.receive!('odd', anomaly({ id: 'after' }));
  await again.advance!(Infinity);
  const more = await kept(connection);
  t.strictSame(more.slice(all.length).map(idOf), ['after.1'], 'the stream has the others');
});

t.test('what waits on disk outlives the process', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await streamOf(connection);
  await server.kill();
  const at = folder(t);
  const config = { servers: server.url, rows: { form: 'influx' }, jetstream: { stream: 'OUT' } };
  const { sink: out } = await opened(t, config, at);
  for (let i = 0; i < 20; i++) await out.receive!('odd', anomaly({ id: String(i) }));
  await write(out, 'sums', [{ time: THEN, series: 'cpu', value: 1 }]);
  const position = await out.flush(1);
  await out.receive!('odd', anomaly({ id: 'of no checkpoint' }));
  await out.close();
  const { sink: again } = await opened(t, config, at, position);
  await server.restart();
  await again.advance!(Infinity);
  const all = await kept(connection);
  t.strictSame(all.slice(0, 20).map(idOf), Array.from({ length: 20 }, (_, i) => `${i}.1`), 'in order');
  t.match(all.slice(20).map(({ subject, data }) => [subject, Buffer.from(data).toString()]), [['rows.v1.sums', `cpu value=1 ${THEN}000000\n`]]);

  const { sink: astray } = await opened(t, { ...config, jetstream: { stream: 'OTHER' } });
  await astray.receive!('odd', anomaly());
  await until(() => /expected stream does not match/.test(astray.health!().detail!));
});

t.test('a message that no server takes is a dead letter, the others go on; it can be sent when the server takes it', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await streamOf(connection, { max_msg_size: 10_000 });
  for (const jetstream of [{}, undefined]) {
    const { sink: out, stage: on } = await opened(t, { servers: server.url, jetstream });
    const size = jetstream === undefined ? 9_000_000 : 20_000;
    await out.receive!('odd', anomaly({ id: 'small' }));
    await out.receive!('odd', anomaly({ id: 'large', explanation: 'x'.repeat(size) }));
    await out.receive!('odd', anomaly({ id: 'small', revision: 2 }));
    await out.advance!(Infinity);
    t.match(on.letters, [{ origin: 'findings.v1.anomaly.odd', reason: jetstream === undefined ? /has 9\d{6} bytes, the server takes at most/ : /message size exceeds maximum allowed/, headers: { subject: 'findings.v1.anomaly.odd', 'Nats-Msg-Id': 'large.1' } }]);
    t.match(out.health!(), { status: 'ok' });
    const letter = { ...on.letters[0]!, node: 'node', payload: Buffer.from(on.letters[0]!.payload).toString() };
    const attempt = { key: 'k', repeated: false };
    await t.rejects(out.resubmit!(letter, attempt), { message: /message size exceeds|the server takes at most/ });
    if (jetstream === undefined) continue;
    await (await connection.jetstreamManager()).streams.update('OUT', { max_msg_size: 100_000 });
    await out.resubmit!(letter, attempt);
    await t.rejects(out.resubmit!({ ...letter, headers: {} }, attempt), { message: /no form that could be published/ });
  }
  t.strictSame((await kept(connection)).map(idOf), ['small.1', 'small.2', 'large.1']);
});

const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, Number.NaN, 1e300, Number.MIN_VALUE));
const time = fc.oneof(fc.integer({ min: -1e12, max: 4e12 }), fc.double({ min: -1e9, max: 4e12, noNaN: true }).map((ms) => Math.round(ms * 8) / 8));
const label = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constantFrom(',', '=', ' ', 'a,b=c d', '\\x', '"', '{}', 'é€😀', 'a\\', 'a\\,b', 'a\nb'));
const rowsOf = fc.array(fc.record({ host: label, time, value, p99: value, stale: fc.boolean() }), { maxLength: 40 });

t.test('rows in either form decode to what they were', (t) => {
  fc.assert(
    fc.property(rowsOf, fc.boolean(), (rows, frames) => {
      const { batch, names } = batchOf(rows.map(({ host, time, value, p99 }) => ({ time, value, series: seriesText('cpu', { host }), columns: { p99 } })));
      for (const [i, { stale }] of rows.entries()) batch.flags[i] = stale ? STALE : 0;
      const form = frames ? new RowFrames(new Uint8Array(8)) : new RowLines('run');
      const wanted: unknown[] = [];
      for (const [i, { host, time, value, p99, stale }] of rows.entries()) {
        const added = form.add(batch, names, i);
        const unwritable = !frames && !stale && /[\n\r]|\\(?:[,= ]|$)/.test(host);
        if (added !== (unwritable ? 'unwritable' : 'added')) return false;
        if (unwritable || (stale && !frames)) continue;
        for (const [name, number] of [['cpu', value], ['cpu_p99', p99]] as const) {
          if (stale) wanted.push([time, seriesText(name, { host }), Number.NaN, STALE]);
          else if (!Number.isNaN(number)) wanted.push([frames ? time : Math.floor(time), seriesText(name, { host }), number, 0]);
        }
      }
      const got: unknown[] = [];
      const into = { add: (...sample: unknown[]) => got.push(sample) > 0 };
      const taken = form.take();
      if (taken === undefined) return wanted.length === 0;
      if (frames) new FrameDecoder().open(taken.payload).addTo(into);
      else new LineProtocol('ns').decode(taken.payload, 1e15, into, ({ reason }) => got.push(reason));
      return form.take() === undefined && t.strictSame(got, wanted);
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('a payload has a bound, of rows and of bytes', async (t) => {
  const labels = (i: number) => ({ long: 'x'.repeat(3_000), i: String(i) });
  for (const form of [new RowFrames(new Uint8Array(8)), new RowLines('run')]) {
    for (const [rows, most] of [[20_000, 8_192], [1_000, 300]] as const) {
      const wide = rows === 1_000;
      const { batch, names } = batchOf(Array.from({ length: rows }, (_, i) => ({ time: i, value: i, series: wide ? seriesText('m', labels(i)) : 'm' })));
      const sizes: number[] = [];
      let added = 0;
      for (let i = 0; i < rows; ) {
        if (form.add(batch, names, i) === 'full') {
          sizes.push(form.take()!.payload.length);
          t.ok(added <= most && added > most / 3, `${added}`);
          added = 0;
        } else {
          i += 1;
          added += 1;
        }
      }
      sizes.push(form.take()!.payload.length);
      t.ok(Math.max(...sizes) < 600_000);
    }
  }
});
