import t from 'tap';
import type { DeadLetter } from '../../engine/connector.js';
import { shortened } from '../../engine/dead-letter-files.js';
import { Publisher as Encoder } from '../../publish/index.js';
import { NOW, Publisher } from './http-publisher.js';

/** A letter as the engine gives it back, with another payload. */
function letterOf(publisher: Publisher, index: number, payload?: string | Uint8Array): DeadLetter {
  const letter = publisher.letters[index]!;
  return shortened({ node: 'posted', ...letter, payload: payload ?? letter.payload });
}
const first = { key: 'dead-letter-1-0', repeated: false };

await t.test('what was refused is taken again in the form that it had', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  await publisher.post('/api/metrics', [{ metric_name: 'm', value: '1' }]);
  await publisher.post('/api/metrics', '{"metric_name":"m"}\n{"metric_name":"m","value":1}\n', 'application/x-ndjson');
  await publisher.post('/write', `m value=x ${NOW / 1000}`, undefined, 'precision=s');
  await publisher.post('/api/metrics', 'm x', 'text/plain; version=0.0.4');
  await publisher.post('/api/metrics', 'm 1 x\n# EOF\n', 'application/openmetrics-text');
  await publisher.post('/api/sli-measurements', { sli_name: '', value: 1 });
  let frame!: Uint8Array;
  const encoder = new Encoder({ send: (bytes) => void (frame = bytes), framesPerDictionary: 1 });
  encoder.add('cpu', {}, NOW, 6);
  await encoder.flush();
  await publisher.post('/api/metrics', frame.subarray(0, 60), 'application/vnd.millrace.frame');
  const mended: (string | Uint8Array)[] = ['{"metric_name":"m","value":1}', '{"metric_name":"m","value":2}', `m value=3 ${NOW / 1000 - 1}`, 'm 4', 'm 5 1705320000\n# EOF', '{"sli_name":"s","value":1}', frame];
  t.equal(publisher.letters.length, mended.length);
  t.match((await publisher.read()).rows, ['0 m 1'], 'the line of NDJSON that was good');
  for (const [i, payload] of mended.entries()) {
    await t.rejects(publisher.source.resubmit!(letterOf(publisher, i), first), Error, 'it is as bad as before');
    await publisher.source.resubmit!(letterOf(publisher, i, payload), { key: `dead-letter-${i}-0`, repeated: false });
  }
  t.same((await publisher.read()).rows, ['0 m 1', '0 m 2', '-1000 m 3', '0 m 4', '0 m 5', '0 sli_measurement{sli_name="s"} 1', '0 cpu 6']);
  await publisher.source.close();
});

await t.test('all of it or nothing, with the reason', async (t) => {
  const publisher = new Publisher(t.testdir(), { max_samples: 3 });
  await publisher.source.open(undefined);
  await publisher.post('/write', 'm value=x');
  const again = (payload: string) => publisher.source.resubmit!(letterOf(publisher, 0, payload), first);
  await t.rejects(again('m value=1\nm value=y'), { message: /^line 2, byte 8: "y" is no number/ });
  await t.rejects(again('# a comment'), { message: 'there is no sample in it' });
  await t.rejects(again('m value=1\n'.repeat(4)), { message: 'Too many samples' });
  await t.rejects(publisher.source.resubmit!({ node: 'posted', origin: 'x', reason: 'in the future', payload: '{}' }, first), { message: /does not say what form it has/ });
  await again('m value=1\nm value=2');
  t.same((await publisher.read()).rows, ['0 m 1', '0 m 2']);
  t.equal(publisher.letters.length, 1, 'a letter that is refused again is no new letter');
  await publisher.source.close();
});

await t.test('what was taken before a crash, and not known to be, is not taken twice', async (t) => {
  const folder = t.testdir();
  let publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  await publisher.post('/write', 'm value=x');
  const letter = letterOf(publisher, 0, 'm value=1');
  await publisher.source.resubmit!(letter, first);
  for (let i = 2; i < 5; i++) await publisher.post('/write', `m value=${i}`);
  await publisher.source.close();

  publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  await publisher.source.resubmit!(letter, { ...first, repeated: true });
  await publisher.source.resubmit!(letter, { key: 'dead-letter-2-0', repeated: true });
  const rows: string[] = [];
  while (rows.length < 5) rows.push(...(await publisher.read()).rows);
  t.same(rows, ['0 m 1', '0 m 2', '0 m 3', '0 m 4', '0 m 1']);
  await publisher.source.close();
});
