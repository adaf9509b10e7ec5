import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { captured } from '../../connectors/capture/sink.js';
import { systemClock, type Clock } from '../../engine/clock.js';
import { IDLE_AFTER_MS } from '../../engine/limits.js';
import { checkpoints, Feed, feedSource, folder, start, until, type Parts, type Row } from './fixture.js';

const LIVE = { live: true, chunk: 10 };

/** A clock in a test's hands; durations are real. */
class Hand implements Clock {
  time = 1_700_000_000_000;
  now(): number {
    return this.time;
  }
  elapsed(): number {
    return systemClock.elapsed();
  }
}

const rows = (name: string) => captured(name).rows.map(({ node, time, series, value }) => `${node} ${series} ${time} ${value}`);

await t.test('a graph without operators goes on after checkpoint and checkpoint', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const feed = new Feed();
  const parts: Parts = { sources: { in: { type: 'feed' } }, sinks: { out: { type: 'capture', from: 'in', ordered: false } } };
  const { runtime } = await start(at, parts, { clock, sources: [feedSource(feed, LIVE)], checkpoint: checkpoints(at, 1) });
  await until(() => (runtime.status().checkpoint?.number ?? 0) > 40);
  feed.give([clock.time, 'a', 1]);
  await until(() => captured('out').rows.length === 1);
  await runtime.drain();
  t.equal(runtime.status().state, 'stopped');
});

await t.test('the end of one source is not the end of another that is silent', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const t0 = clock.time;
  const feed = new Feed([[t0, 'a', 1]]);
  const other = new Feed([[t0, 'b', 1]]);
  const parts: Parts = {
    sources: { in: { type: 'feed' }, other: { type: 'other' } },
    operators: { ten: { type: 'window', from: ['in', 'other'], size: '10s', aggregates: ['count'] } },
    sinks: { out: { type: 'capture', from: ['ten', 'ten.late'], ordered: false } },
  };
  const { runtime } = await start(at, parts, { clock, sources: [feedSource(feed, LIVE), feedSource(other, LIVE, 'other')], checkpoint: checkpoints(at, 5) });
  await until(() => runtime.status().nodes[1]!.detail === 'idle');
  feed.end();
  await until(() => runtime.status().nodes[0]!.detail === 'ended');
  // By then it would have forgotten the series that it thought to be over.
  const number = runtime.status().checkpoint!.number;
  await until(() => runtime.status().checkpoint!.number > number + 5);
  other.give([t0 + 3_000, 'b', 1], [t0 + 11_000, 'b', 1]);
  other.end();
  t.equal(await runtime.finished, 'ended');
  t.same(rows('out').sort(), [`ten a ${t0 + 10_000} 1`, `ten b ${t0 + 10_000} 2`, `ten b ${t0 + 20_000} 1`], 'nothing was late');
});

await t.test('files give the same whether their last rows say that they are the last', async (t) => {
  // What is late is so by both.
  const one: Row[] = [[1_000, 'a', 1], [12_000, 'a', 1], [2_000, 'a', 1], [13_000, 'a', 1]];
  const two: Row[] = [[1_500, 'b', 1], [25_000, 'b', 1], [3_000, 'b', 1], [38_000, 'b', 1], [21_000, 'b', 1]];
  const parts: Parts = {
    sources: { in: { type: 'feed' }, other: { type: 'other' } },
    operators: { ten: { type: 'window', from: ['in', 'other'], size: '10s', aggregates: ['count'] } },
    sinks: { out: { type: 'capture', from: ['in', 'other', 'ten', 'ten.late'] } },
  };
  const given: string[][] = [];
  for (const endsWithRows of [[true, true], [true, false], [false, true], [false, false]]) {
    const feeds = [new Feed(one), new Feed(two)] as const;
    for (const feed of feeds) feed.end();
    const at = folder(t);
    const { runtime } = await start(at, parts, { sources: feeds.map((feed, i) => feedSource(feed, { chunk: 1 + i, endsWithRows: endsWithRows[i]! }, i === 0 ? 'feed' : 'other')) });
    await runtime.finished;
    given.push(rows('out'));
  }
  t.ok(given[0]!.some((row) => row.startsWith('ten.late ')));
  for (const other of given.slice(1)) t.same(other, given[0]);
});

await t.test('an answer that comes after the end of all that its operator reads is not learnt, nor written down', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const t0 = clock.time;
  const feed = new Feed([[t0 + 100, 'a', 7], [t0 + 1_100, 'a', 8]]);
  const other = new Feed();
  const gate = join(at, 'answered');
  const parts: Parts = {
    sources: { in: { type: 'feed' }, other: { type: 'other' } },
    operators: { learns: { type: 'train', from: 'in', every: 1_000, due: 100, until: gate } },
    sinks: { out: { type: 'capture', from: ['learns', 'other'], ordered: false } },
  };
  const { runtime } = await start(at, parts, { clock, sources: [feedSource(feed, LIVE), feedSource(other, LIVE, 'other')], checkpoint: checkpoints(at, 1_000_000) });
  await until(() => captured('out').rows.length === 2);
  feed.end();
  await until(() => runtime.status().nodes[0]!.detail === 'ended');
  for (const second of [1, 2]) writeFileSync(`${gate}-${t0 + second * 1_000}`, '');
  // The other goes on, and what it decides comes after the answers in the journal.
  const journal = (): string => readdirSync(join(at, 'checkpoints/journal')).map((name) => readFileSync(join(at, 'checkpoints/journal', name), 'latin1')).join('');
  clock.time = t0 + 100_000 + IDLE_AFTER_MS;
  await until(() => journal().includes(`"type":"idle"`));
  await runtime.drain();
  t.notMatch(journal(), /"type":"answer"/);
});
