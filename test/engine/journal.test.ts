import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Journal, type Decision } from '../../engine/journal.js';
import { faultyFiles, type Operation } from './faulty-files.js';
import { tinyDisk, tinyDiskNeeded } from '../tiny-disk.js';

const idle = (rows: number, source = 'in'): Decision => ({ type: 'idle', source, rows, watermark: rows * 10 });
const answer = (due: number): Decision => ({ type: 'answer', node: 'model', series: 'a', member: 'a', task: 'fit', asked: due - 5, due });
const horizon = (watermark: number): Decision => ({ type: 'horizon', watermark });

const open = (t: Test, folder: string, after = 0, replays = (source: string) => source === 'in') => Journal.open(folder, after, replays, { warn: (message) => t.fail(message), refused: (error) => t.fail(error) });

await t.test('decisions are read back in order, from a place on', async (t) => {
  const folder = t.testdir();
  let journal = await open(t, folder);
  t.same([journal.decisions, journal.place(0)], [[], 0]);
  await Promise.all([journal.record(idle(1)), journal.record(answer(20)), journal.record(idle(2))]);
  const place = journal.place(0);
  await journal.record(idle(3));
  t.equal(journal.place(0), place + 1);
  await journal.close();

  journal = await open(t, folder);
  t.same(journal.decisions, [idle(1), answer(20), idle(2), idle(3)]);
  await journal.close();
  journal = await open(t, folder, place);
  t.same(journal.decisions, [idle(3)]);
  await journal.record(idle(4));
  await journal.close();
  journal = await open(t, folder, place);
  t.same(journal.decisions, [idle(3), idle(4)], 'a run after a crash adds to them');
  await journal.close();
});

await t.test('its place is before how far a run before a crash may have come, until this one has come as far', async (t) => {
  const folder = t.testdir();
  const end = (source: string): Decision => ({ type: 'end', source });
  let journal = await open(t, folder);
  for (const decision of [horizon(50), horizon(90), end('in'), end('other')]) await journal.record(decision);
  t.equal(journal.place(0), 4, 'its own it has told itself');
  await journal.close();

  journal = await open(t, folder);
  t.equal(journal.place(49), 0);
  t.equal(journal.place(50), 1);
  await journal.record(horizon(55));
  t.equal(journal.place(89), 1, 'also where it has said less itself');
  await journal.close();
  journal = await open(t, folder, 1);
  t.equal(journal.horizon, 90, 'so the next run knows it, too');
  t.equal(journal.place(90), 2);
  await journal.record(end('other'));
  t.equal(journal.place(90), 2);
  await journal.record(end('in'));
  t.equal(journal.place(90), 7);
  await journal.close();
});

await t.test('its place is before what is still to be repeated', async (t) => {
  const folder = t.testdir();
  let journal = await open(t, folder);
  for (const decision of [idle(1), answer(20), idle(2), answer(40)]) await journal.record(decision);
  await journal.close();

  journal = await open(t, folder);
  const [first, second, third] = journal.decisions;
  t.equal(journal.place(0), 0);
  await journal.record(idle(9));
  journal.repeated(first!);
  t.equal(journal.place(0), 1, 'what is decided anew comes after it');
  journal.repeated(third!);
  t.equal(journal.place(0), 1);
  journal.repeated(second!);
  t.equal(journal.place(0), 3);
  t.equal(journal.place(40), 3, 'an answer that is due now may still be asked for');
  t.equal(journal.place(41), 5, 'one that was due before will not');
  await journal.close();

  journal = await open(t, folder, 1);
  t.same(journal.decisions, [answer(20), idle(2), answer(40), idle(9)]);
  await journal.close();
});

await t.test('of a source that can not give its rows again nothing is repeated, nor waited for', async (t) => {
  const folder = t.testdir();
  let journal = await open(t, folder);
  for (const decision of [idle(1, 'gone'), idle(2), idle(3, 'gone')]) await journal.record(decision);
  await journal.close();
  journal = await open(t, folder);
  t.same(journal.decisions, [idle(2)]);
  t.equal(journal.place(0), 1);
  journal.repeated(journal.decisions[0]!);
  t.equal(journal.place(0), 3);
  await journal.close();
});

await t.test('the horizon is the furthest of all', async (t) => {
  const folder = t.testdir();
  let journal = await open(t, folder);
  t.equal(journal.horizon, -Infinity);
  for (const decision of [horizon(100), horizon(300), horizon(200)]) await journal.record(decision);
  t.equal(journal.horizon, -Infinity, 'of runs before');
  await journal.close();
  journal = await open(t, folder);
  t.equal(journal.horizon, 300);
  t.equal(journal.place(300), 3);
  await journal.close();
});

await t.test('cut with the checkpoints it stays small', async (t) => {
  const folder = t.testdir();
  const journal = await open(t, folder);
  const size = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  let most = 0;
  for (let n = 0; n < 10; n++) {
    await Promise.all(Array.from({ length: 800 }, (_, i) => journal.record(idle(n * 800 + i, 'x'.repeat(10_000)))));
    await journal.drop(journal.place(0));
    most = Math.max(most, size());
  }
  t.ok(most < 40e6, `${Math.round(most / 1e6)} MB of 80 MB`);
  await journal.close();
});

await t.test('on a full disk it goes on with what was laid by, then refuses decisions until there is room', tinyDiskNeeded(), async (t) => {
  const disk = tinyDisk(t, 1024 * 1024);
  const folder = join(disk.folder, 'journal');
  mkdirSync(folder);
  const refused: string[] = [];
  const told = { warn: (message: string) => t.fail(message), refused: (error: Error) => refused.push(error.message) };
  let journal = await Journal.open(folder, 0, () => true, told);
  disk.fill();
  const written: Decision[] = [];
  for (let rows = 1; await journal.record(idle(rows)); rows++) written.push(idle(rows));
  t.ok(written.length > 1_000, `${written.length} decisions had been provided for`);
  t.match(refused, [/cannot be written: ENOSPC/]);
  t.equal(await journal.record(idle(0)), false);
  disk.makeRoom();
  t.equal(await journal.record(horizon(7)), true);
  await journal.close();

  journal = await Journal.open(folder, 0, () => true, told);
  t.same(journal.decisions, [...written, horizon(7)]);
  await journal.close();
});

await t.test('a decision that may be written or not ends the run: it can be neither taken nor left', async (t) => {
  const folder = t.testdir();
  const fails: Operation[] = [];
  const refused: string[] = [];
  const told = { warn: (message: string) => t.fail(message), refused: (error: Error) => refused.push(error.message) };
  let journal = await Journal.open(folder, 0, () => true, told, faultyFiles(fails));
  await journal.record(idle(1));
  fails.push('datasync');
  t.equal(await journal.record(idle(2)), false, 'it could be cut off');
  t.match(refused, [/cannot be written: EIO/]);
  fails.push('datasync', 'truncate');
  await t.rejects(journal.record(idle(3)), { name: 'EndUnknown' });
  await journal.close();
  journal = await Journal.open(folder, 0, () => true, told);
  t.same(journal.decisions, [idle(1), idle(3)]);
  await journal.close();
});
