import t from 'tap';
import { captured, captureSink } from '../../connectors/capture/sink.js';
import { countSink, totals } from '../../connectors/count/sink.js';
import { logSink } from '../../connectors/log/sink.js';
import { anomaly, batchOf, sink, stage } from './stage.js';

const { batch, names } = batchOf([
  { time: 1_000, series: 'm{a="x"}', value: 1, columns: { mean: 10, score: NaN } },
  { time: 2_000, series: 'm{a="y"}', value: 2, columns: { mean: 20, score: 0.5 } },
]);

t.test('count: rows, sums and findings by node, also across a restart', async (t) => {
  const on = stage('.', { node: 'total' });
  t.throws(() => totals('nobody'), /no count sink nobody was opened/);
  const first = sink(countSink, {}, on);
  await first.open(undefined);
  await first.write('w', batch, names);
  await first.receive!('odd', anomaly());
  const position = JSON.parse(JSON.stringify(await first.flush(1)));
  await first.write('w', batch, names);
  t.equal(totals('total').get('w')!.rows, 4);

  const second = sink(countSink, {}, on);
  await second.open(position);
  t.equal(totals('total').get('w')!.rows, 2, 'what came after the checkpoint is forgotten');
  await second.write('w', batch, names);
  await second.receive!('odd', anomaly());
  t.same(Object.fromEntries(totals('total')), {
    w: { rows: 4, columns: { value: { sum: 6, missing: 0 }, mean: { sum: 60, missing: 0 }, score: { sum: 1, missing: 2 } }, findings: {} },
    odd: { rows: 0, columns: {}, findings: { anomaly: 2 } },
  });
  await second.close();
  t.match(on.logged[0], { msg: 'w: 4 rows', node: 'w', rows: 4 });
});

t.test('capture keeps rows, findings and watermarks, up to its limit', async (t) => {
  const on = stage('.', { node: 'kept' });
  t.throws(() => captured('kept'), /no capture sink kept was opened/);
  const first = sink(captureSink, { limit: 5 }, on);
  await first.open(undefined);
  await first.write('odd', batch, names);
  await first.receive!('odd', anomaly());
  await first.advance!(2_000);
  const position = await first.flush(1);
  t.same(captured('kept').rows[1], { node: 'odd', time: 2_000, series: 'm{a="y"}', value: 2, flags: 0, columns: { mean: 20, score: 0.5 } });
  await first.write('odd', batch, names);
  await t.rejects(first.write('odd', batch, names), /more than 5 rows/);
  await first.close();
  t.ok(captured('kept').closed);

  const second = sink(captureSink, {}, on);
  await second.open(position);
  const { rows, findings, watermarks, closed } = captured('kept');
  t.same([rows.length, findings.length, watermarks, closed], [2, 1, [2_000], false], 'a run that goes on forgets what came after the checkpoint');
  await sink(captureSink, {}, on).open(undefined);
  t.equal(captured('kept').rows.length, 0, 'a new one begins anew');
});

t.test('log: a line for each finding, and for rows where asked', async (t) => {
  const on = stage('.');
  const quiet = sink(logSink, {}, on);
  await quiet.write('odd', batch, names);
  await quiet.receive!('odd', anomaly());
  await quiet.receive!('odd', anomaly({ state: 'closed', revision: 2 }));
  t.match(on.logged, [
    { level: 40, msg: 'cpu is 97, expected 45', node: 'odd', kind: 'anomaly', severity: 'high', series: 'cpu{host="a"}', time: '1970-01-01T00:00:01.000Z' },
    { level: 30, state: 'closed' },
  ]);
  t.equal(on.logged.length, 2);
  await sink(logSink, { rows: true }, on).write('odd', batch, names);
  t.match(on.logged.slice(2), [{ msg: 'row', series: 'm{a="x"}', value: 1, mean: 10 }, { series: 'm{a="y"}', score: 0.5 }]);
});
