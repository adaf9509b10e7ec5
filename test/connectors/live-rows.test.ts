import fc from 'fast-check';
import t from 'tap';
import { FRAME_ROWS, HIGH_BYTES, MAX_SERIES, RING_ROWS, SNAPSHOT_ROWS } from '../../connectors/live/limits.js';
import type { LiveSink } from '../../connectors/live/live-sink.js';
import { Filter } from '../../connectors/live/protocol.js';
import { RowRings, type Ring } from '../../connectors/live/row-rings.js';
import { RowSubscription } from '../../connectors/live/row-subscription.js';
import { liveSink } from '../../connectors/live/sink.js';
import { PuppetRoutes, PuppetSocket, type Message } from './live-harness.js';
import { batchOf, folder, sink, stage, type Row } from './stage.js';

const HOUR = 3_600_000;

function add(rings: RowRings, node: string, rows: readonly Row[], now = 0): void {
  const { batch, names } = batchOf(rows);
  rings.add(node, batch, names, now);
}

/** A client as docs/live-protocol.md has it: what it knows after each frame. Throws where a frame makes no sense to it. */
class Chart {
  readonly series = new Map<number, string>();
  /** Rows as `node series time value ...columns`, in the order they came. */
  readonly rows: string[] = [];
  private readonly indices = new Set<number>();
  offset = -1;
  coalesced = 0;
  snapshotDone = true;

  take(text: string): void {
    const frame = JSON.parse(text) as Message & { series?: { index: number; node: string; metric_name: string; labels: object; columns: string[] }[]; rows: (number | null)[][]; gone?: number[] };
    if ((frame['offset'] as number) < this.offset) throw new Error('the offset went back');
    this.offset = frame['offset'] as number;
    for (const { index, node, metric_name, labels } of frame.series ?? []) {
      if (this.indices.has(index)) throw new Error(`index ${index} was announced before`);
      this.indices.add(index);
      this.series.set(index, `${node} ${metric_name} ${JSON.stringify(labels)}`);
    }
    for (const [index, ...row] of frame.rows) {
      const series = this.series.get(index!);
      if (series === undefined) throw new Error(`row of index ${index}, which is not there`);
      this.rows.push(`${series} ${row.join(' ')}`);
    }
    for (const index of frame.gone ?? []) if (!this.series.delete(index)) throw new Error(`index ${index} is gone, but was not there`);
    if (frame['coalesced'] === true) this.coalesced += 1;
    this.snapshotDone = frame['more'] !== true;
  }
}

await t.test('rings hold the newest rows of each series within their bounds', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ node: fc.constantFrom('a', 'b'), series: fc.nat({ max: 12 }), count: fc.integer({ min: 1, max: 90 }) }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 15 }),
      fc.integer({ min: 500, max: 60_000 }),
      (writes, maxSeries, budget) => {
        const forgotten = new Set<Ring>();
        const rings = new RowRings({ maxSeries, budget, onForget: (ring) => forgotten.add(ring) });
        const all = new Map<string, number[]>();
        let next = 0;
        for (const { node, series, count } of writes) {
          const rows = Array.from({ length: count }, () => ({ time: next, series: `m${series}`, value: next++, columns: { twice: 2 * next } }));
          const name = `${node} m${series}`;
          all.set(name, [...(all.get(name) ?? []), ...rows.map((row) => row.value)]);
          add(rings, node, rows);
          const kept = [...rings.of(undefined)];
          let bytes = 0;
          for (const ring of kept) {
            bytes += ring.data.byteLength;
            const values = Array.from({ length: ring.length }, (_, i) => ring.data[ring.at(i) + 2]!);
            const expected = all.get(`${ring.node} ${ring.text}`)!.slice(-ring.length);
            if (values.join() !== expected.join()) throw new Error(`${ring.text} holds ${values.join()}`);
            if (ring.length > RING_ROWS) throw new Error('a ring is too long');
            const middle = ring.data[ring.at(ring.length >> 1)]!;
            if (ring.after(middle) !== (ring.length >> 1) + 1 || ring.after(Infinity) !== ring.length || ring.after(0) !== 0) throw new Error('after');
            if (forgotten.has(ring)) throw new Error('is there, though forgotten');
          }
          if (kept.length > maxSeries || (kept.length > 1 && bytes > budget)) throw new Error(`${kept.length} series, ${bytes} bytes`);
          const byAge: number[] = [];
          for (let ring = rings.head; ring !== undefined; ring = ring.older) byAge.push(ring.newest);
          if (byAge.join() !== kept.map((ring) => ring.newest).sort((x, y) => y - x).join()) throw new Error(`order ${byAge.join()}`);
        }
      },
    ),
    { numRuns: 200 },
  );
  t.end();
});

await t.test('a subscriber that keeps up gets every row once, in order; one that does not gets the newest of each series', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ series: fc.nat({ max: 6 }), count: fc.integer({ min: 0, max: 7 }), tick: fc.constantFrom('none', 'next', 'coalesce') }), { maxLength: 50 }),
      fc.integer({ min: 2, max: 8 }),
      fc.boolean(),
      (steps, maxSeries, keepsUp) => {
        const subscriptions: RowSubscription[] = [];
        const rings = new RowRings({ maxSeries, budget: 1e9, onForget: (ring) => subscriptions.forEach((subscription) => subscription.forget(ring)) });
        const subscription = new RowSubscription('1', new Filter({ labels: { odd: 'yes' } }), rings, 'epoch');
        subscriptions.push(subscription);
        subscription.start(undefined);
        const chart = new Chart();
        for (const frame of subscription.snapshot(HOUR, 0)) chart.take(frame);
        const written: string[] = [];
        const newest = new Map<string, string>();
        let time = 0;
        let skipped = false;
        const tick = (coalesce: boolean) => {
          const frame = subscription.next(coalesce);
          if (frame !== undefined) chart.take(frame);
        };
        for (const step of steps) {
          const odd = step.series % 2 === 1;
          const series = `m${step.series}${odd ? '{odd="yes"}' : ''}`;
          const rows = Array.from({ length: step.count }, () => ({ time: ++time, series, value: time / 2 }));
          add(rings, 'n', rows);
          if (odd) {
            for (const row of rows) {
              const text = `n m${step.series} {"odd":"yes"} ${row.time} ${row.value}`;
              written.push(text);
              newest.set(series, text);
            }
          }
          if (step.tick === 'next' || keepsUp) tick(false);
          else if (step.tick === 'coalesce') {
            skipped = true;
            tick(true);
          }
        }
        tick(false);
        const got = new Set(chart.rows);
        if (got.size !== chart.rows.length) throw new Error('a row came twice');
        if (keepsUp && chart.rows.join('\n') !== written.join('\n')) throw new Error(`got ${chart.rows.join('; ')}, written ${written.join('; ')}`);
        for (const row of got) if (!written.includes(row)) throw new Error(`${row} was not written, or does not match`);
        if (maxSeries > 7) for (const row of newest.values()) if (!got.has(row)) throw new Error(`the newest, ${row}, did not come`);
        const followed = [...rings.of('n')].filter((ring) => ring.series.labels['odd'] === 'yes').map((ring) => `n ${ring.series.name} {"odd":"yes"}`);
        if ([...chart.series.values()].sort().join() !== followed.sort().join()) throw new Error(`knows ${[...chart.series.values()].join()}, there are ${followed.join()}`);
        if (!skipped && chart.coalesced > 0) throw new Error('coalesced without need');
      },
    ),
    { numRuns: 300 },
  );
  t.end();
});

await t.test('a resume has no gap, or is refused', (t) => {
  let resumed = 0;
  fc.assert(
    fc.property(fc.array(fc.record({ series: fc.nat({ max: 5 }), count: fc.integer({ min: 1, max: 300 }) }), { minLength: 1, maxLength: 12 }), fc.nat(), (writes, pick) => {
      const rings = new RowRings({ maxSeries: 4, budget: 1e9, onForget: () => undefined });
      const written: { offset: number; text: string }[] = [];
      for (const { series, count } of writes) {
        add(rings, 'n', Array.from({ length: count }, (_, i) => ({ time: written.length + i, series: `m${series}`, value: 1 })));
        for (let i = 0; i < count; i++) written.push({ offset: written.length + 1, text: `n m${series} {} ${written.length} 1` });
      }
      const from = { epoch: 'epoch', offset: pick % (rings.offset + 2) };
      const subscription = new RowSubscription('1', new Filter({ metric_name: 'm1' }), rings, 'epoch');
      const start = subscription.start(from);
      if (!start.resumed) return;
      if (from.offset > rings.offset) throw new Error('resumed from the future');
      resumed += 1;
      const chart = new Chart();
      const frame = subscription.next(false);
      if (frame !== undefined) chart.take(frame);
      const expected = written.filter(({ offset, text }) => offset > from.offset && text.startsWith('n m1 ')).map(({ text }) => text);
      if (chart.rows.join() !== expected.join()) throw new Error(`${chart.rows.length} rows instead of ${expected.length}`);
    }),
    { numRuns: 300 },
  );
  t.ok(resumed > 50, `${resumed} were resumed`);
  const rings = new RowRings({ maxSeries: 4, budget: 1e9, onForget: () => undefined });
  add(rings, 'n', [{ time: 1, series: 'm', value: 1 }]);
  t.equal(new RowSubscription('1', new Filter(), rings, 'epoch').start({ epoch: 'other', offset: 1 }).resumed, false);
  t.end();
});

await t.test('numbers that JSON has not are null, a late row keeps its place', (t) => {
  const rings = new RowRings({ maxSeries: 10, budget: 1e9, onForget: () => undefined });
  add(rings, 'n', [
    { time: 10, series: 'm', value: NaN, columns: { score: Infinity, expected: 1e-9 } },
    { time: 5, series: 'm', value: -0.5, columns: { score: 0, expected: 1e300 } },
  ]);
  const subscription = new RowSubscription('"quoted"', new Filter(), rings, 'epoch');
  subscription.start(undefined);
  const [frame, ...more] = subscription.snapshot(HOUR, 0).map((text) => JSON.parse(text) as Message);
  t.same(more, []);
  t.same(frame, {
    type: 'snapshot',
    id: '"quoted"',
    epoch: 'epoch',
    offset: 2,
    series: [{ index: 0, node: 'n', metric_name: 'm', labels: {}, columns: ['score', 'expected'] }],
    rows: [[0, 10, null, null, 1e-9], [0, 5, -0.5, 0, 1e300]],
  });
  t.end();
});

await t.test('a snapshot: the recent past, in bounded frames, of a bounded number of series', (t) => {
  const rings = new RowRings({ maxSeries: 10_000, budget: 1e9, onForget: () => undefined });
  const snapshot = (since: number) => {
    const subscription = new RowSubscription('1', new Filter(), rings, 'epoch');
    subscription.start(undefined);
    return subscription.snapshot(300_000, since);
  };
  add(rings, 'n', Array.from({ length: 500 }, (_, i) => ({ time: i * 1_000, series: 'long', value: i })), 100);
  const chart = new Chart();
  for (const frame of snapshot(0)) chart.take(frame);
  t.equal(chart.rows.length, 301, 'five minutes back from the newest row');
  t.same(snapshot(101).map((text) => (JSON.parse(text) as { series: [] }).series), [[]], 'a series that has been silent is left out');

  for (let k = 0; k < 2_500; k++) add(rings, 'n', Array.from({ length: 15 }, (_, i) => ({ time: i, series: `m${k}`, value: i })), 200);
  const wide = new Chart();
  const frames = snapshot(0);
  for (const frame of frames) {
    wide.take(frame);
    t.ok((JSON.parse(frame) as { rows: [] }).rows.length <= FRAME_ROWS + RING_ROWS);
  }
  t.equal(wide.snapshotDone, true);
  t.ok(frames.length >= 4 && wide.rows.length <= SNAPSHOT_ROWS, `${frames.length} frames, ${wide.rows.length} rows`);
  t.equal(wide.series.size, MAX_SERIES);
  t.equal((JSON.parse(frames[0]!) as Message)['omitted'], 501);
  t.notOk([...wide.series.values()].includes('n long {}'), 'the longest silent are those left out');
  t.end();
});

await t.test('a full socket is given the newest rows of each series when it has drained', async (t) => {
  const routes = new PuppetRoutes();
  const on = stage(folder(t), { routes });
  const live = sink(liveSink, {}, on) as LiveSink;
  await live.open(undefined);
  t.teardown(() => live.close());
  const socket = new PuppetSocket();
  routes.handler.open!(socket);
  routes.handler.message(socket, JSON.stringify({ type: 'subscribe', id: '1', channel: 'metrics' }));
  socket.take();
  const write = async (time: number) => {
    const { batch, names } = batchOf(['x', 'y'].map((series) => ({ time, series, value: time })));
    await live.write('n', batch, names);
  };
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 250));
  const rows = async () => {
    while (socket.frames.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    return socket.take();
  };
  await write(1);
  await write(2);
  t.match(await rows(), [{ type: 'message', offset: 4, rows: [[0, 1, 1], [0, 2, 2], [1, 1, 1], [1, 2, 2]] }], 'together, in one message');
  socket.waiting = HIGH_BYTES + 1;
  for (let time = 3; time < 20; time++) await write(time);
  await quiet();
  t.same(socket.take(), []);
  await write(20);
  socket.waiting = 0;
  const [message, ...none] = await rows();
  t.match(message, { type: 'message', rows: [[0, 20, 20], [1, 20, 20]], coalesced: true });
  t.same(none, []);
  await write(21);
  t.notOk('coalesced' in (await rows())[0]!, 'then all rows again');
});

await t.test('the board answers from the same rings', async (t) => {
  const live = sink(liveSink, { max_series: 3 }, stage(folder(t))) as LiveSink;
  await live.open(undefined);
  const { batch, names } = batchOf(Array.from({ length: 10 }, (_, i) => ({ time: i * 1_000, series: i % 2 === 0 ? 'm{k="a"}' : 'm{k="b"}', value: i, columns: { score: i / 8 } })));
  await live.write('n', batch, names);
  const { board } = live;
  t.same(board.latest({ node: 'n', limit: 5 }), [
    { node: 'n', time: 9_000, series: 'm{k="b"}', value: 9, columns: { score: 1.125 } },
    { node: 'n', time: 8_000, series: 'm{k="a"}', value: 8, columns: { score: 1 } },
  ]);
  t.same(board.latest({ node: 'other', limit: 5 }), []);
  t.same(board.latest({ metric: 'm', limit: 1 }).length, 1);
  t.same(await board.history.nodes(), ['n']);
  t.same(await board.history.rows({ node: 'n', from: 2_000, to: 5_000, metric: 'm', labels: { k: 'a' }, limit: 10 }), [
    { time: 2_000, series: 'm{k="a"}', value: 2, columns: { score: 0.25 } },
    { time: 4_000, series: 'm{k="a"}', value: 4, columns: { score: 0.5 } },
  ]);
  t.same((await board.history.rows({ node: 'n', from: 0, to: 9_000, limit: 3 })).map((row) => row.time), [0, 1_000, 2_000]);
  t.same(await board.history.rows({ node: 'n', from: 0, to: 10_000, labels: { k: 'a' }, buckets: 2, limit: 10 }), [
    { time: 0, series: 'm{k="a"}', value: 2, columns: { score: 0.25, min: 0, max: 4 } },
    { time: 5_000, series: 'm{k="a"}', value: 7, columns: { score: 0.875, min: 6, max: 8 } },
  ]);
  const windows = batchOf([3, 1, 2].map((min, i) => ({ time: i, series: 'w', value: 5, columns: { min, max: min + 4 } })));
  await live.write('w', windows.batch, windows.names);
  t.same((await board.history.rows({ node: 'w', from: 0, to: 10, buckets: 1, limit: 10 }))[0]!.columns, { min: 1, max: 7 }, "the node's own extremes");
  await live.close();
});
