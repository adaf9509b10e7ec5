import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { captured } from '../../connectors/capture/sink.js';
import { systemClock, type Clock } from '../../engine/clock.js';
import { IDLE_AFTER_MS, MAX_FUTURE_MS } from '../../engine/limits.js';
import { checkpoints, difference, Feed, feedSource, folder, linesOf, start, until, type Parts, type Row, type Settings } from './fixture.js';

const QUICK = { firstMs: 1, longestMs: 60_000, inARow: 8 };
const LIVE = { live: true, chunk: 10 };

/** A clock in a test's hands; durations are real, and what is passed over. */
class Hand implements Clock {
  time = 1_700_000_000_000;
  #passedOver = 0;
  now(): number {
    return this.time;
  }
  elapsed(): number {
    return systemClock.elapsed() + this.#passedOver;
  }
  /** So late is it after a silence that is long enough for idle sources, and nobody has waited. */
  silence(until: number): void {
    this.time = until;
    this.#passedOver += IDLE_AFTER_MS;
  }
}

const text = (row: { series: string; time: number; value: number }) => `${row.series} ${row.time} ${row.value}`;

await t.test('a live source that is silent moves on by the clock: windows close though nothing comes', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const t0 = clock.time;
  const feed = new Feed([[t0 + 1_000, 'a', 1], [t0 + 2_000, 'a', 2]]);
  const other = new Feed();
  const parts: Parts = {
    sources: { in: { type: 'feed' }, other: { type: 'other' } },
    operators: { ten: { type: 'window', from: ['in', 'other'], size: '10s', aggregates: ['count'] } },
    sinks: { out: { type: 'capture', from: ['ten', 'ten.late'], ordered: false } },
  };
  const { runtime } = await start(at, parts, { clock, sources: [feedSource(feed, LIVE), feedSource(other, LIVE, 'other')] });
  await until(() => feed.read === 2);
  t.equal(captured('out').rows.length, 0, 'the clock stands still, and so does time');
  clock.silence(t0 + 10_000 + 2 * IDLE_AFTER_MS);
  await until(() => captured('out').rows.length > 0);
  t.same(captured('out').rows.map(text), [`a ${t0 + 10_000} 2`], 'the other source, which never spoke, holds nobody up');
  t.match(runtime.status().nodes.slice(0, 2), [{ name: 'in', detail: 'idle' }, { name: 'other', detail: 'idle' }]);

  feed.give([clock.time, 'a', 3], [t0 + 3_000, 'a', 9]);
  await until(() => captured('out').rows.length > 1);
  t.same(captured('out').rows.map(text).slice(1), [`a ${t0 + 3_000} 9`], 'who comes back with what is older is late');
  t.equal(captured('out').rows[1]!.node, 'ten.late');
  t.notMatch(runtime.status().nodes[0], { detail: 'idle' });
  await runtime.drain();
});

await t.test('a live sample far in the future is refused and told', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const feed = new Feed([[clock.time, 'a', 1], [clock.time + MAX_FUTURE_MS + 1, 'a', 2], [NaN, 'a', 3], [clock.time + MAX_FUTURE_MS, 'a', 4]]);
  const parts: Parts = { sources: { in: { type: 'feed' } }, sinks: { out: { type: 'capture', from: 'in', ordered: false } } };
  const { runtime, logged } = await start(at, parts, { clock, sources: [feedSource(feed, LIVE)] });
  await until(() => captured('out').rows.length === 2);
  t.same(captured('out').rows.map(({ value }) => value), [1, 4]);
  t.same(logged.map(({ msg }) => msg), ['sample refused: more than 60 s in the future', 'sample refused: time is not a number']);
  await runtime.drain();
});

await t.test('what the clock decided while a source was idle is decided again after crashes, one after the other', async (t) => {
  for (const saved of [false, true]) {
    const at = folder(t);
    const clock = new Hand();
    const t0 = clock.time;
    const feed = new Feed([[t0 + 1_000, 'a', 1], [t0 + 2_000, 'a', 2]]);
    const parts: Parts = {
      sources: { in: { type: 'feed' } },
      operators: { boom: { type: 'crash', from: 'in', at: [t0 + 1_000_000, t0 + 2_000_000], once: join(at, 'thrown') }, ten: { type: 'window', from: 'boom', size: '10s', aggregates: ['count'] } },
      sinks: { out: { type: 'file', from: ['ten', 'ten.late'], path: 'out.ndjson' }, shown: { type: 'capture', from: ['ten', 'ten.late'], ordered: false } },
    };
    const { runtime } = await start(at, parts, { clock, restart: QUICK, sources: [feedSource(feed, LIVE)], checkpoint: checkpoints(at, saved ? 10 : 1_000_000) });
    const some = async () => {
      const before = runtime.status().checkpoint?.number ?? 0;
      if (saved) await until(() => (runtime.status().checkpoint?.number ?? 0) > before + 1);
    };
    // Silence closes a window; what comes then for it is late. Twice.
    const shown = () => captured('shown').rows;
    for (let n = 1; n <= 2; n++) {
      await until(() => runtime.status().nodes[0]!.rowsOut === feed.rows.length);
      await some();
      clock.silence(t0 + n * 100_000 + 10_000 + 2 * IDLE_AFTER_MS);
      await until(() => shown().some(({ node, time }) => node === 'ten' && time > t0 + (n - 1) * 100_000));
      feed.give([t0 + (n - 1) * 100_000 + 3_000, 'a', 9], [t0 + n * 100_000 + 18_000, 'a', n]);
      await until(() => shown().filter(({ node }) => node === 'ten.late').length === n);
    }
    const before = shown().map(text);
    t.equal(before.length, 4);
    // It crashes, and comes back; before it has read as far as it had, it crashes again.
    feed.let(saved ? Infinity : 4);
    clock.time = t0 + 1_000_000;
    feed.give([t0 + 1_000_000, 'a', 5]);
    if (!saved) {
      feed.let(Infinity);
      await until(() => runtime.status().restarts === 1);
    }
    await until(() => runtime.status().restarts === 1 && runtime.status().state === 'running');
    clock.time = t0 + 2_000_000;
    feed.give([t0 + 2_000_000, 'a', 6]);
    await until(() => runtime.status().restarts === 2 && runtime.status().state === 'running');
    feed.end();
    t.equal(await runtime.finished, 'ended');
    const after = shown().map(text);
    t.same(difference(after.slice(0, 4), before), undefined, saved ? 'from a checkpoint' : 'from the beginning');
    t.same(linesOf(join(at, 'out.ndjson')).length, 4 + 3);
  }
});

await t.test('after a crash and a checkpoint in the middle of what is read again, the rest is still decided the same', async (t) => {
  const at = folder(t);
  const clock = new Hand();
  const t0 = clock.time;
  const feed = new Feed([[t0 + 1_000, 'a', 1]]);
  const parts: Parts = {
    sources: { in: { type: 'feed' } },
    operators: { boom: { type: 'crash', from: 'in', at: [t0 + 1_000_000, t0 + 1_000_001], once: join(at, 'thrown') }, ten: { type: 'window', from: 'boom', size: '10s', aggregates: ['count'] } },
    sinks: { shown: { type: 'capture', from: ['ten', 'ten.late'], ordered: false } },
  };
  const settings = (intervalMs: number): Settings => ({ clock, sources: [feedSource(feed, { ...LIVE, chunk: 1 })], checkpoint: checkpoints(at, intervalMs), restart: { ...QUICK, inARow: 0 } });
  const shown = () => captured('shown').rows;
  // No checkpoint: only the journal remembers.
  const first = await start(at, parts, settings(1_000_000));
  for (let n = 1; n <= 3; n++) {
    await until(() => first.runtime.status().nodes[0]!.rowsOut === feed.rows.length);
    clock.silence(t0 + n * 100_000 + 10_000 + 2 * IDLE_AFTER_MS);
    await until(() => shown().some(({ node, time }) => node === 'ten' && time > t0 + (n - 1) * 100_000));
    feed.give([t0 + (n - 1) * 100_000 + 3_000, 'a', 9], [t0 + n * 100_000 + 18_000, 'a', n]);
    await until(() => shown().filter(({ node }) => node === 'ten.late').length === n);
  }
  const before = shown().map(text);
  feed.give([t0 + 1_000_000 - 1, 'a', 0]);
  clock.time = t0 + 1_000_000;
  feed.give([t0 + 1_000_000, 'a', 5], [t0 + 1_000_001, 'a', 5]);
  await t.rejects(first.runtime.finished, /too much/);

  // Reads a part of it again, takes checkpoints there, reads the rest and crashes again.
  feed.let(2);
  feed.read = 0;
  const second = await start(at, parts, settings(5));
  await until(() => (second.runtime.status().checkpoint?.number ?? 0) > 4 && feed.read === 2);
  const part = shown().length;
  feed.let(Infinity);
  await t.rejects(second.runtime.finished, /too much/);
  const third = await start(at, parts, settings(1_000_000));
  feed.end();
  await third.runtime.finished;
  t.ok(part < before.length, `${part} of ${before.length} had come by then`);
  t.same(difference(shown().map(text).slice(0, before.length), before), undefined);
});

await t.test('live, the answer of a training task that is late takes effect later, and at the same place after a crash', async (t) => {
  for (const shards of [1, 2]) {
    const at = folder(t);
    const clock = new Hand();
    const t0 = Math.floor(clock.time / 60_000) * 60_000;
    clock.time = t0 + 3_600_000;
    const rows = (from: number, to: number): Row[] => Array.from({ length: (to - from) / 1_000 }, (_, i) => ['a', 'b', 'c'].map((name, k): Row => [t0 + from + i * 1_000, name, i + k])).flat();
    const feed = new Feed(rows(0, 90_000));
    const parts: Parts = {
      sources: { in: { type: 'feed' } },
      operators: { boom: { type: 'crash', from: 'in', at: [t0 + 3_250_000], once: join(at, 'thrown') }, model: { type: 'train', from: 'boom', every: 60_000, due: 5_000, until: join(at, 'go') } },
      sinks: { shown: { type: 'capture', from: 'model' }, out: { type: 'file', from: 'model', path: 'out.ndjson' } },
    };
    // A task waits for the file of its time.
    const go = (time: number) => writeFileSync(`${join(at, 'go')}-${time}`, '');
    const learnt = () => captured('shown').rows.filter((row) => row.columns['learnt']! > 0);
    const { runtime } = await start(at, parts, { clock, shards, restart: QUICK, sources: [feedSource(feed, { live: true, chunk: 30 })], checkpoint: checkpoints(at, 1_000_000) });
    await until(() => captured('shown').rows.length >= 3 * 88);
    t.equal(learnt().length, 0, 'nobody waits for a model');
    go(t0 + 60_000);
    feed.give(...rows(90_000, 91_000));
    // The answer is decided on when it comes, which nothing tells: rows are given until it shows.
    for (let second = 91; learnt().length < 9; second++) {
      feed.give(...rows(second * 1_000, (second + 1) * 1_000));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const at1 = learnt()[0]!.time;
    t.ok(at1 > t0 + 90_000, `due at ${t0 + 65_000}, late, and learnt at ${at1}`);
    feed.give(...rows(3_110_000, 3_245_000));
    await until(() => captured('shown').rows.at(-1)!.time >= t0 + 3_240_000);
    const before = captured('shown').rows.map((row) => JSON.stringify(row));

    // All models are quick now: what was late stays late all the same.
    for (let minute = 2; minute < 60; minute++) go(t0 + minute * 60_000);
    feed.give(...rows(3_245_000, 3_300_000));
    await until(() => runtime.status().restarts === 1);
    feed.end();
    t.equal(await runtime.finished, 'ended');
    const after = captured('shown').rows.map((row) => JSON.stringify(row));
    t.same(difference(after.slice(0, before.length), before), undefined, `${shards} shards`);
    t.ok(existsSync(join(at, 'thrown') + `-${t0 + 3_250_000}`));
  }
});
