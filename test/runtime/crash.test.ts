import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { captured } from '../../connectors/capture/sink.js';
import { defineSink, defineSource } from '../../engine/connector.js';
import { KEEP_SERIES_MS } from '../../engine/limits.js';
import { systemPlatform } from '../../engine/platform.js';
import { partitionOf } from '../../engine/series.js';
import { seeded } from '../../engine/random.js';
import { checkpoints, difference, Feed, feedSource, folder, linesOf, start, until, type FeedConfig, type Parts, type Row, type Settings } from './fixture.js';

/** Rows a second of ten series, some out of order, some without a value. */
function rowsOf(seconds: number, seed = 11): Row[] {
  const random = seeded(seed);
  const rows: Row[] = [];
  for (let second = 0; second < seconds; second++) {
    for (let host = 0; host < 10; host++) {
      const time = Math.max(0, second * 1_000 + host * 7 - (random() < 0.1 ? Math.floor(random() * 4_000) : 0));
      rows.push([time, `load{dc="${host % 2}",host="${host}"}`, random() < 0.03 ? NaN : Math.round(random() * 1e6) / 1e3 + (random() < 0.01 ? 5_000 : 0)]);
    }
  }
  return rows;
}

const QUICK = { firstMs: 1, longestMs: 60_000, inARow: 4 };

/** What goes through everything that keeps state: windows, groups, detectors, ordered sinks. */
function everything(boom: object): Parts {
  return {
    sources: { in: { type: 'feed' } },
    operators: {
      boom: { type: 'crash', from: 'in', ...boom },
      ten: { type: 'window', from: 'boom', size: '10s', slide: '2s', lateness: '1s', aggregates: ['mean', 'p90', 'increase'] },
      total: { type: 'sum-by', from: 'ten', by: 'dc' },
      odd: { type: 'detect', from: 'boom' },
    },
    sinks: { out: { type: 'file', from: ['boom', 'ten', 'ten.late', 'total', 'odd'], path: 'out.ndjson' }, shown: { type: 'capture', from: 'total' } },
  };
}

interface Run {
  readonly lines: readonly string[];
  readonly shown: string;
  readonly feed: Feed;
  readonly status: ReturnType<Awaited<ReturnType<typeof start>>['runtime']['status']>;
}

/** `rests`: after so many rows it waits for two more checkpoints. */
async function run(t: Test, rows: readonly Row[], parts: (at: string) => Parts, feeding: FeedConfig, settings: Settings & { readonly rests?: readonly number[] } = {}): Promise<Run> {
  const at = folder(t);
  const feed = new Feed(rows);
  const rests = [...(settings.rests ?? []), Infinity];
  feed.let(rests.shift()!);
  feed.end();
  const { runtime } = await start(at, parts(at), { sources: [feedSource(feed, feeding)], checkpoint: checkpoints(at), restart: QUICK, ...settings });
  for (const next of rests) {
    const wanted = (runtime.status().checkpoint?.number ?? 0) + 2;
    await until(() => (runtime.status().checkpoint?.number ?? 0) >= wanted);
    feed.let(next);
  }
  t.equal(await runtime.finished, 'ended');
  const { rows: shown, findings } = captured('shown');
  return { lines: linesOf(join(at, 'out.ndjson')), shown: JSON.stringify([shown, findings]), feed, status: runtime.status() };
}

await t.test('an operator that throws is named, and the graph goes on from its last checkpoint as if nothing had been', async (t) => {
  const rows = rowsOf(300);
  const feeding = { disorder: 3_000, chunk: 20 };
  const calm = await run(t, rows, () => everything({}), feeding);
  t.equal(calm.lines.length > rows.length * 2, true);
  for (const shards of [1, 2]) {
    const hurt = await run(t, rows, (at) => everything({ at: [100_000, 200_000], once: join(at, 'thrown') }), feeding, { shards, rests: [700, 1_600] });
    t.same(difference(hurt.lines, calm.lines), undefined, `${shards} shards: the file`);
    t.equal(hurt.shown, calm.shown, 'and what was shown');
    t.equal(hurt.status.restarts, 2);
    t.match(
      hurt.status.failures.map(({ node, message }) => ({ node, message })),
      [200_000, 100_000].map((time) => ({ node: 'boom', message: new RegExp(`^operator boom \\(crash\\) failed in \\d+ rows of port 0, the first at \\d+ of load\\{.*\\}: the row at ${time} is too much$`) })),
      'newest first',
    );
    const [first, ...later] = hurt.feed.opened as (number | null)[];
    t.equal(first, null);
    t.ok(later.length === 2 && later.every((position) => position! > 0), `it was read again from ${later.join(' and ')}`);
    const committed = hurt.feed.committed as number[];
    t.ok(committed.length > 0 && later.every((position) => committed.some((each) => each <= position!)), 'and nothing after it had been committed');
  }
});

await t.test('a source that said it ended, with rows not sent yet, sends them after a crash', async (t) => {
  const rows = Array.from({ length: 300 }, (_, i): Row => [i * 1_000, 'a', i % 50 === 7 ? NaN : i]);
  const parts = (at: string, ms: number): Parts => ({
    sources: { in: { type: 'feed' } },
    operators: { boom: { type: 'crash', from: 'in', at: ms === 0 ? [] : [250_000], once: join(at, 'thrown'), ms }, ten: { type: 'window', from: 'boom', size: '10s', aggregates: ['sum'] } },
    sinks: { out: { type: 'file', from: ['ten', 'ten.late', 'boom'], path: 'out.ndjson' }, shown: { type: 'capture', from: 'ten' } },
  });
  for (const live of [false, true]) {
    const feeding = { chunk: 300, endsWithRows: true, live };
    const calm = await run(t, rows, (at) => parts(at, 0), feeding);
    const hurt = await run(t, rows, (at) => parts(at, 1), feeding);
    t.same(difference(hurt.lines, calm.lines), undefined, live ? 'live' : 'not live');
    if (!live) t.equal(hurt.feed.opened.at(-1), 300, 'everything had been read at the last checkpoint');
  }
});

await t.test('a source read on the shards goes on where they were', async (t) => {
  const parts = (at: string, ms: number): Parts => ({
    sources: { gen: { type: 'generate', series: 30, count: 30 * 300, seed: 4 } },
    operators: { boom: { type: 'crash', from: 'gen', at: ms === 0 ? [] : [1_700_000_200_000, 1_700_000_100_000], once: join(at, 'thrown'), wakes: ms }, ten: { type: 'window', from: 'boom', size: '10s', aggregates: ['count', 'sum'] } },
    sinks: { out: { type: 'file', from: ['boom', 'ten'], path: 'out.ndjson' }, shown: { type: 'capture', from: 'ten' } },
  });
  const calm = await run(t, [], (at) => parts(at, 0), {});
  t.equal(calm.lines.length, 30 * 300 + 30 * 30);
  const hurt = await run(t, [], (at) => parts(at, 2), {}, { restart: { ...QUICK, inARow: 8 } });
  t.ok(hurt.status.restarts >= 2);
  t.ok(hurt.status.checkpoint !== undefined);
  t.same(difference(hurt.lines, calm.lines), undefined);
});

await t.test('a checkpoint at the moment when everything ends holds nobody up', async (t) => {
  for (let i = 0; i < 6; i++) {
    const at = folder(t);
    const parts: Parts = {
      sources: { gen: { type: 'generate', series: 3, count: 3 * 20 * (i + 1) } },
      operators: { ten: { type: 'window', from: 'gen', size: '10s', aggregates: ['count'] } },
      sinks: { out: { type: 'capture', from: 'ten' } },
    };
    const { runtime, logged } = await start(at, parts, { checkpoint: checkpoints(at, 1), shards: 1 + (i % 2) });
    await runtime.finished;
    t.same(logged.filter(({ level }) => level >= 50), []);
  }
});

await t.test('checkpoints go on where some shards have nothing to read, and where some sources have ended', async (t) => {
  const at = folder(t);
  const feed = new Feed(rowsOf(10));
  feed.end();
  // One series lies on one of three shards; and it goes on for as long as it is not drained.
  const parts: Parts = {
    sources: { gen: { type: 'generate', series: 1, count: 100_000 }, in: { type: 'feed' } },
    operators: { slow: { type: 'crash', from: 'gen', ms: 1 }, ten: { type: 'window', from: 'slow', size: '10s', aggregates: ['count'] }, other: { type: 'window', from: 'in', size: '10s', aggregates: ['count'] } },
    sinks: { out: { type: 'file', from: ['ten'], path: 'out.ndjson' }, early: { type: 'capture', from: 'other' } },
  };
  const { runtime } = await start(at, parts, { sources: [feedSource(feed)], checkpoint: checkpoints(at, 5), shards: 3 });
  t.not(runtime.plan.sources[0]!.local, undefined);
  await until(() => captured('early').rows.length >= 10 && runtime.status().nodes.find(({ name }) => name === 'in')?.detail === 'ended');
  const before = runtime.status().checkpoint?.number ?? 0;
  await until(() => (runtime.status().checkpoint?.number ?? 0) > before + 3);
  await runtime.drain();
  t.equal(await runtime.finished, 'stopped');
});

await t.test('drained at the moment when everything ends, it ends or stops', async (t) => {
  for (let i = 0; i < 10; i += 2) {
    const at = folder(t);
    const feed = new Feed(rowsOf(20));
    feed.end();
    const parts: Parts = { sources: { in: { type: 'feed' } }, operators: { ten: { type: 'window', from: 'in', size: '10s', aggregates: ['count'] } }, sinks: { out: { type: 'capture', from: 'ten' } } };
    const { runtime, logged } = await start(at, parts, { sources: [feedSource(feed, { disorder: 3_000 })], checkpoint: checkpoints(at, 3) });
    await until(() => feed.read === feed.rows.length);
    await new Promise((resolve) => setTimeout(resolve, i));
    await runtime.drain();
    t.match(await runtime.finished, /^(ended|stopped)$/);
    t.same(logged.filter(({ level }) => level >= 40), []);
    const again = await start(at, parts, { sources: [feedSource(feed, { disorder: 3_000 })], checkpoint: checkpoints(at) });
    t.equal(await again.runtime.finished, 'ended');
    const { rows } = captured('out');
    t.equal(rows.reduce((sum, row) => sum + row.columns['count']!, 0), rows.length === 0 ? 0 : feed.rows.filter(([, , value]) => !Number.isNaN(value)).length);
  }
});

await t.test('what throws again and again stays down, and says so', async (t) => {
  const at = folder(t);
  const feed = new Feed(rowsOf(50));
  const { runtime, logged } = await start(at, everything({ at: [20_000] }), { sources: [feedSource(feed)], checkpoint: checkpoints(at), restart: { firstMs: 1, longestMs: 60_000, inARow: 3 } });
  await t.rejects(runtime.finished, /operator boom \(crash\) failed .*: the row at 20000 is too much/);
  t.match(runtime.status(), { state: 'failed', ready: false, restarts: 3 });
  t.equal(runtime.status().failures.length, 4);
  t.same(logged.flatMap(({ inMs }) => inMs ?? []), [1, 2, 4], 'later and later');
  t.match(logged.at(-1), { level: 60, msg: 'the graph stays down' });
});

await t.test('a source or a sink that fails is named', async (t) => {
  const at = folder(t);
  const failing = defineSource({ name: 'failing', summary: '', description: '', config: z.strictObject({}), examples: [], live: () => true, disorder: () => 0, create: () => ({ open: async () => {}, read: () => Promise.reject(new Error('the wire is cut')), close: async () => {} }) });
  const full = defineSink({ name: 'full', summary: '', description: '', config: z.strictObject({}), examples: [], create: () => ({ open: async () => {}, write: () => Promise.reject(new Error('the disk is full')), flush: async () => null, close: async () => {} }) });
  const feed = new Feed(rowsOf(1));
  const none = { firstMs: 1, longestMs: 1, inARow: 0 };
  const one = await start(at, { sources: { wire: { type: 'failing' } }, sinks: { out: { type: 'capture', from: 'wire' } } }, { sources: [failing], restart: none });
  await t.rejects(one.runtime.finished, /the wire is cut/);
  t.match(one.runtime.status().failures, [{ node: 'wire' }]);
  const other = await start(at, { sources: { in: { type: 'feed' } }, sinks: { disk: { type: 'full', from: 'in' } } }, { sources: [feedSource(feed)], sinks: [full], restart: none });
  await t.rejects(other.runtime.finished, /the disk is full/);
  t.match(other.runtime.status().failures, [{ node: 'disk' }]);
});

await t.test('one that crashes brings all down, also who has not read what he was told', async (t) => {
  const at = folder(t);
  const on = (shard: number) => Array.from({ length: 50 }, (_, i) => `s${i}`).find((text) => partitionOf(text, 16) % 2 === shard)!;
  // One shard rests and the other throws, while both are told of more series than their channels hold.
  const feed = new Feed([[0, on(1), 600], [0, on(0), -200], ...Array.from({ length: 15_000 }, (_, i): Row => [1_000, `many{number="${i}"}`, 0])]);
  const parts: Parts = { sources: { in: { type: 'feed' } }, operators: { busy: { type: 'busy', from: 'in' } }, sinks: { out: { type: 'capture', from: 'busy' } } };
  feed.let(2);
  const { runtime } = await start(at, parts, { sources: [feedSource(feed, { chunk: 20_000 })], restart: { firstMs: 1, longestMs: 1, inARow: 0 } });
  await until(() => feed.read === 2);
  feed.let(Infinity);
  await t.rejects(runtime.finished, /operator busy \(busy\) failed .*: worn out/);
});

await t.test('a sink that waits for its store does not keep down what crashes elsewhere', async (t) => {
  const at = folder(t);
  const feed = new Feed(rowsOf(50));
  feed.end();
  let written = 0;
  let opened = 0;
  const away = defineSink({
    name: 'away',
    summary: '',
    description: '',
    config: z.strictObject({}),
    examples: [],
    create() {
      let giveUp = (_why: Error): void => {};
      return {
        open: async () => void (opened += 1),
        // The first time its store is away for good.
        write: async (_node: string, batch: { readonly length: number }) => (opened === 1 ? new Promise<void>((_, reject) => (giveUp = reject)) : void (written += batch.length)),
        flush: async () => null,
        abort: () => giveUp(new Error('the store is away')),
        close: async () => {},
      };
    },
  });
  const parts: Parts = { sources: { in: { type: 'feed' } }, operators: { boom: { type: 'crash', from: 'in', at: [20_000], once: join(at, 'thrown') } }, sinks: { out: { type: 'away', from: ['in', 'boom'] } } };
  const { runtime } = await start(at, parts, { sources: [feedSource(feed)], sinks: [away], checkpoint: checkpoints(at), restart: QUICK });
  t.equal(await runtime.finished, 'ended');
  t.equal(written, 1_000);
  const [failure] = runtime.status().failures;
  t.match(failure!.message, /the row at 20000 is too much/, 'what brought it down is told, not what came of it');
});

await t.test('drained at any time, the next start goes on: nothing twice, nothing lost', async (t) => {
  const rows = rowsOf(200);
  const feeding = { disorder: 3_000, chunk: 20, pace: 1 };
  const calm = await run(t, rows, () => everything({}), { ...feeding, pace: 0 });
  for (const replays of [true, false]) {
    const at = folder(t);
    const feed = new Feed(rows);
    feed.end();
    for (const share of [0, 0.3, 0.7]) {
      const { runtime } = await start(at, everything({}), { sources: [feedSource(feed, { ...feeding, replays })], checkpoint: checkpoints(at, share === 0.3 ? 5 : 100_000) });
      await until(() => feed.read >= rows.length * share);
      await runtime.drain();
      t.equal(await runtime.finished, 'stopped');
      t.equal(runtime.status().state, 'stopped');
    }
    const { runtime } = await start(at, everything({}), { sources: [feedSource(feed, feeding)], checkpoint: checkpoints(at) });
    t.equal(await runtime.finished, 'ended');
    t.same(difference(linesOf(join(at, 'out.ndjson')), calm.lines), undefined);
    t.same(feed.opened.slice(1).map((position) => (position as number) >= rows.length * 0.3), [false, true, true]);
    // Everything has ended: another start finds nothing to do.
    const again = await start(at, everything({}), { sources: [feedSource(feed, feeding)], checkpoint: checkpoints(at) });
    t.equal(await again.runtime.finished, 'ended');
    t.same(difference(linesOf(join(at, 'out.ndjson')), calm.lines), undefined);
  }
});

await t.test('drained while it comes back from a crash, it stops once it is there', async (t) => {
  const at = folder(t);
  const events: string[] = [];
  let opened = 0;
  let opening = (): void => {};
  const slow = defineSink({
    name: 'slow',
    summary: '',
    description: '',
    config: z.strictObject({}),
    examples: [],
    create: () => ({
      async open() {
        events.push('open');
        if (opened++ > 0) {
          opening();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        events.push('opened');
      },
      write: async () => {},
      flush: async () => null,
      close: async () => void events.push('close'),
    }),
  });
  const feed = new Feed(rowsOf(50));
  const parts: Parts = { sources: { in: { type: 'feed' } }, operators: { boom: { type: 'crash', from: 'in', at: [20_000], once: join(at, 'thrown') } }, sinks: { out: { type: 'slow', from: 'boom' } } };
  const again = new Promise<void>((resolve) => (opening = resolve));
  const { runtime } = await start(at, parts, { sources: [feedSource(feed)], sinks: [slow], checkpoint: checkpoints(at), restart: QUICK });
  await again;
  await runtime.drain();
  t.equal(await runtime.finished, 'stopped');
  t.same(events, ['open', 'opened', 'close', 'open', 'opened', 'close']);
});

await t.test('a slot that is used again belongs to its new series alone, on every thread', async (t) => {
  const at = folder(t);
  const feed = new Feed();
  const parts: Parts = {
    sources: { in: { type: 'feed' } },
    operators: { named: { type: 'select', from: 'in', labels: { env: 'test' } }, total: { type: 'sum-by', from: 'named', by: 'dc' }, ten: { type: 'window', from: 'named', size: '10s', aggregates: ['sum', 'count'] } },
    sinks: { out: { type: 'capture', from: ['named', 'total', 'ten'] } },
    partitions: 1,
  };
  const { runtime } = await start(at, parts, { sources: [feedSource(feed)], checkpoint: checkpoints(at, 5), restart: { ...QUICK, inARow: 0 } });
  const some = async (count: number) => {
    const before = runtime.status().checkpoint?.number ?? 0;
    await until(() => (runtime.status().checkpoint?.number ?? 0) >= before + count || runtime.status().state === 'failed');
  };
  const later = 2 * KEEP_SERIES_MS;
  const sent = (from: string, at: number) => Array.from({ length: 5 }, (_, i): Row => [at, `${from}${i}{dc="${from}"}`, i + 1]);
  feed.give(...sent('old', 1_000));
  await some(1);
  feed.give(...sent('kept', later));
  // Forgotten at one checkpoint, and used again when no kept one knows them.
  await some(6);
  feed.give(...sent('new', later + 1_000));
  await some(2);
  feed.give(...sent('kept', later + 20_000));
  feed.end();
  t.equal(await runtime.finished, 'ended');
  const { rows } = captured('out');
  const of = (node: string, text: string) => rows.filter((row) => row.node === node && row.series.startsWith(text)).map(({ value }) => value);
  t.equal(rows.filter(({ node }) => node === 'named').length, 20);
  for (const each of ['old', 'new']) t.same(of('named', each), [1, 2, 3, 4, 5], each);
  t.same(of('total', 'total{dc="new"}').length, 1);
  for (let i = 0; i < 5; i++) t.same(of('ten', `new${i}{`), [i + 1]);
  t.same(of('ten', 'old').length, 5);
});

await t.test('a checkpoint that can not be written costs nothing but itself', async (t) => {
  const rows = rowsOf(200);
  const feeding = { disorder: 3_000, chunk: 20, pace: 1 };
  const calm = await run(t, rows, () => everything({}), { ...feeding, pace: 0 });
  const at = folder(t);
  const feed = new Feed(rows);
  feed.let(600);
  const { runtime } = await start(at, everything({ at: [120_000], once: join(at, 'thrown') }), { sources: [feedSource(feed, feeding)], checkpoint: checkpoints(at, 5), restart: QUICK });
  await until(() => (runtime.status().checkpoint?.number ?? 0) > 2);
  renameSync(join(at, 'checkpoints'), join(at, 'away'));
  feed.let(1_000);
  await until(() => runtime.status().checkpointFailure !== undefined);
  renameSync(join(at, 'away'), join(at, 'checkpoints'));
  feed.let(Infinity);
  feed.end();
  t.equal(await runtime.finished, 'ended');
  t.equal(runtime.status().restarts, 1);
  t.same(difference(linesOf(join(at, 'out.ndjson')), calm.lines), undefined);
});

await t.test('a crash while a checkpoint is being committed: the next start waits for it', async (t) => {
  const rows = rowsOf(50);
  const at = folder(t);
  const feed = new Feed(rows);
  feed.let(100);
  feed.let(100);
  feed.end();
  let commit = (): void => {};
  const may = new Promise<void>((resolve) => (commit = resolve));
  let committing = false;
  const files = {
    ...systemPlatform.files,
    async rename(from: string, to: string): Promise<void> {
      committing = true;
      await may;
      await systemPlatform.files.rename(from, to);
    },
  };
  const { runtime } = await start(at, everything({ at: [20_000], once: join(at, 'thrown') }), { sources: [feedSource(feed)], platform: { ...systemPlatform, files }, checkpoint: checkpoints(at), restart: QUICK });
  await until(() => committing);
  feed.let(Infinity);
  await until(() => existsSync(join(at, 'thrown-20000')));
  // Long enough to start again, had it not to wait.
  await new Promise((resolve) => setTimeout(resolve, 100));
  commit();
  t.equal(await runtime.finished, 'ended');
  t.equal(runtime.status().restarts, 1);
  t.equal(feed.opened.length, 2);
  t.ok(Number(feed.opened[1]) > 0, `it goes on from ${JSON.stringify(feed.opened)}`);
  t.notOk(runtime.status().checkpointFailure);
});

await t.test('what fails while it is drained is told, and the last checkpoint stands', async (t) => {
  const at = folder(t);
  const full = defineSink({ name: 'full', summary: '', description: '', config: z.strictObject({}), examples: [], create: () => ({ open: async () => {}, write: async () => {}, flush: () => Promise.reject(new Error('the disk is full')), close: async () => {} }) });
  const feed = new Feed(rowsOf(1));
  const { runtime, logged } = await start(at, { sources: { in: { type: 'feed' } }, sinks: { disk: { type: 'full', from: 'in' } } }, { sources: [feedSource(feed)], sinks: [full], checkpoint: checkpoints(at, 100_000) });
  await until(() => feed.read > 0);
  await runtime.drain();
  t.equal(await runtime.finished, 'stopped');
  t.match(logged.at(-1), { level: 50, msg: 'the last checkpoint failed: the one before it stands', err: { message: 'the disk is full' } });
  t.match(runtime.status(), { state: 'stopped', failures: [{ node: 'disk' }] });
});
