import { appendFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Clock } from '../../engine/clock.js';
import { readDeadLetters } from '../../engine/dead-letter-files.js';
import { DeadLetters } from '../../engine/dead-letters.js';
import { DEAD_LETTER_BYTES, DEAD_LETTERS_KEPT } from '../../engine/limits.js';

function handClock(): Clock & { time: number } {
  const clock = { time: 0, now: () => 1_700_000_000_000 + clock.time, elapsed: () => clock.time };
  return clock;
}
const letter = (reason: string, payload = '{}') => ({ node: 'http', origin: '127.0.0.1', reason, payload });

await t.test('letters are listed newest first, by page, node and reason, while running and from disk', async (t) => {
  const folder = t.testdir();
  const clock = handClock();
  let letters = await DeadLetters.open(folder, clock);
  for (let i = 1; i <= 5; i++) {
    clock.time += 1000;
    letters.add({ ...letter(`value ${i} is not a number`), offset: i });
  }
  letters.add({ ...letter('no metric name'), node: 'file' });
  t.same(
    (await letters.list({ limit: 2 })).map(({ id }) => id),
    [6, 5],
  );
  t.same(
    (await letters.list({ before: 5, node: 'http' })).map(({ id }) => id),
    [4, 3, 2, 1],
  );
  t.same((await letters.list({ reason: 'value 2' }))[0], { id: 2, at: 1_700_000_002_000, node: 'http', origin: '127.0.0.1', reason: 'value 2 is not a number', offset: 2, payload: '{}' });
  await letters.close();

  await appendFile(join(folder, '1.ndjson'), '{"id":7,"rea');
  letters = await DeadLetters.open(folder, clock);
  letters.add(letter('after a crash'));
  await letters.close();
  t.same(
    (await readDeadLetters(folder)).map(({ id }) => id),
    [7, 6, 5, 4, 3, 2, 1],
  );
  t.same(await readDeadLetters(join(folder, 'nothing')), []);
});

await t.test('they are counted by reason, without the numbers and names in it', async (t) => {
  const letters = await DeadLetters.open(t.testdir(), handClock());
  for (let i = 0; i < 3; i++) letters.add(letter(`metric name "m ${i}" is ${i}.5 characters long`));
  for (let i = 0; i < 400; i++) letters.add(letter(`reason ${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}`));
  t.equal(letters.counts().get('metric name "…" is N characters long'), 3);
  t.equal(letters.counts().size, 201, 'a bound on reasons');
  t.equal(letters.counts().get('other'), 400 - 199);
  await letters.close();
});

await t.test('a flood is kept as a sample and counted whole', async (t) => {
  const folder = t.testdir();
  const clock = handClock();
  const letters = await DeadLetters.open(folder, clock);
  for (let i = 0; i < 5000; i++) letters.add(letter('bad'));
  t.equal(letters.counts().get('bad'), 5000);
  t.equal(letters.notKept, 4000);
  clock.time += 500;
  for (let i = 0; i < 100; i++) letters.add(letter('bad'));
  t.equal(letters.notKept, 4050);
  await letters.close();
  t.equal((await readDeadLetters(folder, { limit: 10_000 })).length, 1050);
});

await t.test('the oldest are removed, over restarts too', async (t) => {
  const folder = t.testdir();
  const clock = handClock();
  for (let run = 0; run < 4; run++) {
    const letters = await DeadLetters.open(folder, clock);
    for (let i = 0; i < 4600; i++) {
      clock.time += 10;
      letters.add(letter('bad'));
      if (i % 1000 === 0) await letters.list({ limit: 1 });
    }
    t.equal(letters.notKept, 0);
    await letters.close();
  }
  const left = await readDeadLetters(folder, { limit: Infinity });
  t.equal(left[0]!.id, 18_400);
  t.ok(left.length >= DEAD_LETTERS_KEPT && left.length <= DEAD_LETTERS_KEPT + 1000, `${left.length} are left`);
  t.ok((await readdir(folder)).length <= 11);
});

await t.test('of a long payload the first bytes are kept, never half a character', async (t) => {
  const letters = await DeadLetters.open(t.testdir(), handClock());
  const payload = `x${'é'.repeat(DEAD_LETTER_BYTES)}`;
  letters.add(letter('too long', payload));
  const [kept] = await letters.list();
  t.equal(kept?.payload, `x${'é'.repeat(DEAD_LETTER_BYTES / 2 - 1)}`);
  t.equal(kept?.bytes, Buffer.byteLength(payload));
  await letters.close();
});

await t.test('a disk that fails costs letters, not the engine, and is told once', async (t) => {
  const folder = t.testdir();
  const warnings: string[] = [];
  const letters = await DeadLetters.open(folder, handClock(), (message) => warnings.push(message));
  await rm(folder, { recursive: true });
  await writeFile(folder, 'a file where the folder was');
  letters.add(letter('a'));
  letters.add(letter('b'));
  await letters.close();
  t.equal(letters.notKept, 2);
  t.match(warnings, [/^dead letters are counted but not kept: Error: ENOTDIR/]);
  t.equal(warnings.length, 1);
  await rm(folder);
});
