import t from 'tap';
import { Publisher as Encoder } from '../../publish/index.js';
import { NOW, Publisher } from './http-publisher.js';

const MINUTE = 60_000;

/** The frame of some rows of a series each, at times after NOW. */
async function frameOf(rows: readonly (readonly [name: string, after: number, value: number])[], framesPerDictionary = 1, frames = 1): Promise<Uint8Array> {
  let last!: Uint8Array;
  const encoder = new Encoder({ send: (frame) => void (last = frame), framesPerDictionary });
  for (let i = 0; i < frames; i++) {
    for (const [name, after, value] of rows) encoder.add(name, { host: 'a' }, NOW + after, value);
    await encoder.flush();
  }
  return last;
}

await t.test('a frame that is posted is in the log, and is read, also after a restart', async (t) => {
  const folder = t.testdir();
  let publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  t.same(await publisher.post('/api/metrics', await frameOf([['cpu', 0, 1.5], ['load', -5, 2]])), { status: 202, body: { accepted: 2 } });
  await publisher.post('/api/metrics', { metric_name: 'm', value: 3 });
  t.same(publisher.counts, { accepted: 3 });
  const wanted = ['0 cpu{host="a"} 1.5', '-5 load{host="a"} 2', '0 m 3'];
  t.same((await publisher.read()).rows, wanted);
  await publisher.source.close();

  publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  t.same((await publisher.read()).rows, wanted);
  await publisher.source.close();
});

await t.test('a frame is taken whole or not at all', async (t) => {
  const publisher = new Publisher(t.testdir(), { max_samples: 3, retention: '1h' });
  await publisher.source.open(undefined);
  const good = await frameOf([['cpu', 0, 1]]);

  const cut = await publisher.post('/api/metrics', good.subarray(0, 60));
  t.match(cut, { status: 400, body: { title: 'No sample can be accepted', detail: /^the frame says it has \d+ bytes, but 60 are there, at byte 4$/ } });
  t.match(publisher.letters[0], { origin: '10.0.0.7 POST /api/metrics', offset: 4, payload: Buffer.from(good.subarray(0, 60)).toString() });

  t.match(await publisher.post('/api/metrics', await frameOf([['cpu', 0, 1], ['cpu', 2 * MINUTE, 1]])), { status: 400, body: { detail: /time 2024-01-15T12:02:00.000Z is more than 60 s in the future: check the clock/ } });
  t.match(await publisher.post('/api/metrics', await frameOf([['cpu', 0, 1]], 9, 2)), { status: 400, body: { detail: /refers to the dictionary of an earlier one.*set framesPerDictionary to 1/ } });
  t.match(await publisher.post('/api/metrics', await frameOf(Array.from({ length: 4 }, (_, i) => ['cpu', i, i] as const))), { status: 413, body: { detail: /more than 3 samples/ } });
  t.match(await publisher.post('/api/sli-measurements', good), { status: 400, body: { detail: 'not UTF-8' } }, 'measurements have their own form');
  t.equal(publisher.letters.length, 4);
  t.match(await publisher.post('/api/metrics', await frameOf([['cpu', -61 * MINUTE, 1]])), { status: 202, body: { accepted: 1, warnings: [/older than 1h are followed, but the history does not keep them/] } });
  t.same((await publisher.read()).rows, [`${-61 * MINUTE} cpu{host="a"} 1`], 'nothing else');
  t.same(publisher.counts, { rejected: 4, accepted: 1, old: 1 });
  await publisher.source.close();
});
