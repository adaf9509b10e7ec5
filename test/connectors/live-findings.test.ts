import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { FindingLog } from '../../connectors/live/finding-log.js';
import { HIGH_BYTES, SLOW_MS } from '../../connectors/live/limits.js';
import type { LiveSink } from '../../connectors/live/live-sink.js';
import { liveSink } from '../../connectors/live/sink.js';
import type { Position } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import { LiveServer, PuppetRoutes, PuppetSocket, type Message } from './live-harness.js';
import { anomaly, folder, sink, stage, type Stage } from './stage.js';

const nameOf = ({ id, revision }: { id: string; revision: number }) => `${id}.${revision}`;
const states = ['opened', 'grew', 'closed'] as const;

/** A finding by a short name: `a.1` opens, `a.2` grows, `a.3` closes. */
function finding(name: string, more: Partial<Finding> = {}): Finding {
  const [id, revision] = name.split('.');
  return anomaly({ id: id!, revision: Number(revision), state: states[Number(revision) - 1]!, time: 1_000 * Number(revision), ...more });
}

/** A live sink without a network. */
class Bench {
  readonly routes = new PuppetRoutes();
  readonly on: Stage;
  live!: LiveSink;

  constructor(path: string) {
    this.on = stage(path, { routes: this.routes });
  }
  async open(from?: Position): Promise<this> {
    this.live = sink(liveSink, { retain: 1_000 }, this.on) as LiveSink;
    await this.live.open(from);
    return this;
  }
  connect(): PuppetSocket {
    const socket = new PuppetSocket();
    this.routes.handler.open!(socket);
    return socket;
  }
  subscribe(socket: PuppetSocket, more: object = {}): Message[] {
    this.routes.handler.message(socket, JSON.stringify({ type: 'subscribe', id: '1', channel: 'anomalies', ...more }));
    return socket.take();
  }
  async give(...names: string[]): Promise<void> {
    for (const name of names) await this.live.receive('odd', finding(name));
  }
}

const namesIn = (messages: readonly Message[]) => messages.flatMap((message) => (message['findings'] as { id: string; revision: number }[] | undefined) ?? []).map(nameOf);

await t.test('a finding is on disk before it is sent', async (t) => {
  const path = folder(t);
  const bench = await new Bench(path).open();
  t.teardown(() => bench.live.close());
  const onDisk: boolean[] = [];
  class Witness extends PuppetSocket {
    override send(text: string): boolean {
      const log = readdirSync(join(path, 'findings')).map((name) => readFileSync(join(path, 'findings', name), 'utf8')).join('');
      for (const id of text.matchAll(/"id":"(finding\d+)"/g)) onDisk.push(log.includes(id[1]!));
      return super.send(text);
    }
  }
  const socket = new Witness();
  bench.routes.handler.open!(socket);
  bench.subscribe(socket);
  for (let i = 0; i < 50; i++) await bench.give(`finding${i}.1`);
  await bench.live.flush();
  t.equal(namesIn(socket.take()).length, 50);
  t.same(onDisk, Array.from({ length: 50 }, () => true));
});

interface Step {
  readonly kind: 'give' | 'checkpoint' | 'restart' | 'crash' | 'disconnect' | 'connect';
  readonly n: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('give' as const, 'give' as const, 'give' as const, 'checkpoint' as const, 'restart' as const, 'crash' as const, 'disconnect' as const, 'connect' as const),
  n: fc.nat({ max: 20 }),
});

await t.test('random disconnects, restarts and crashes with replays: a subscriber gets every finding exactly once', async (t) => {
  /** What the graph concludes, whatever happens: each finding opens, grows, closes, among others. */
  const story = Array.from({ length: 600 }, (_, i) => `f${Math.floor(i / 9)}-${i % 3}.${(Math.floor(i / 3) % 3) + 1}`);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const path = t.testdir();
      const bench = await new Bench(path).open();
      const checkpoints: { position: Position | undefined; at: number }[] = [{ position: undefined, at: 0 }];
      let at = 0;
      let socket: PuppetSocket | undefined;
      let from: object | undefined;
      const seen: string[] = [];
      const hear = () => {
        for (const message of socket?.take() ?? []) {
          if (message.type === 'message') {
            seen.push(...namesIn([message]));
            from = { epoch: message['epoch'], offset: message['offset'] };
          }
        }
      };
      const connect = () => {
        socket = bench.connect();
        const [ack, ...rest] = bench.subscribe(socket, from === undefined ? {} : { from });
        if (from === undefined) from = { epoch: ack!['epoch'], offset: ack!['offset'] };
        else if (ack!['resumed'] !== true) throw new Error(`not resumed from ${JSON.stringify(from)}`);
        for (const message of rest) if (message.type === 'message') socket.frames.push(message);
        hear();
      };
      connect();
      for (const { kind, n } of steps) {
        if (kind === 'give') {
          for (const name of story.slice(at, at + n)) await bench.live.receive('odd', finding(name));
          at = Math.min(story.length, at + n);
        } else if (kind === 'checkpoint') {
          checkpoints.push({ position: await bench.live.flush(), at });
          if (checkpoints.length > 3) checkpoints.shift();
        } else if (kind === 'restart' || kind === 'crash') {
          if (kind === 'restart') checkpoints.push({ position: await bench.live.flush(), at });
          await bench.live.close();
          hear();
          socket = undefined;
          if (kind === 'crash') {
            // A record that was being written.
            const log = join(path, 'findings');
            const newest = readdirSync(log).sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0]!;
            const whole = readFileSync(join(log, newest));
            appendFileSync(join(log, newest), whole.subarray(0, Math.min(whole.length, 1 + n)));
            // A damaged checkpoint sends it back further.
            while (checkpoints.length > 1 && checkpoints.length > 3 - (n % 3)) checkpoints.pop();
          }
          const last = checkpoints.at(-1)!;
          await bench.open(last.position);
          at = last.at;
          connect();
        } else if (kind === 'disconnect' && socket !== undefined) {
          // What was sent and not heard is lost.
          if (n % 2 === 0) hear();
          bench.routes.handler.close!(socket);
          socket = undefined;
        } else if (kind === 'connect' && socket === undefined) connect();
        if (n % 3 === 0) hear();
      }
      if (socket === undefined) connect();
      for (const name of story.slice(at)) await bench.live.receive('odd', finding(name));
      await bench.live.flush();
      hear();
      await bench.live.close();
      if (seen.join() !== story.join()) throw new Error(`seen ${seen.length} of ${story.length}: ${seen.join()}`);
    }),
    { numRuns: 60 },
  );
  t.pass('60 runs');
});

await t.test('over a real network: disconnects in the middle of a stream, and a restart', async (t) => {
  const server = await LiveServer.start(t, folder(t));
  const total = 400;
  let position: Position | undefined;
  const stream = (async () => {
    for (let i = 0; i < total; i++) {
      await server.sink.receive('odd', finding(`f${i}.1`, { explanation: 'x'.repeat(500), time: i }));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      if (i !== 200) continue;
      position = await server.sink.flush();
      await server.sink.close();
      await server.open(position);
    }
  })();
  const seen: string[] = [];
  let from: object | undefined;
  for (let round = 1; seen.length < total; round++) {
    const client = await server.connect(t);
    client.say({ type: 'subscribe', id: '1', channel: 'anomalies', ...(from === undefined ? {} : { from }) });
    let open = true;
    void client.closed.then(() => (open = false));
    for (let heard = 0; open && heard < round && seen.length < total; heard++) {
      const message = await Promise.race([client.next(), client.closed]);
      if (!('type' in message)) break;
      if (message.type === 'ack') t.equal(message['resumed'], from !== undefined);
      if (message.type === 'snapshot' && seen.length === 0) seen.push(...namesIn([message]));
      if (message.type === 'message') seen.push(...namesIn([message]));
      // An acknowledgement is followed by the snapshot that belongs to its position.
      if (message.type !== 'ack') from = { epoch: message['epoch'], offset: message['offset'] };
    }
    client.socket.terminate();
  }
  await stream;
  t.same(seen, Array.from({ length: total }, (_, i) => `f${i}.1`));
});

await t.test('a replay is swallowed and counted, a higher revision is not', async (t) => {
  const bench = await new Bench(folder(t)).open();
  t.teardown(() => bench.live.close());
  const socket = bench.connect();
  bench.subscribe(socket);
  await bench.give('a.1', 'a.2', 'a.1', 'a.2', 'b.1', 'a.3');
  await bench.live.flush();
  t.same(namesIn(socket.take()), ['a.1', 'a.2', 'b.1', 'a.3']);
  t.equal(bench.on.counts.get('replayed_finding'), 2);
});

await t.test('a replay of more than is kept for resuming is swallowed too', async (t) => {
  const path = folder(t);
  const bench = await new Bench(path).open();
  const storm = Array.from({ length: 2_500 }, (_, i) => `f${i}.3`);
  await bench.give(...storm);
  await bench.live.flush();
  await bench.give('last.1');
  await bench.live.flush();
  await bench.live.close();
  await bench.open(undefined);
  const socket = bench.connect();
  bench.subscribe(socket);
  await bench.give(...storm, 'last.1', 'new.1');
  await bench.live.flush();
  t.same(namesIn(socket.take()), ['new.1']);
  await bench.live.close();
});

await t.test('a snapshot: what is open, and the newest that are closed, each once', async (t) => {
  const bench = await new Bench(folder(t)).open();
  t.teardown(() => bench.live.close());
  await bench.give('open.1', 'grown.1', 'grown.2');
  for (let i = 0; i < 150; i++) await bench.give(`f${i}.1`, `f${i}.3`);
  await bench.live.flush();
  const [ack, snapshot] = bench.subscribe(bench.connect());
  t.equal(ack!['resumed'], false);
  const shown = namesIn([snapshot!]);
  t.equal(shown.length, 102);
  t.same(shown.slice(0, 2), ['open.1', 'grown.2']);
  t.same(shown.slice(2).sort(), Array.from({ length: 100 }, (_, i) => `f${i + 50}.3`).sort());
});

await t.test('open is what the operators know of: a finding after the checkpoint counts when it is sent again', async (t) => {
  const path = folder(t);
  let bench = await new Bench(path).open();
  await bench.give('before.1');
  const position = await bench.live.flush();
  await bench.give('after.1', 'again.1');
  await bench.live.flush();
  const open = () => bench.live.board.open('anomaly').map(nameOf).sort();
  t.same(open(), ['after.1', 'again.1', 'before.1']);
  await bench.live.close();

  bench = await new Bench(path).open(position);
  t.same(open(), ['before.1']);
  await bench.give('again.1');
  t.same(open(), ['again.1', 'before.1']);
  t.equal((await bench.live.board.history.findings({ from: 0, to: 1e15, limit: 10 })).length, 3, 'the past has them all');
  await bench.give('before.2', 'before.3');
  await bench.live.flush();
  t.same(open(), ['again.1']);
  await bench.live.close();

  bench = await new Bench(path).open(undefined);
  t.same(open(), [], 'a new run begins with nothing open');
  await bench.live.close();
});

await t.test('a slow subscriber: findings wait, and past half of what is kept it is closed with its position', async (t) => {
  const bench = await new Bench(folder(t)).open();
  t.teardown(() => bench.live.close());
  const socket = bench.connect();
  const [{ epoch }] = bench.subscribe(socket) as [Message];
  await bench.give('a.1');
  await bench.live.flush();
  const [first] = socket.take();
  socket.waiting = HIGH_BYTES + 1;
  await bench.give('b.1', 'c.1');
  await bench.live.flush();
  t.same(socket.take(), [], 'nothing is given to it while it is full');
  socket.waiting = 0;
  bench.routes.handler.drain!(socket);
  const [second] = socket.take();
  t.same(namesIn([second!]), ['b.1', 'c.1'], 'they come when it has drained');

  socket.waiting = HIGH_BYTES + 1;
  for (let i = 0; i < 600; i++) await bench.give(`f${i}.1`);
  await bench.live.flush();
  const [error, ...none] = socket.take();
  t.match(error, { type: 'error', id: '1', code: 'slow_subscriber', epoch, offset: second!['offset'] });
  t.same(none, []);
  t.equal(socket.closedWith?.code, 4408);
  t.ok((first!['offset'] as number) < (second!['offset'] as number));

  const again = bench.connect();
  const [ack, ...messages] = bench.subscribe(again, { from: { epoch: error!['epoch'], offset: error!['offset'] } });
  t.equal(ack!['resumed'], true, 'the rest is still kept');
  t.same(namesIn(messages), Array.from({ length: 600 }, (_, i) => `f${i}.1`));
});

await t.test('a subscriber that takes nothing for long is closed, one without anything waiting is not', async (t) => {
  const bench = await new Bench(folder(t)).open();
  t.teardown(() => bench.live.close());
  const [slow, quiet] = [bench.connect(), bench.connect()];
  bench.subscribe(slow);
  bench.subscribe(quiet, { channel: 'alerts' });
  slow.waiting = quiet.waiting = HIGH_BYTES + 1;
  await bench.give('a.1');
  await bench.live.flush();
  t.equal(slow.closedWith, undefined);
  bench.on.clock.time += SLOW_MS;
  await bench.give('b.1');
  await bench.live.flush();
  t.equal(slow.closedWith?.code, 4408);
  t.equal(quiet.closedWith, undefined);
});

await t.test('a position that is not kept any more, or of another epoch, is answered by a snapshot', async (t) => {
  const path = folder(t);
  let bench = await new Bench(path).open();
  const [{ epoch }] = bench.subscribe(bench.connect()) as [Message];
  for (let i = 0; i < 1_500; i++) await bench.give(`f${i}.3`);
  for (let i = 0; i < 4; i++) await bench.live.flush();
  const resumes = (from: object) => bench.subscribe(bench.connect(), { from })[0]!['resumed'];
  t.equal(resumes({ epoch, offset: 1 }), false);
  t.equal(resumes({ epoch, offset: 490 }), false);
  t.equal(resumes({ epoch, offset: 1_000 }), true);
  t.equal(resumes({ epoch: 'another', offset: 1_000 }), false);
  t.equal(resumes({ epoch, offset: 1e9 }), false);
  const position = await bench.live.flush();
  await bench.live.close();
  bench = await new Bench(path).open(position);
  t.equal(resumes({ epoch, offset: 1_000 }), true, 'after a restart too');
  await bench.live.close();

  bench = await new Bench(folder(t)).open(position);
  t.equal(resumes({ epoch, offset: 1_000 }), false, 'the log is gone');
  await bench.give('new.1');
  t.ok(((await bench.live.flush()) as { offset: number }).offset > (position as { offset: number }).offset, 'offsets never go back');
  await bench.live.close();
});

await t.test('the log is rewritten when it is long, and holds the same', async (t) => {
  const path = folder(t);
  const bench = await new Bench(path).open();
  await bench.give('old.1');
  const explanation = 'x'.repeat(20_000);
  for (let i = 0; i < 2_100; i++) await bench.live.receive('odd', finding(`f${i}.3`, { explanation }));
  const size = () => readdirSync(join(path, 'findings')).reduce((sum, name) => sum + readFileSync(join(path, 'findings', name)).length, 0);
  let position: Position = null;
  // The first three flushes may still be gone back to.
  for (let i = 0; i < 3; i++) position = await bench.live.flush();
  t.ok(size() < 30_000_000, `${size()} bytes`);
  const before = await bench.live.board.history.findings({ from: 0, to: 1e15, limit: 10_000 });
  const [{ epoch }] = bench.subscribe(bench.connect()) as [Message];
  await bench.live.close();

  const again = await new Bench(path).open(position);
  t.same(again.live.board.open('anomaly').map(nameOf), ['old.1']);
  t.same(await again.live.board.history.findings({ from: 0, to: 1e15, limit: 10_000 }), before);
  t.equal(again.subscribe(again.connect(), { from: { epoch, offset: 1_200 } })[0]!['resumed'], true, 'what was rewritten can be resumed from');
  t.equal(again.subscribe(again.connect(), { from: { epoch, offset: 1_000 } })[0]!['resumed'], false);
  await again.live.close();
});

await t.test('a rewrite that was interrupted leaves nothing twice', async (t) => {
  const path = folder(t);
  const none = () => t.fail('no damage');
  const { log } = await FindingLog.open(path, 0, none);
  await log.begin('epoch');
  const offsets = [await log.append(finding('a.1')), await log.append(finding('b.1'))];
  // As far as a rewrite comes before it drops what was.
  await log.append(finding('a.1'), offsets[0]);
  await log.append(finding('old.1'), 0);
  await log.append(finding('old.2'), 0);
  await log.close();
  const { log: again, contents } = await FindingLog.open(path, 0, none);
  t.same(contents.findings.map(({ offset, finding: { id, revision } }) => [offset, id, revision]), [[0, 'old', 2], [offsets[0], 'a', 1], [offsets[1], 'b', 1]]);
  t.equal(contents.epoch, 'epoch');
  await again.close();
});

await t.test('a filter that lets nothing pass still moves the position on', async (t: Test) => {
  const bench = await new Bench(folder(t)).open();
  t.teardown(() => bench.live.close());
  const socket = bench.connect();
  bench.subscribe(socket, { filter: { node: 'other' } });
  await bench.give('a.1', 'b.1');
  const { offset } = (await bench.live.flush()) as { offset: number };
  t.same(socket.take(), []);
  bench.on.clock.time += 60_000;
  while (socket.frames.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(socket.take(), [{ type: 'message', offset, findings: [] }]);
});
