import fc from 'fast-check';
import t from 'tap';
import { STALE } from '../../engine/batch.js';
import { makeSeries, seriesText } from '../../engine/series.js';
import select from '../../operators/select/definition.js';
import { runReference } from '../kit/reference.js';
import { parseMessages } from '../kit/text.js';

await t.test('what a series becomes', async (t) => {
  const become = (config: Record<string, unknown>, text: string, labels: Record<string, string> = {}): readonly string[] =>
    select.series!(select.config.parse(config))(makeSeries(text, labels), 0).map(({ series }) => seriesText(series.name, series.labels));
  t.strictSame(become({}, 'cpu', { mode: 'idle' }), ['cpu{mode="idle"}']);
  t.strictSame(become({ where: 'cpu{mode!="idle"}' }, 'cpu', { mode: 'idle' }), []);
  t.strictSame(become({ where: '{mode=~"us.*"}', rename: 'busy' }, 'cpu', { mode: 'user' }), ['busy{mode="user"}']);
  t.strictSame(become({ labels: { zone: 'a', mode: '' } }, 'cpu', { mode: 'user', host: 'x' }), ['cpu{host="x",zone="a"}']);
});

await t.test('a config that can never be meant is refused', async (t) => {
  const problem = (config: unknown): string | undefined => select.config.safeParse(config).error?.issues[0]?.message;
  t.match(problem({ where: 'cpu{mode}' }), /at offset 8: expected one of/);
  t.match(problem({ rename: 'two words' }), /does not match/);
  t.match(problem({ labels: { '1st': 'x' } }), /label name/);
  t.match(problem({ form: 'cpu' }), /[Uu]nrecognized key/);
});

await t.test('rows pass unchanged, with their further columns and stale markers', async (t) => {
  const lines = ['1s a{keep="yes"} 1 score=0.5', '2s a{keep="no"} 2 score=0.6', '3s a{keep="yes"} stale score=0', '2s a{keep="yes"} 4 score=0.7'];
  const outcome = runReference(select, select.config.parse({ where: '{keep="yes"}' }), parseMessages(lines));
  t.strictSame(
    outcome.rows.map(({ time, series, flags, columns }) => [time, series, flags, columns]),
    [
      [1_000, 'a{keep="yes"}', 0, { score: 0.5 }],
      [3_000, 'a{keep="yes"}', STALE, { score: 0 }],
      [2_000, 'a{keep="yes"}', 0, { score: 0.7 }],
    ],
  );
});

await t.test('labels stay sorted, and what is empty is gone', async () => {
  const labels = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.stringMatching(/^[a-z]{0,2}$/), { maxKeys: 6 });
  fc.assert(
    fc.property(labels, labels, (before, changes) => {
      const [derived] = select.series!({ labels: changes })(makeSeries('m', before), 0);
      const expected = makeSeries('m', { ...makeSeries('m', before).labels, ...changes });
      return seriesText(derived!.series.name, derived!.series.labels) === seriesText('m', expected.labels) && Object.keys(derived!.series.labels).join() === Object.keys(expected.labels).join();
    }),
  );
});
