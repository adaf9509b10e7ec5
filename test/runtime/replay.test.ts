import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import t from 'tap';
import { captured } from '../../connectors/capture/sink.js';
import { totals } from '../../connectors/count/sink.js';
import { seeded } from '../../engine/random.js';
import { TrainingThread } from '../../engine/training-thread.js';
import { difference, Feed, feedSource, folder, linesOf, sha256, start, type Parts, type Row, type Settings } from './fixture.js';

const nab = resolve(process.env['MILLRACE_SHARED'] ?? '../shared', 'data/nab/data');
const files = ['realKnownCause/ambient_temperature_system_failure', 'realKnownCause/ec2_request_latency_system_failure', 'realKnownCause/nyc_taxi', 'realAWSCloudwatch/ec2_cpu_utilization_53ea38', 'realAWSCloudwatch/grok_asg_anomaly'].map((name) => join(nab, `${name}.csv`));

await t.test('five NAB files, twice and with one and two shards: the same bytes', { skip: !existsSync(nab) && `no ${nab}` }, async (t) => {
  const at = folder(t);
  const parts = (name: string): Parts => ({
    sources: { nab: { type: 'file', path: files, time: 'timestamp', metric: 'nab' } },
    operators: { odd: { type: 'detect', from: 'nab' } },
    sinks: { out: { type: 'file', from: 'odd', path: name } },
  });
  const outputs = { 'first.ndjson': 1, 'two.ndjson': 2, 'two-again.ndjson': 2 };
  for (const [name, shards] of Object.entries(outputs)) {
    const { runtime } = await start(at, parts(name), { replay: true, shards });
    t.equal(await runtime.finished, 'ended');
  }
  t.same(new Set(Object.keys(outputs).map((name) => sha256(join(at, name)))).size, 1);

  const samples = files.flatMap((file) => linesOf(file).slice(1).map((line) => line.split(',')[0]!.replace(' ', 'T') + '.000Z')).sort();
  const rows = linesOf(join(at, 'first.ndjson')).map((line) => JSON.parse(line) as Record<string, unknown>).filter((row) => row['finding'] === undefined);
  t.same(rows.map((row) => row['time']), samples, 'one row a sample, in order of time');
  const numbers = rows.filter((row) => ['value', 'score', 'expected', 'lower', 'upper'].some((column) => typeof row[column] !== 'number'));
  t.same(numbers.slice(0, 3), [], 'with score, expected value and band');
  t.ok(rows.some((row) => row['score'] === 1 || (row['score'] as number) > 0.9), 'and some are anomalies');
});

await t.test('a graph without operators, with more series than are announced at once', async (t) => {
  const at = folder(t);
  const parts: Parts = { sources: { all: { type: 'generate', spec: 'W1', count: 60_000, series: 30_000 } }, sinks: { out: { type: 'count', from: 'all' } } };
  const { runtime } = await start(at, parts, { replay: true, shards: 2 });
  t.equal(await runtime.finished, 'ended');
  t.equal(totals('out').get('all')?.rows, 60_000);
});

/** The rows of some hosts of some data centres, in order of time, some a little late. */
function hosts(seed: number, seconds: number, disorder = 0, count = 20): Row[] {
  const random = seeded(seed);
  const rows: Row[] = [];
  for (let second = 0; second < seconds; second++) {
    for (let host = 0; host < count; host++) {
      if (random() < 0.1) continue;
      const time = Math.max(0, second * 1_000 + host * 10 - (random() < 0.2 ? Math.floor(random() * disorder) : 0));
      rows.push([time, `load{dc="${host % 3}",host="${host}"}`, Math.round(random() * 1e6) / 1e3]);
    }
  }
  return rows;
}

/** Every row and finding, as text. */
async function outcome(at: string, parts: Parts, settings: Settings): Promise<string[]> {
  const { runtime } = await start(at, parts, settings);
  await runtime.finished;
  const { rows, findings } = captured('out');
  return [...rows.map((row) => JSON.stringify(row)), ...findings.map((finding) => JSON.stringify(finding))];
}

await t.test('a group over the windows of all shards is the same for every number of shards', async (t) => {
  const rows = hosts(3, 300, 6_000);
  const parts: Parts = {
    sources: { in: { type: 'feed' } },
    operators: {
      ten: { type: 'window', from: 'in', size: '10s', lateness: '1s', aggregates: ['mean', 'count'] },
      total: { type: 'sum-by', from: 'ten', by: 'dc' },
      again: { type: 'window', from: 'total', size: '1m', aggregates: ['sum'] },
    },
    sinks: { out: { type: 'capture', from: ['ten', 'total', 'again', 'ten.late'] } },
  };
  const run = (shards: number, chunk: number) => {
    const feed = new Feed(rows);
    feed.end();
    return outcome(folder(t), parts, { replay: true, shards, sources: [feedSource(feed, { disorder: 2_000, chunk })] });
  };
  const one = await run(1, 100);
  const of = (node: string) => one.filter((line) => line.startsWith(`{"node":"${node}"`)).length;
  t.equal(of('total'), 3 * 30, 'a total for each data centre and window');
  t.equal(of('again'), 3 * 6, 'and a sum a minute');
  t.ok(of('ten.late') > 0, 'some rows come late');
  for (const [shards, chunk] of [[2, 5_000], [3, 7]] as const) t.same(difference(await run(shards, chunk), one), undefined, `${shards} shards, ${chunk} rows a reading`);
});

await t.test('a replay waits for its models, however long they train', async (t) => {
  const rows = hosts(5, 400, 0, 6);
  const parts = (training: object): Parts => ({
    sources: { in: { type: 'feed' } },
    operators: { model: { type: 'train', from: 'in', every: 130_000, due: 5_000, ...training } },
    sinks: { out: { type: 'capture', from: 'model' } },
  });
  const run = (shards: number, training: object) => {
    const feed = new Feed(rows);
    feed.end();
    return outcome(folder(t), parts(training), { replay: true, shards, sources: [feedSource(feed)] });
  };
  const quick = await run(1, {});
  t.equal(quick.length, rows.length);
  t.ok(quick.some((line) => (JSON.parse(line) as { columns: { learnt: number } }).columns.learnt === 3), 'models are learnt');
  t.same(difference(await run(2, { ms: 10 }), quick), undefined, 'slow training and two shards');
  t.same(difference(await run(2, { size: 500_000 }), quick), undefined, 'models larger than what a channel to a shard holds');
});

await t.test('the thread of one training task does the next', async (t) => {
  const trainer = new TrainingThread();
  t.teardown(() => trainer.close());
  const threads: string[] = [];
  for (let task = 0; task < 3; task++) {
    threads.push(Buffer.from(await trainer.run({ operators: new URL('operators.js', import.meta.url).href, type: 'train', task: 'thread', input: new Uint8Array(1) })).toString());
    await rest(20);
  }
  t.strictSame(threads, Array.from(threads, () => threads[0]));
});

await t.test('training that fails names the operator', async (t) => {
  const feed = new Feed([[0, 'a', NaN], [100_000, 'a', 1]]);
  feed.end();
  const parts: Parts = {
    sources: { in: { type: 'feed' } },
    operators: { model: { type: 'train', from: 'in', every: 60_000, due: 5_000 } },
    sinks: { out: { type: 'capture', from: 'model' } },
  };
  const { runtime } = await start(folder(t), parts, { replay: true, sources: [feedSource(feed)] });
  await t.rejects(runtime.finished, /model \(train\).*fail.*no model fits/);
  t.match(runtime.status(), { state: 'failed', failures: [{ node: 'model' }] });
});

await t.test('sources that replay are one stream by time, whatever they give at once', async (t) => {
  const rows = hosts(7, 100);
  const left = rows.filter(([, series]) => series.includes('dc="0"'));
  const right = rows.filter(([, series]) => !series.includes('dc="0"'));
  const parts: Parts = {
    sources: { right: { type: 'right' }, left: { type: 'left' } },
    operators: { both: { type: 'window', from: ['left', 'right'], size: '10s', aggregates: ['mean'] }, dc: { type: 'sum-by', from: 'both', by: 'none' } },
    sinks: { out: { type: 'capture', from: ['dc', 'both.late'] } },
  };
  const run = (shards: number, chunks: readonly [number, number]) => {
    const feeds = [new Feed(left), new Feed(right)] as const;
    for (const feed of feeds) feed.end();
    return outcome(folder(t), parts, { replay: true, shards, sources: [feedSource(feeds[0], { chunk: chunks[0], endsWithRows: true }, 'left'), feedSource(feeds[1], { chunk: chunks[1] }, 'right')] });
  };
  const one = await run(1, [100, 100]);
  t.equal(one.length, 10, 'no row is late');
  t.same(difference(await run(2, [1, 1_000]), one), undefined);
  t.same(difference(await run(2, [700, 3]), one), undefined);
});
