import t from 'tap';
import { z } from 'zod';
import { totals } from '../../connectors/count/sink.js';
import { defineSink } from '../../engine/connector.js';
import { BATCH_ROWS, CHANNEL_FRAMES } from '../../engine/limits.js';
import { checkpoints, Feed, feedSource, folder, start, until, type Parts, type Row } from './fixture.js';

/** So many rows lie in one channel at most. */
const CHANNEL_ROWS = BATCH_ROWS * CHANNEL_FRAMES;

/** A sink that takes rows when it is told to. */
function gate() {
  let open = (): void => {};
  let closed = new Promise<void>((resolve) => (open = resolve));
  let rows = 0;
  let sum = 0;
  const definition = defineSink({
    name: 'gate',
    summary: '',
    description: '',
    config: z.strictObject({}),
    examples: [],
    create: () => ({
      open: async () => {},
      async write(_node, batch) {
        await closed;
        rows += batch.length;
        for (let i = 0; i < batch.length; i++) sum += batch.value[i]!;
      },
      flush: async () => null,
      close: async () => {},
    }),
  });
  return { definition, open: () => open(), close: () => void (closed = new Promise<void>((resolve) => (open = resolve))), rows: () => rows, sum: () => sum };
}

/** Rows of many series, a thousand at each time: full batches. */
function many(count: number): Row[] {
  return Array.from({ length: count }, (_, i): Row => [Math.floor(i / 1_000) * 1_000, `s${i % 1_000}`, i]);
}

await t.test('a sink that is slow holds up the source, and nothing is lost', async (t) => {
  const rows = many(600_000);
  const wanted = rows.reduce((sum, [, , value]) => sum + value, 0);
  for (const shards of [1, 2]) {
    const at = folder(t);
    const feed = new Feed(rows);
    feed.end();
    const sink = gate();
    const parts: Parts = {
      sources: { in: { type: 'feed' } },
      operators: { passed: { type: 'crash', from: 'in' }, ten: { type: 'window', from: 'passed', size: '10s', aggregates: ['count'] } },
      sinks: { slow: { type: 'gate', from: 'passed' }, quick: { type: 'count', from: ['passed', 'ten'] } },
    };
    const { runtime } = await start(at, parts, { shards, sources: [feedSource(feed, { chunk: 1_000 })], sinks: [sink.definition], checkpoint: checkpoints(at) });
    // It stands still when twice it was read as far.
    let before = -1;
    await until(async () => {
      const stands = feed.read === before;
      before = feed.read;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return stands && feed.read > 0;
    });
    // One channel to each shard, and one from each to the sink; and what each end holds.
    const most = (2 * shards * CHANNEL_ROWS * 11) / 10;
    t.ok(feed.read < most, `${shards} shards: ${feed.read} rows were read, at most ${most}`);
    t.equal(sink.rows(), 0);
    sink.open();
    t.equal(await runtime.finished, 'ended');
    t.equal(sink.rows(), rows.length, 'all came');
    t.equal(sink.sum(), wanted);
    const quick = totals('quick');
    t.equal(quick.get('passed')!.rows, rows.length);
    t.equal(quick.get('ten')!.columns['count']!.sum, rows.length, 'nothing was late');
  }
});

await t.test('a graph that stands still is drained at once when its sink takes rows again', async (t) => {
  const at = folder(t);
  const feed = new Feed(many(200_000));
  const sink = gate();
  const parts: Parts = { sources: { in: { type: 'feed' } }, operators: { passed: { type: 'crash', from: 'in' } }, sinks: { slow: { type: 'gate', from: 'passed' } } };
  const { runtime } = await start(at, parts, { sources: [feedSource(feed, { chunk: 1_000 })], sinks: [sink.definition], checkpoint: checkpoints(at, 1_000_000) });
  await until(() => feed.read > 50_000);
  const drained = runtime.drain();
  sink.open();
  await drained;
  t.equal(await runtime.finished, 'stopped');
  t.ok(sink.rows() > 50_000 && feed.read - sink.rows() <= 1_000, `${sink.rows()} of ${feed.read} have come through: all but what was read last, which is saved`);
});
