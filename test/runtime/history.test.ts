import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { captured } from '../../connectors/capture/sink.js';
import { systemClock, type Clock } from '../../engine/clock.js';
import { seeded } from '../../engine/random.js';
import { defineSink, type History, type Sink } from '../../engine/connector.js';
import { duckdbStore } from '../connectors/duckdb-store.js';
import { questdbStore, settled } from '../connectors/questdb-store.js';
import { writeRows } from '../connectors/store-conformance.js';
import { questdb, serversNeeded } from '../services/in-tests.js';
import { checkpoints, difference, Feed, feedSource, folder, linesOf, start, until, type Parts, type Row, type Settings } from './fixture.js';

const MINUTE = 60_000;
/** Where the past ends: on the edge of a window. */
const NOW = Date.UTC(2024, 0, 15);

/** The wall clock when a graph begins; durations are real. */
const at = (time: number): Clock => ({ now: () => time, elapsed: () => systemClock.elapsed() });

/** A minute's value of each of some series, with noise of their own, and now and then something unusual, which may last. */
function samples(seed: number, series: number, from: number, to: number): Row[] {
  const random = seeded(seed);
  const rows: Row[] = [];
  const odd = Array.from({ length: series }, () => 0);
  for (let time = from; time < to; time += MINUTE) {
    for (let s = 0; s < series; s++) {
      if (odd[s]! > 0) odd[s]! -= 1;
      else if (random() < 0.01) odd[s] = 1 + Math.floor(random() * 12);
      if (random() < 0.02) continue;
      rows.push([time, `load{host="h${s}"}`, 50 + s + random() * 4 + (odd[s]! > 0 ? 40 : 0)]);
    }
  }
  return rows;
}

/** Detectors on rows, behind windows, behind a filter; and what takes findings. `inputs`: what they read. */
const watching = (inputs: readonly string[]): NonNullable<Parts['operators']> => ({
  odd: { type: 'detect', from: inputs, warmup: 20 },
  five: { type: 'window', from: inputs, size: '5m', aggregates: ['mean', 'max'] },
  odd_five: { type: 'detect', from: 'five', warmup: 10 },
  one: { type: 'select', from: inputs, where: '{host="h1"}' },
  sums: { type: 'sum-by', from: inputs, by: 'region' },
  odd_sum: { type: 'detect', from: 'sums', warmup: 20 },
  alerts: { type: 'correlate', from: ['odd', 'odd_five'], by: ['host'] },
});
const WATCHED = Object.keys(watching([]));

/** What a sink has of the time from `from` on, each as a line, in one order. */
function told(name: string, from: number): string[] {
  const { rows, findings } = captured(name);
  return [
    ...rows.filter(({ time }) => time >= from).map(({ node, time, series, value, columns }) => `${time} ${node} ${series} ${value} ${JSON.stringify(columns)}`),
    ...findings.filter(({ finding }) => finding.time >= from).map(({ node, finding }) => `${finding.time} ${node} ${finding.id} ${finding.revision} ${JSON.stringify(finding)}`),
  ].sort();
}

/** Writes rows into a store, as a graph did that came to its end. */
async function keep(sink: Sink, rows: readonly Row[]): Promise<void> {
  for (let i = 0; i < rows.length; i += 1_000) await writeRows(sink, 'metrics', rows.slice(i, i + 1_000));
  for (const checkpoint of [1, 2]) await sink.flush(checkpoint);
}

/** All that is told in the present by who has seen everything from the beginning. */
async function reference(t: Test, rows: readonly Row[]): Promise<string[]> {
  const feed = new Feed(rows);
  feed.end();
  const { runtime } = await start(folder(t), { sources: { metrics: { type: 'feed' } }, operators: watching(['metrics']), sinks: { all: { type: 'capture', from: WATCHED } } }, { sources: [feedSource(feed)], shards: 1, replay: true });
  await runtime.finished;
  return told('all', NOW);
}

const drawn = fc.record({ seed: fc.nat(1e6), series: fc.integer({ min: 1, max: 5 }), past: fc.integer({ min: 5, max: 300 }), shards: fc.constantFrom(1, 2), live: fc.boolean(), apart: fc.boolean(), crashes: fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { maxLength: 2 }) });
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/** A graph begins with what a store holds, crashes on the way, and tells the same of the present as who has seen all; and nothing of the past. */
async function begins(t: Test, path: string, { seed, series, past, shards, live, apart, crashes }: Drawn, history: Parts['sinks'][string], keeps: (rows: readonly Row[]) => Promise<void>): Promise<void> {
  const before = samples(seed, series, NOW - past * 5 * MINUTE, NOW);
  const now = samples(seed + 1, series, NOW, NOW + 300 * MINUTE);
  await keeps(before);
  const feed = new Feed(now);
  feed.end();
  const parts: Parts = {
    sources: { past: { type: 'history', store: 'history', node: 'metrics' }, metrics: { type: 'feed', after: 'past' } },
    // What the present passes before it meets the past learns nothing itself.
    operators: { ...(apart ? { gauges: { type: 'select', from: 'metrics', where: '{__name__="load"}' } } : {}), way: { type: 'crash', from: apart ? 'past' : ['past', 'metrics'], ms: crashes.length === 0 ? 0 : 1, once: join(path, 'crashed'), at: crashes.map((share) => NOW - Math.round((1 - share) * past * 5) * MINUTE) }, ...watching(apart ? ['way', 'gauges'] : ['way']) },
    sinks: { history, out: { type: 'capture', from: WATCHED } },
  };
  const { runtime } = await start(path, parts, { sources: [feedSource(feed, { live })], shards, clock: at(NOW + 300 * MINUTE), checkpoint: checkpoints(path, 5), restart: { firstMs: 1, longestMs: 1, inARow: 20 } });
  await runtime.finished;
  // What was gathered of the last rows of the past is closed by the first of the present.
  const early = told('out', -Infinity).filter((line) => Number(line.split(' ')[0]) < before.at(-1)![0]);
  if (early.length > 0) throw new Error(`told of the past: ${early[0]}`);
  const differs = difference(told('out', NOW), await reference(t, [...before, ...now]));
  if (differs !== undefined) throw new Error(JSON.stringify(differs, undefined, 1));
}

await t.test('who begins with the past is as if he had seen it, and tells nothing of it', async (t) => {
  await fc.assert(
    fc.asyncProperty(drawn, async (run) => {
      const path = folder(t);
      await begins(t, path, run, { type: 'duckdb', from: 'metrics', path: 'history.duckdb', retention: 'forever' }, async (rows) => {
        const sink = duckdbStore(path, { retention: 'forever' });
        await sink.open(undefined);
        await keep(sink, rows);
        await sink.close();
      });
    }),
    { numRuns: 8 },
  );
});

await t.test('from QuestDB, too', await serversNeeded('questdb'), async (t) => {
  const server = await questdb(t);
  let stores = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async (run) => {
      const path = folder(t);
      const config = { url: server.url, postgres: server.postgres, prefix: `store${(stores += 1)}_`, retention: 'forever' };
      await begins(t, path, run, { type: 'questdb', from: 'metrics', ...config }, async (rows) => {
        const { sink } = questdbStore(server, folder(t), config);
        await sink.open(undefined);
        await keep(sink, rows);
        await settled(server.url, sink);
        await sink.close();
      });
    }),
    { numRuns: 2 },
  );
});

await t.test('what is trained is waited for while the past is read: it is as in a replay', async (t) => {
  const path = folder(t);
  const operators = (from: readonly string[]): NonNullable<Parts['operators']> => ({ trees: { type: 'isolation-forest', from, warmup: 1_900, retrain: 1_900, history: 2_048, trees: 20 }, shifted: { type: 'shifts', from }, ahead: { type: 'forecast', from, history: '1d', every: '1h', horizon: '6h' } });
  const before = samples(7, 3, NOW - 2_000 * MINUTE, NOW);
  const now = samples(8, 3, NOW, NOW + 60 * MINUTE);
  const store = duckdbStore(path, { retention: 'forever' });
  await store.open(undefined);
  await keep(store, before);
  await store.close();
  const from = ['trees', 'shifted', 'ahead'];
  const feed = new Feed(now);
  feed.end();
  const parts: Parts = {
    sources: { past: { type: 'history', store: 'history', node: 'metrics' }, metrics: { type: 'feed', after: ['past'] } },
    operators: operators(['past', 'metrics']),
    sinks: { history: { type: 'duckdb', from: 'metrics', path: 'history.duckdb', retention: 'forever' }, out: { type: 'capture', from } },
  };
  // Too few rows for another forest in the present, where an answer would take effect when it comes.
  const { runtime } = await start(path, parts, { sources: [feedSource(feed, { live: true })], clock: at(NOW + 300 * MINUTE), checkpoint: checkpoints(path, 5) });
  await runtime.finished;
  const all = new Feed([...before, ...now]);
  all.end();
  const { runtime: other } = await start(folder(t), { sources: { metrics: { type: 'feed' } }, operators: operators(['metrics']), sinks: { all: { type: 'capture', from } } }, { sources: [feedSource(all)], shards: 1, replay: true });
  await other.finished;
  t.ok(told('all', NOW).some((line) => line.includes(' trees ')), 'there is something to compare');
  t.equal(difference(told('out', NOW), told('all', NOW)), undefined);
});

await t.test('killed in the middle of the past, it goes on there', async (t) => {
  const child = fileURLToPath(new URL('history-child.js', import.meta.url));
  const before = samples(9, 4, NOW - 1_500 * MINUTE, NOW);
  const now = samples(10, 4, NOW, NOW + 100 * MINUTE);
  const outputs: string[][] = [];
  // Of the past, so many rows are read when it is killed.
  for (const kills of [[], [0.1, 0.5, 0.9].map((share) => before.length * share)]) {
    const path = folder(t);
    const sink = duckdbStore(path, { retention: 'forever' });
    await sink.open(undefined);
    await keep(sink, before);
    await sink.close();
    writeFileSync(join(path, 'in.csv'), ['time,host,value', ...now.map(([time, series, value]) => `${time},${/"(.*)"/.exec(series)![1]},${value}`)].join('\n'));
    let lives = 0;
    for (const rows of [...kills, Infinity]) {
      const running = spawn(process.execPath, [child, path, String(NOW + 200 * MINUTE)], { stdio: ['ignore', 'pipe', 'inherit'] });
      running.stdout.on('data', (said: Buffer) => {
        if (Number(/past (\d+)\n$/.exec(said.toString())?.[1] ?? 0) >= rows) running.kill('SIGKILL');
      });
      const [code] = (await once(running, 'close')) as [number | null];
      lives += 1;
      if (code === 0) break;
      t.equal(code, null, 'it was killed');
    }
    t.equal(lives, kills.length + 1, 'so many times as it should be');
    outputs.push(linesOf(join(path, 'out.ndjson')));
  }
  t.ok(outputs[0]!.length > now.length, 'there is something to compare');
  t.ok(outputs[0]!.every((line) => Date.parse((JSON.parse(line) as { time: string }).time) >= NOW), 'nothing of the past is told');
  t.equal(difference(outputs[1]!, outputs[0]!), undefined);
});

await t.test('a new detector learns in a graph that has run before: its alerts of the past are not told, by who was there before', async (t) => {
  const path = folder(t);
  const before = samples(3, 3, NOW - 600 * MINUTE, NOW);
  const sinks = (from: readonly string[]): Parts['sinks'] => ({ history: { type: 'duckdb', from: 'metrics', path: 'history.duckdb', retention: 'forever' }, out: { type: 'capture', from } });
  const feed = new Feed(before);
  const settings: Settings = { sources: [feedSource(feed, { live: true })], clock: at(NOW + 300 * MINUTE), checkpoint: checkpoints(path, 5) };
  const first = await start(path, { sources: { metrics: { type: 'feed' } }, operators: { odd: { type: 'detect', from: 'metrics', warmup: 20 }, alerts: { type: 'correlate', from: 'odd', by: ['host'] } }, sinks: sinks(['odd', 'alerts']) }, settings);
  await until(() => first.runtime.status().nodes[1]!.rowsIn === before.length && feed.committed.at(-1) === before.length);
  await first.runtime.drain();
  const findings = captured('out').findings.length;
  t.ok(findings > 0, 'there are some');
  for (const row of samples(4, 3, NOW, NOW + 100 * MINUTE)) feed.give(row);
  feed.end();
  const operators = { odd: { type: 'detect', from: 'metrics', warmup: 20 }, strange: { type: 'detect', from: ['past', 'metrics'], warmup: 20 }, alerts: { type: 'correlate', from: ['odd', 'strange'], by: ['host'] } };
  const second = await start(path, { sources: { past: { type: 'history', store: 'history', node: 'metrics' }, metrics: { type: 'feed', after: 'past' } }, operators, sinks: sinks(['odd', 'strange', 'alerts']) }, settings);
  await second.runtime.finished;
  const later = captured('out').findings.slice(findings);
  t.ok(later.some(({ node }) => node === 'strange') && later.some(({ node }) => node === 'alerts'), 'it is told of the present');
  t.same(later.filter(({ finding }) => finding.openedAt < NOW - 60 * MINUTE).map(({ node, finding }) => [node, finding.openedAt, finding.state]), []);
});

await t.test('while the store does not answer, the present waits, and the graph can be stopped', async (t) => {
  const path = folder(t);
  let away = true;
  const only = { time: NOW - MINUTE, series: 'a', value: 1, columns: {} };
  const history: History = {
    nodes: async () => ['metrics'],
    rows: async ({ from, to, after }) => {
      if (away) throw new Error('the store is away');
      return from <= only.time && only.time <= to && !(from === only.time && after === 'a') ? [only] : [];
    },
    findings: async () => [],
  };
  const nothing = async (): Promise<void> => {};
  const store = defineSink({ name: 'store', summary: '', description: '', examples: [], keeps: true, config: z.strictObject({}), create: (): Sink => ({ history, open: nothing, write: nothing, flush: async () => null, close: nothing }) });
  const feed = new Feed([[NOW, 'a', 2]]);
  feed.end();
  const parts: Parts = {
    sources: { past: { type: 'history', store: 'history', node: 'metrics' }, metrics: { type: 'feed', after: 'past' } },
    operators: { minute: { type: 'window', from: ['past', 'metrics'], size: '2m', aggregates: ['count'] } },
    sinks: { history: { type: 'store', from: 'metrics' }, out: { type: 'capture', from: 'minute' } },
  };
  const settings: Settings = { sources: [feedSource(feed, { live: true })], sinks: [store], clock: at(NOW), checkpoint: checkpoints(path, 5) };
  const first = await start(path, parts, settings);
  await until(() => first.runtime.status().nodes[0]!.health === 'degraded');
  t.match(first.runtime.status().nodes.slice(0, 2), [{ name: 'past', detail: 'the store is away' }, { name: 'metrics', detail: 'waits for past', rowsOut: 0 }]);
  await until(() => (first.runtime.status().checkpoint?.number ?? 0) > 1);
  await first.runtime.drain();
  const second = await start(path, parts, settings);
  await until(() => second.runtime.status().nodes[0]!.health === 'degraded');
  t.equal(feed.read, 0, 'nothing is read before');
  away = false;
  await second.runtime.finished;
  t.same(captured('out').rows.map(({ time, value }) => [time, value]), [[NOW, 1], [NOW + 2 * MINUTE, 1]], 'a window that the past began is told when the present closes it');
});

await t.test('a store that has no such rows teaches nothing, and says so; the present begins at once', async (t) => {
  const path = folder(t);
  const feed = new Feed([[NOW, 'a', 1]]);
  feed.end();
  const parts: Parts = {
    sources: { past: { type: 'history', store: 'history', node: 'metric' }, metrics: { type: 'feed', after: 'past' } },
    operators: { odd: { type: 'detect', from: ['past', 'metrics'] } },
    sinks: { history: { type: 'duckdb', from: 'metrics', path: 'history.duckdb' }, out: { type: 'capture', from: 'odd' } },
  };
  const { runtime, logged } = await start(path, parts, { sources: [feedSource(feed, { live: true })], clock: at(NOW) });
  await runtime.finished;
  t.equal(captured('out').rows.length, 1);
  t.match(logged.filter(({ level }) => level === 40).map(({ msg }) => msg), ['history holds no rows of metric: it is empty']);
});
