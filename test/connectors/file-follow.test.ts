import { appendFileSync, copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type { Position, Source } from '../../engine/connector.js';
import { fileSource } from '../../connectors/file/source.js';
import { Basket, folder, readSome, source, stage, type Stage } from './stage.js';

const config = { path: '*.ndjson*', follow: true, poll: '10ms', file_label: '' };

const line = (value: number): string => `{"time":${value},"metric":"m","value":${value}}\n`;

async function opened(on: Stage, from?: Position): Promise<Source> {
  const following = source(fileSource, config, on);
  await following.open(from);
  return following;
}

async function values(following: Source, count: number): Promise<number[]> {
  return (await readSome(following, count)).samples.map((sample) => sample[2]);
}

t.test('appended lines are read when they are whole', async (t) => {
  const on = stage(folder(t));
  const path = join(on.context.base, 'a.ndjson');
  writeFileSync(path, line(1) + line(2).slice(0, 10));
  const following = await opened(on);
  t.same(await values(following, 1), [1]);
  const more = values(following, 2);
  appendFileSync(path, line(2).slice(10) + line(3));
  t.same(await more, [2, 3]);
  const gone = new AbortController();
  const waiting = following.read(new Basket(), 10, gone.signal);
  gone.abort();
  t.notOk((await waiting).ended, 'it ends a wait when told, and has not ended');
  await following.close();
  t.same(on.letters, []);
});

t.test('a file that is rotated is read to its end, then its successor', async (t) => {
  const on = stage(folder(t));
  const path = join(on.context.base, 'a.ndjson');
  writeFileSync(path, line(1));
  const following = await opened(on);
  t.same(await values(following, 1), [1]);
  appendFileSync(path, line(2) + line(3).trimEnd());
  renameSync(path, join(on.context.base, 'a.1'));
  writeFileSync(path, line(4));
  t.same(await values(following, 3), [2, 3, 4], 'its last line needs no line end');
  truncateSync(path);
  const cut = values(following, 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  appendFileSync(path, line(5));
  t.same(await cut, [5], 'one that was cut is read from its beginning');
  await following.close();
});

t.test('new files of the pattern are found, and gzip is read once', async (t) => {
  const on = stage(folder(t));
  const following = await opened(on);
  const some = values(following, 3);
  writeFileSync(join(on.context.base, 'b.ndjson'), line(1));
  writeFileSync(join(on.context.base, 'c.part'), gzipSync(line(2) + line(3)));
  renameSync(join(on.context.base, 'c.part'), join(on.context.base, 'c.ndjson.gz'));
  t.same((await some).sort((a, b) => a - b), [1, 2, 3]);
  await following.close();
});

t.test('rotated while nothing ran: the rest of the old file comes first', async (t) => {
  const on = stage(folder(t));
  const path = join(on.context.base, 'a.ndjson');
  writeFileSync(path, line(1) + line(2) + line(3));
  const first = await opened(on);
  const { position } = await readSome(first, 2);
  await first.close();
  copyFileSync(path, join(on.context.base, 'other.log'));
  renameSync(path, join(on.context.base, 'a.1'));
  writeFileSync(join(on.context.base, 'a.0'), 'another file');
  writeFileSync(path, line(4));
  const second = await opened(on, position);
  t.same(await values(second, 2), [3, 4]);
  const after = await readSome(await appended(second, path, 5), 1);
  t.same(after.samples.map((sample) => sample[2]), [5], 'and the new one is followed');
  await second.close();

  writeFileSync(join(on.context.base, 'lost'), '');
  renameSync(join(on.context.base, 'lost'), path);
  appendFileSync(path, line(6));
  const third = await opened(on, after.position);
  t.same(await values(third, 1), [6]);
  t.equal(on.counts.get('rotated_files_lost'), 1, 'where the old file is gone it is told');
  await third.close();
});

async function appended(following: Source, path: string, value: number): Promise<Source> {
  appendFileSync(path, line(value));
  return Promise.resolve(following);
}

t.test('stopped between the two steps of a rotation', async (t) => {
  for (const pattern of ['*.ndjson', 'a.ndjson']) {
    const on = stage(folder(t));
    const path = join(on.context.base, 'a.ndjson');
    writeFileSync(path, line(1) + line(2) + line(3));
    const config = { path: pattern, follow: true, poll: '10ms' };
    const first = source(fileSource, config, on);
    await first.open(undefined);
    const { position } = await readSome(first, 1);
    await first.close();
    renameSync(path, join(on.context.base, 'a.1'));
    const second = source(fileSource, config, on);
    await second.open(position);
    t.same(await values(second, 2), [2, 3], 'the rest of the old file');
    const next = values(second, 1);
    writeFileSync(path, line(4));
    t.same(await next, [4], 'then the new one when it is there');
    await second.close();
  }
});

t.test('a new file that can not be read is a dead letter, and the others go on', async (t) => {
  const on = stage(folder(t));
  writeFileSync(join(on.context.base, 'a.csv'), 'time,value\n1,1\n');
  const following = source(fileSource, { path: '*.csv', follow: true, poll: '10ms' }, on);
  await following.open(undefined);
  t.same(await values(following, 1), [1]);
  writeFileSync(join(on.context.base, 'b.csv'), 'at,count\n1,1\n');
  const next = values(following, 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  appendFileSync(join(on.context.base, 'a.csv'), '2,2\n');
  t.same(await next, [2]);
  t.match(on.letters, [{ origin: 'b.csv', reason: /no column "time"; its columns are "at", "count"/ }]);
  await following.close();
});

t.test('a replay does not follow', async (t) => {
  const on = stage(folder(t), { replay: true });
  writeFileSync(join(on.context.base, 'a.ndjson'), line(1).trimEnd());
  const replayed = await opened(on);
  const basket = new Basket();
  t.equal((await replayed.read(basket, 10, new AbortController().signal)).ended, true);
  t.equal(basket.length, 1);
});
