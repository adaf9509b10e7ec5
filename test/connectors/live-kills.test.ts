import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { seeded, systemRandom } from '../../engine/random.js';
import { root } from '../config/root.js';
import { emptyFolder, EngineProcess, until } from '../engine-process.js';
import { freePorts } from '../services/ports.js';

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(systemRandom() * 2 ** 31));
const HOSTS = 10;
const KILLS = 3;

const graph = (follow: boolean): string => `
server: { shards: 2 }
checkpoint: { interval: 150ms }
sources: { in: { type: file, path: in.csv, follow: ${follow}, labels: [host], metric: load, file_label: '' } }
operators: { odd: { type: detect, from: in, warmup: 20 } }
sinks:
  live: { type: live, from: [in, odd] }
  kept: { type: file, from: odd, path: rows.ndjson, findings: findings.ndjson }
`;

interface Position {
  readonly epoch: string;
  readonly offset: number;
}
interface Finding {
  readonly id: string;
  readonly revision: number;
}
const keyOf = ({ id, revision }: Finding): string => `${id} ${revision}`;

/** Follows the anomalies of an engine over its deaths: goes on from the last position that it has taken in, as a browser would. */
class Subscriber {
  /** Findings in the order in which they came. */
  readonly heard: string[] = [];
  /** What it was answered to each subscription. */
  readonly resumed: boolean[] = [];
  readonly #port: number;
  #position: Position | undefined;
  #socket: WebSocket | undefined;
  #stopped = false;

  constructor(t: Test, port: number) {
    this.#port = port;
    t.teardown(() => this.stop());
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.terminate();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await new Promise<void>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/live`, 'millrace.v1');
        this.#socket = socket;
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: '1', channel: 'anomalies', from: this.#position })));
        socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as { type: string; resumed?: boolean; findings?: Finding[] } & Position));
      });
      await sleep(20);
    }
  }

  #hear({ type, resumed, findings = [], epoch, offset }: { type: string; resumed?: boolean; findings?: Finding[] } & Position): void {
    if (type === 'ack') this.resumed.push(resumed!);
    else {
      this.heard.push(...findings.map(keyOf));
      this.#position = { epoch, offset };
    }
  }
}

await t.test('a subscriber that goes on from its last position after each kill -9 hears every finding once', async (t) => {
  t.comment(`seed ${seed}: MILLRACE_TEST_SEED=${seed} takes the same again`);
  const random = seeded(seed);
  const at = emptyFolder(t);
  const { port } = await freePorts(['port']);
  writeFileSync(join(at, 'graph.yml'), graph(true));
  writeFileSync(join(at, 'in.csv'), 'time,host,value\n');
  const start = () => new EngineProcess(t, [process.execPath, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--port', String(port)], at);

  let engine = start();
  await engine.ready();
  const subscriber = new Subscriber(t, port!);
  await until(() => subscriber.resumed.length === 1);
  let second = 0;
  const write = (): void => {
    const lines = Array.from({ length: HOSTS }, (_, host) => `${1_700_000_000_000 + second * 1_000},h${host},${100 + 10 * random() + (random() < 0.02 ? 500 : 0)}\n`);
    appendFileSync(join(at, 'in.csv'), lines.join(''));
    second += 1;
  };
  const writing = setInterval(write, 5);
  t.teardown(() => clearInterval(writing));
  for (let kill = 0; kill < KILLS; kill++) {
    // Some while it starts, some while it sends again what it had sent before.
    if (random() < 0.7) await engine.ready();
    await sleep(1_000 * random());
    const before = subscriber.heard.length;
    await engine.end('SIGKILL');
    engine = start();
    if (random() < 0.7) await until(() => subscriber.heard.length > before);
  }
  await engine.ready();
  await until(() => subscriber.heard.length > 30);
  clearInterval(writing);

  const calm = emptyFolder(t);
  writeFileSync(join(calm, 'graph.yml'), graph(false).replace('in.csv', join(at, 'in.csv')));
  const alone = new EngineProcess(t, [process.execPath, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--port', '0'], calm);
  t.same(await alone.exited, { code: 0, signal: null }, alone.stderr);
  const wanted = readFileSync(join(calm, 'findings.ndjson'), 'utf8').trim().split('\n').map((line) => keyOf((JSON.parse(line) as { finding: Finding }).finding));
  await until(() => new Set(subscriber.heard).size >= wanted.length);
  t.comment(`${second * HOSTS} samples, ${wanted.length} findings, ${subscriber.resumed.length} subscriptions`);
  t.same(subscriber.heard.toSorted(), wanted.toSorted(), 'each once');
  t.ok(wanted.length > 30 && subscriber.resumed.length > 1);
  t.same(new Set(subscriber.resumed.slice(1)), new Set([true]), 'it was never sent a snapshot in place of what it missed');
});
