import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Database } from '../../connectors/duckdb/database.js';
import { systemClock } from '../../engine/clock.js';
import { seeded, systemRandom, type Random } from '../../engine/random.js';
import { seriesText } from '../../engine/series.js';
import { emptyFolder, EngineProcess, until } from '../engine-process.js';
import { root } from '../config/root.js';
import { FaultProxy } from '../services/fault-proxy.js';

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(systemRandom() * 2 ** 31));

const PUBLISHERS = 4;
const KILLS = 5;
/** Without faults, after the last of them. */
const ENOUGH = 1_000;
const MOST_SAMPLES = 40;

/** Windows close while samples come; what is late for them is counted apart. */
const GRAPH = `
server: { shards: 2 }
checkpoint: { interval: 150ms }
sources: { http: { type: http, disorder: 4s } }
operators: { sums: { type: window, from: http, size: 1s, aggregates: [sum, count] } }
sinks: { history: { type: duckdb, from: [http, sums, sums.late], path: history.duckdb } }
`;
/** A sample of this metric closes every window before it. */
const LAST = 'last';

interface Sample {
  readonly series: string;
  readonly time: number;
  /** What it is known by: no two have the same. */
  readonly value: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Posts new samples one request after the other, never one twice, and keeps what became of each. */
class Publisher {
  readonly answered: Sample[] = [];
  /** No answer, or one that does not say that they were taken. */
  readonly unanswered: Sample[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #number: number;
  readonly #random: Random;
  #next = 0;
  #stopped = false;

  constructor(port: number, number: number) {
    this.#port = port;
    this.#number = number;
    this.#random = seeded(seed + number);
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const samples = this.#make();
      const taken = await this.#post(samples.map(({ series, time, value }) => ({ metric_name: 'load', labels: { series }, timestamp: new Date(time).toISOString(), value })));
      (taken ? this.answered : this.unanswered).push(...samples);
      if (!taken) await sleep(20);
    }
    this.#agent.destroy();
  }

  stop(): void {
    this.#stopped = true;
  }

  #make(): Sample[] {
    const now = systemClock.now();
    return Array.from({ length: 1 + Math.floor(this.#random() * MOST_SAMPLES) }, () => ({
      series: String(Math.floor(this.#random() * 20)),
      time: now - Math.floor(this.#random() * (this.#random() < 0.02 ? 10_000 : 3_000)),
      value: PUBLISHERS * this.#next++ + this.#number,
    }));
  }

  #post(body: object): Promise<boolean> {
    return new Promise((resolve) => {
      const sent = request({ host: '127.0.0.1', port: this.#port, method: 'POST', path: '/api/metrics', agent: this.#agent }, (answer) => {
        answer.resume();
        answer.on('error', () => resolve(false));
        // The status alone is the promise: the rest of the answer may be lost with the process.
        resolve(answer.statusCode === 202);
      });
      sent.on('error', () => resolve(false));
      sent.end(JSON.stringify(body));
    });
  }
}

/** Reads the history again and again: what it tells is written first, so that the store has rows that no checkpoint has. */
async function readOn(port: number, goOn: () => boolean): Promise<void> {
  while (goOn()) {
    await fetch(`http://127.0.0.1:${port}/api/history?node=http&limit=1`).then((answer) => answer.arrayBuffer(), () => {});
    await sleep(20);
  }
}

await t.test('posted under load to an engine that is killed again and again, over connections that are cut: what was answered counts once, what was not at most once', async (t) => {
  t.comment(`seed ${seed}: MILLRACE_TEST_SEED=${seed} takes the same again`);
  const random = seeded(seed);
  const folder = emptyFolder(t);
  const port = await freePort();
  writeFileSync(join(folder, 'graph.yml'), GRAPH);
  const start = () => new EngineProcess(t, [process.execPath, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--port', String(port)], folder);

  // What breaks connections in the middle of a request or an answer stands between.
  const proxy = await FaultProxy.start(port);
  t.teardown(() => proxy.close());
  const publishers = Array.from({ length: PUBLISHERS }, (_, number) => new Publisher(proxy.port, number));
  const publishing = publishers.map((publisher) => publisher.run());
  let reading = true;
  const reader = readOn(port, () => reading);
  for (let kill = 0; kill < KILLS; kill++) {
    const engine = start();
    // Some while they start, or read again what they had not saved.
    if (random() < 0.3) await sleep(600 * random());
    else {
      await engine.ready();
      await sleep(600 * random());
      proxy.cutAfter(Math.floor(random() * 20_000), random() < 0.5 ? 'up' : 'down');
      await sleep(600 * random());
    }
    t.same(await engine.end('SIGKILL'), { code: null, signal: 'SIGKILL' }, { log: engine.stdout });
  }
  const engine = start();
  await engine.ready();
  await until(() => publishers.reduce((sum, { answered }) => sum + answered.length, 0) > ENOUGH);
  for (const publisher of publishers) publisher.stop();
  reading = false;
  await Promise.all([...publishing, reader]);
  const last = systemClock.now() + 59_000;
  t.equal((await engine.post('/api/metrics', { metric_name: LAST, timestamp: new Date(last).toISOString(), value: 0 })).status, 202);
  await until(async () => (await engine.json<{ series: object[] }>(`/api/history?node=http&metric_name=${LAST}&from=${last}&to=${last}`)).series.length > 0);
  t.match(await engine.json('/api/dead-letters'), { dead_letters: [] });
  t.same(await engine.end('SIGTERM'), { code: 0, signal: null }, { log: engine.stdout + engine.stderr });

  const store = await Database.open(join(folder, 'history.duckdb'), 96e6);
  const rows = async (node: string): Promise<(Sample & { count: number })[]> => {
    const [[table] = []] = await read(`SELECT rows FROM millrace_nodes WHERE node = '${node}'`);
    if (table === undefined) return [];
    const count = node === 'sums' ? 'count' : '1';
    const found = await read(`SELECT s.series, epoch_ms(r."time")::DOUBLE, r.value, ${count} FROM "${table as string}" r JOIN millrace_series s ON s.id = r.series WHERE s.metric <> '${LAST}'`);
    return found.map(([series, time, value, count]) => ({ series, time, value, count }) as Sample & { count: number });
  };
  const read = async (sql: string): Promise<unknown[][]> => {
    const all: unknown[][] = [];
    await store.read(sql, [], (columns) => {
      for (let i = 0; i < columns[0]!.length; i++) all.push(columns.map((column) => column[i]));
    });
    return all;
  };
  const [kept, sums, late] = [await rows('http'), await rows('sums'), await rows('sums.late')];
  await store.close();

  const answered = publishers.flatMap((publisher) => publisher.answered);
  const unanswered = publishers.flatMap((publisher) => publisher.unanswered);
  t.comment(`${answered.length} samples answered, ${unanswered.length} not; ${kept.length} kept in ${sums.length} windows, ${late.length} late`);
  t.ok(answered.length > ENOUGH && unanswered.length > 0, 'there were some of both');

  const found = new Map<number, number>();
  for (const { value } of kept) found.set(value, (found.get(value) ?? 0) + 1);
  t.same(answered.filter(({ value }) => found.get(value) !== 1).slice(0, 10), [], 'answered: once');
  t.same(unanswered.filter(({ value }) => (found.get(value) ?? 0) > 1).slice(0, 10), [], 'not answered: at most once');
  const posted = new Map([...answered, ...unanswered].map((sample) => [sample.value, sample]));
  const text = (series: string) => seriesText('load', { series });
  t.same(kept.filter(({ series, time, value }) => text(posted.get(value)?.series ?? '') !== series || posted.get(value)?.time !== time).slice(0, 10), [], 'and each as it was posted');

  // The windows must say what the samples add up to.
  const expected = new Map<string, number[]>();
  const add = (series: string, end: number, count: number, sum: number): void => {
    const key = `${series} ${end}`;
    const [c = 0, s = 0] = expected.get(key) ?? [];
    expected.set(key, [c + count, s + sum]);
  };
  const windowEnd = (time: number) => (Math.floor(time / 1_000) + 1) * 1_000;
  for (const { series, time, value } of kept) add(series, windowEnd(time), 1, value);
  for (const { series, time, value } of late) add(series, windowEnd(time), -1, -value);
  const closed = new Map(sums.map(({ series, time, value, count }) => [`${series} ${time}`, [count, value]]));
  t.equal(closed.size, sums.length, 'each window closed once');
  const wrong = [...new Set([...expected.keys(), ...closed.keys()])].filter((key) => String(expected.get(key) ?? [0, 0]) !== String(closed.get(key) ?? [0, 0]));
  t.same(wrong.slice(0, 10).map((key) => [key, expected.get(key), closed.get(key)]), [], 'each with all of its samples');
});
