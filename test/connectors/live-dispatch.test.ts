import t from 'tap';
import { liveSink } from '../../connectors/live/sink.js';
import type { LiveSink } from '../../connectors/live/live-sink.js';
import { Filter } from '../../connectors/live/protocol.js';
import { RowDispatch } from '../../connectors/live/row-dispatch.js';
import { RowRings, type Ring } from '../../connectors/live/row-rings.js';
import { PuppetRoutes, PuppetSocket } from './live-harness.js';
import { batchOf, folder, sink, stage } from './stage.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Counts how often it is told, and of what it was to forget. */
class Ear {
  told = 0;
  readonly forgotten: string[] = [];
  tell(): void {
    this.told += 1;
  }
  forget(ring: Ring): void {
    this.forgotten.push(ring.text);
  }
}

function board(maxSeries = 100) {
  const rings = new RowRings({ maxSeries, budget: 1e6, onRow: (ring) => dispatch.touch(ring), onForget: (ring) => dispatch.forget(ring) });
  const dispatch = new RowDispatch(rings);
  let time = 0;
  const write = (...series: string[]): void => {
    const { batch, names } = batchOf(series.map((name) => ({ time: time++, series: name, value: 1 })));
    rings.add('n', batch, names, 0);
  };
  return { dispatch, write };
}

const of = (k: string) => new Filter({ labels: { k } });

await t.test('who was quiet is told at once, who was told just now with the next tick, once for all that came', async (t) => {
  const { dispatch, write } = board();
  const ear = new Ear();
  dispatch.join(of('a'), ear);
  write('m{k="a"}');
  write('m{k="a"}');
  await turn();
  t.equal(ear.told, 1, 'in the same turn, together');
  for (let i = 0; i < 50; i++) {
    write('m{k="a"}');
    await turn();
  }
  const told = ear.told;
  t.ok(told < 40, `${told} times for 50 writes in as many turns`);
  write('m{k="a"}');
  while (ear.told === told) await turn();
  dispatch.close();
});

await t.test('only those are told who asked for the series, whether they or the series came first', async (t) => {
  const { dispatch, write } = board();
  const [before, same, other, all, after] = [new Ear(), new Ear(), new Ear(), new Ear(), new Ear()];
  dispatch.join(new Filter({ labels: { k: 'a', l: 'x' }, metric_name: 'm' }), before);
  dispatch.join(new Filter({ metric_name: 'm', labels: { l: 'x', k: 'a' } }), same);
  dispatch.join(of('b'), other);
  dispatch.join(new Filter(), all);
  write('m{k="a",l="x"}');
  dispatch.join(of('a'), after);
  await turn();
  t.same([before, same, other, all, after].map((ear) => ear.told), [1, 1, 0, 1, 1]);
  dispatch.leave(of('a'), after);
  dispatch.leave(new Filter(), all);
  write('m{k="a",l="x"}', 'm{k="b"}');
  dispatch.close();
  t.same([before, same, other, all, after].map((ear) => ear.told), [2, 2, 1, 1, 1], 'who has left hears nothing, and the end is told without a tick between');
});

await t.test('a series that is given up is told to those who asked for it', async (t) => {
  const { dispatch, write } = board(1);
  const [a, b] = [new Ear(), new Ear()];
  dispatch.join(of('a'), a);
  dispatch.join(of('b'), b);
  write('m{k="a"}');
  await turn();
  write('m{k="b"}');
  t.same([a.forgotten, b.forgotten], [['m{k="a"}'], []]);
  dispatch.close();
  t.equal(a.told, 2, 'it hears that the series is gone');
});

await t.test('rows that came just before the graph ends are sent before the socket closes', async (t) => {
  const routes = new PuppetRoutes();
  const live = sink(liveSink, {}, stage(folder(t), { routes })) as LiveSink;
  await live.open(undefined);
  const socket = new PuppetSocket();
  routes.handler.open!(socket);
  routes.handler.message(socket, JSON.stringify({ type: 'subscribe', id: '1', channel: 'metrics' }));
  socket.take();
  const write = async (time: number) => {
    const { batch, names } = batchOf([{ time, series: 'x', value: time }]);
    await live.write('n', batch, names);
  };
  await write(1);
  await turn();
  await write(2);
  await live.close();
  t.match(socket.take(), [{ type: 'message', rows: [[0, 1, 1]] }, { type: 'message', rows: [[0, 2, 2]] }]);
  t.equal(socket.closedWith?.code, 1012);
});
