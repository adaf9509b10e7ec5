import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { MAX_SOCKETS } from '../../connectors/live/limits.js';
import { liveSink } from '../../connectors/live/sink.js';
import { fits, LiveServer, PuppetRoutes, PuppetSocket } from './live-harness.js';
import { anomaly, folder, sink, stage } from './stage.js';

const T = Date.UTC(2024, 0, 15, 10, 30);

function root(): string {
  let at = import.meta.dirname;
  while (!existsSync(join(at, 'package-lock.json'))) at = dirname(at);
  return at;
}

const cpu = { series: 'cpu_usage{mode="user"}', metric: 'cpu_usage', labels: { mode: 'user' } };
const spike = {
  ...cpu,
  id: '5b0a7f3c9d2e4f61',
  operator: 'odd',
  openedAt: T + 1_000,
  time: T + 1_000,
  explanation: 'cpu_usage is 0.97, expected 0.4 (0.31 to 0.49)',
  value: 0.97,
  expected: 0.4,
  lower: 0.31,
  upper: 0.49,
  score: 0.99,
  confidence: 0.97,
} as const;

await t.test('the page docs/live-protocol.md holds, message by message', async (t) => {
  const server = await LiveServer.start(t, folder(t));
  await server.rows('odd', [
    { time: T, series: cpu.series, value: 0.42, columns: { score: 0.03, expected: 0.4 } },
    { time: T + 1_000, series: cpu.series, value: 0.44, columns: { score: 0.05, expected: 0.4 } },
  ]);
  await server.rows('host', [
    { time: T, series: 'load1', value: 1.5 },
    { time: T + 1_000, series: 'load1', value: 1.75 },
  ]);
  await server.sink.receive('odd', anomaly(spike));
  await server.sink.flush();
  /** What happens where the page says so. */
  const events: Record<string, () => Promise<void>> = {
    'rows arrive, also of a series not seen before': () =>
      server.rows('host', [
        { time: T + 2_000, series: 'load1', value: 1.25 },
        { time: T + 2_000, series: 'memory_used_bytes', value: 4_096 },
      ]),
    'it closes': () => server.sink.receive('odd', anomaly({ ...spike, revision: 2, state: 'closed', time: T + 60_000, value: 0.41, score: 0.02 })),
  };
  const client = await server.connect(t);
  const epochs = new Map<unknown, unknown>();
  const page = readFileSync(join(root(), 'docs', 'live-protocol.md'), 'utf8');
  let lines = 0;
  for (const [, block] of page.matchAll(/```jsonc\n([\s\S]*?)```/g)) {
    for (const line of block!.trim().split('\n')) {
      lines += 1;
      if (line.startsWith('// ')) await events[line.slice(3)]?.();
      else if (line.startsWith('> ')) client.say(line.slice(2).replace('"k3f9x0ab"', JSON.stringify(epochs.get('anomalies'))));
      else {
        const heard = await client.next();
        if (heard.type === 'ack') epochs.set(heard['channel'], heard['epoch']);
        t.ok(fits(heard, JSON.parse(line.slice(2))), line, { heard });
      }
    }
  }
  t.ok(lines > 20, 'the examples were found');
  t.same(client.heard, [], 'nothing else was said');
});

await t.test('filters: exact metric and node, every label', async (t) => {
  const server = await LiveServer.start(t, folder(t));
  for (const [node, series] of [['a', 'm{x="1",y="1"}'], ['a', 'm{x="1",y="2"}'], ['b', 'm{x="1"}'], ['b', 'mm{x="1"}']] as const) {
    await server.rows(node, [{ time: T, series, value: 1 }]);
    await server.sink.receive(node, anomaly({ id: `${node} ${series}`, operator: node, series, metric: series.split('{')[0]!, labels: Object.fromEntries([...series.matchAll(/(\w)="(\w)"/g)].map(([, k, v]) => [k!, v!])) }));
  }
  await server.sink.flush();
  const client = await server.connect(t);
  let id = 0;
  const seen = async (filter: object) => {
    id += 1;
    const rows = await client.subscribe(`r${id}`, 'metrics', { filter });
    const findings = await client.subscribe(`f${id}`, 'anomalies', { filter });
    client.say({ type: 'unsubscribe', id: `r${id}` });
    client.say({ type: 'unsubscribe', id: `f${id}` });
    await client.next();
    await client.next();
    const bySeries = (rows.snapshot!['series'] as { node: string; metric_name: string; labels: Record<string, string> }[]).map(({ node, metric_name, labels }) => `${node} ${metric_name} ${JSON.stringify(labels)}`);
    const byFinding = (findings.snapshot!['findings'] as { node: string; metric_name: string; labels: Record<string, string> }[]).map(({ node, metric_name, labels }) => `${node} ${metric_name} ${JSON.stringify(labels)}`);
    t.same(byFinding.sort(), [...bySeries].sort(), 'rows and findings are filtered alike');
    return bySeries.sort();
  };
  t.equal((await seen({})).length, 4);
  t.same(await seen({ node: 'b' }), ['b m {"x":"1"}', 'b mm {"x":"1"}']);
  t.same(await seen({ metric_name: 'm', node: 'b' }), ['b m {"x":"1"}']);
  t.same(await seen({ labels: { x: '1', y: '2' } }), ['a m {"x":"1","y":"2"}']);
  t.same(await seen({ labels: { y: '' } }), ['b m {"x":"1"}', 'b mm {"x":"1"}'], 'an empty value: no such label');
  t.same(await seen({ metric_name: 'none' }), []);
});

await t.test('what a client does wrong is told, and the socket stays open', async (t) => {
  const server = await LiveServer.start(t, folder(t));
  const client = await server.connect(t);
  const wrong: [unknown, object][] = [
    ['{', { id: null, code: 'bad_message' }],
    ['[]', { id: null, code: 'bad_message' }],
    ['null', { id: null, code: 'bad_message' }],
    [{ type: 'subscribe' }, { id: null, code: 'bad_message' }],
    [{ type: 'subscribe', id: '', channel: 'metrics' }, { id: '', code: 'bad_message' }],
    [{ type: 'subscribe', id: 'x'.repeat(65), channel: 'metrics' }, { code: 'bad_message' }],
    [{ type: 'subscribe', id: '1', channel: 'metrics', filters: {} }, { id: '1', code: 'bad_message', message: /filters/ }],
    [{ type: 'subscribe', id: '1', channel: 'metrics', filter: { labels: { a: 1 } } }, { id: '1', code: 'bad_message', message: /filter\.labels\.a/ }],
    [{ type: 'subscribe', id: '1', channel: 'metrics', from: { epoch: 'a', offset: -1 } }, { id: '1', code: 'bad_message', message: /from\.offset/ }],
    [{ type: 'publish', id: '1' }, { id: '1', code: 'bad_message' }],
    [{ type: 'unsubscribe', id: '1' }, { id: '1', code: 'unknown_subscription' }],
    [{ type: 'subscribe', id: '1', channel: 'toString' }, { id: '1', code: 'unknown_channel' }],
  ];
  for (const [message, error] of wrong) t.match(await client.ask(message as object), { type: 'error', ...error }, JSON.stringify(message));
  for (let i = 1; i <= 16; i++) t.equal((await client.subscribe(String(i), i % 2 === 0 ? 'metrics' : 'alerts')).ack.type, 'ack');
  t.match(await client.ask({ type: 'subscribe', id: '3', channel: 'alerts' }), { type: 'error', id: '3', code: 'duplicate_id' });
  t.match(await client.ask({ type: 'subscribe', id: '17', channel: 'alerts' }), { type: 'error', id: '17', code: 'too_many_subscriptions' });
  t.match(await client.ask({ type: 'unsubscribe', id: '3' }), { type: 'unsubscribed', id: '3' });
  t.equal((await client.subscribe('17', 'alerts')).ack.type, 'ack');
  for (let i = 0; i < 100; i++) client.say('nonsense');
  t.same((await client.closed).code, 1008, 'but not for ever');
});

await t.test('nothing follows an unsubscribe, and a socket that closes is forgotten', async (t) => {
  const routes = new PuppetRoutes();
  const on = stage(folder(t), { routes });
  const live = sink(liveSink, {}, on) as LiveServer['sink'];
  await live.open(undefined);
  t.teardown(() => live.close());
  const socket = new PuppetSocket();
  routes.handler.open!(socket);
  const say = (message: object) => routes.handler.message(socket, JSON.stringify(message));
  say({ type: 'subscribe', id: '1', channel: 'anomalies' });
  say({ type: 'subscribe', id: '2', channel: 'anomalies' });
  socket.take();
  say({ type: 'unsubscribe', id: '1' });
  await live.receive('odd', anomaly({ id: 'a' }));
  await live.flush();
  t.same(socket.take().map((message) => [message.type, message['id']]), [['unsubscribed', '1'], ['message', '2']]);
  routes.handler.close!(socket);
  await live.receive('odd', anomaly({ id: 'b' }));
  await live.flush();
  t.same(socket.take(), []);
  say({ type: 'subscribe', id: '3', channel: 'anomalies' });
  t.same(socket.take(), [], 'it has no session any more');
});

await t.test('sockets are bounded', async (t) => {
  const routes = new PuppetRoutes();
  const on = stage(folder(t), { routes });
  const live = sink(liveSink, {}, on) as LiveServer['sink'];
  await live.open(undefined);
  const sockets = Array.from({ length: MAX_SOCKETS + 1 }, () => new PuppetSocket());
  for (const socket of sockets) routes.handler.open!(socket);
  t.same(sockets.filter((socket) => socket.closedWith !== undefined).map((socket) => [sockets.indexOf(socket), socket.closedWith!.code]), [[MAX_SOCKETS, 1013]]);
  t.equal(on.counts.get('refused_socket'), 1);
  await live.close();
  t.equal(sockets[0]!.closedWith?.code, 1012, 'the others hear that the graph restarts');
  const late = new PuppetSocket();
  routes.handler.open!(late);
  t.equal(late.closedWith?.code, 1012);
});

await t.test('without a server it keeps the board, and writes nothing', async (t) => {
  const path = folder(t);
  const on = stage(path);
  const live = sink(liveSink, {}, on) as LiveServer['sink'];
  await live.open(undefined);
  await live.receive('odd', anomaly());
  await live.flush();
  t.equal(live.board.open('anomaly').length, 1);
  t.notOk(existsSync(join(path, 'findings')));
  await live.close();
});

await t.test('a restart of the graph closes sockets with 1012', async (t) => {
  const server = await LiveServer.start(t, folder(t));
  const client = await server.connect(t);
  const closed = once(client.socket, 'close') as Promise<[number]>;
  const position = await server.sink.flush();
  await server.sink.close();
  t.equal((await closed)[0], 1012);
  await server.open(position);
  const again = await server.connect(t);
  t.equal((await again.subscribe('1', 'alerts')).ack.type, 'ack');
});

await t.test('its examples are configs that it takes', async (t) => {
  for (const { title, yaml } of liveSink.examples) t.ok(yaml.includes('type: live'), title);
  t.throws(() => liveSink.config.parse({ path: 'live' }), /path/);
  t.throws(() => liveSink.config.parse({ retian: 5 }), /retian/);
  t.same(liveSink.config.parse({ history: '15m', memory: '16MiB' }), { path: '/live', history: 900_000, max_series: 10_000, memory: 16 * 1024 * 1024, retain: 10_000 });
});

