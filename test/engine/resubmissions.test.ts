import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Clock } from '../../engine/clock.js';
import { payloadOf, type DeadLetter, type ResubmitAttempt } from '../../engine/connector.js';
import { readDeadLetters } from '../../engine/dead-letter-files.js';
import { DeadLetters } from '../../engine/dead-letters.js';
import { Deferred } from '../../engine/deferred.js';
import { DEAD_LETTER_BYTES } from '../../engine/limits.js';
import { Resubmissions, type Take } from '../../engine/resubmissions.js';
import { HttpError } from '../../engine/routes.js';

const NOW = 1_700_000_000_000;
const clock: Clock = { now: () => NOW, elapsed: () => 0 };

/** Letters of a folder, and a connector that keeps what it is given. */
class Rig {
  readonly given: (ResubmitAttempt & { readonly payload: string; readonly letter: DeadLetter })[] = [];
  meets: () => Promise<void> = () => Promise.resolve();
  letters!: DeadLetters;
  again!: Resubmissions;

  async open(folder: string): Promise<this> {
    this.letters = await DeadLetters.open(folder, clock);
    const take: Take = (letter, attempt) => {
      this.given.push({ ...attempt, letter, payload: Buffer.from(payloadOf(letter)).toString('latin1') });
      return this.meets();
    };
    this.again = await Resubmissions.open(this.letters, clock, take);
    return this;
  }

  add(payload: string | Uint8Array): void {
    this.letters.add({ node: 'in', origin: 'x', reason: 'bad', payload, headers: { subject: 's' }, sequence: 3 });
  }

  async close(): Promise<void> {
    await this.again.close();
    await this.letters.close();
  }
}

await t.test('a letter is taken once, and tried again until then', async (t) => {
  const folder = t.testdir();
  const rig = await new Rig().open(folder);
  rig.add('one');
  rig.add(Buffer.of(0xff));
  rig.meets = () => Promise.reject(new Error('still bad'));
  await t.rejects(rig.again.resubmit(1), { why: 'refused', message: 'still bad' });
  t.match((await rig.letters.get(1))?.resubmission, { state: 'refused', at: NOW, reason: 'still bad' });
  rig.meets = () => Promise.reject(new HttpError(429, 'Full', 'the log is full'));
  await t.rejects(rig.again.resubmit(1), { why: 'refused', message: 'the log is full', cause: { status: 429 } });
  rig.meets = () => Promise.resolve();
  t.same(await rig.again.resubmit(1), { state: 'taken', at: NOW });
  await t.rejects(rig.again.resubmit(1), { why: 'taken', message: /was sent in again and taken at 2023-11-14T22:13:20.000Z/ });
  await rig.again.resubmit(2);
  await t.rejects(rig.again.resubmit(3), { why: 'unknown', message: 'there is no dead letter 3' });
  t.same(rig.given.map(({ key, repeated, payload }) => [key, repeated, payload]), [
    [`dead-letter-1-${NOW}`, false, 'one'],
    [`dead-letter-1-${NOW}`, true, 'one'],
    [`dead-letter-1-${NOW}`, true, 'one'],
    [`dead-letter-2-${NOW}`, false, '\xff'],
  ]);
  t.same(rig.given[0]!.letter, { node: 'in', origin: 'x', reason: 'bad', payload: 'one', headers: { subject: 's' }, sequence: 3 });
  await rig.close();

  const next = await new Rig().open(folder);
  await t.rejects(next.again.resubmit(1), { why: 'taken', message: /taken at/ }, 'after a restart too');
  await next.again.finish((message) => t.fail(message));
  t.same(next.given, [], 'nothing was left');
  next.add('three');
  t.same((await next.letters.list({ resubmitted: false })).map(({ id }) => id), [3]);
  t.same((await next.letters.list({ resubmitted: true })).map(({ id }) => id), [2, 1]);
  await next.close();
});

await t.test('with another payload; one that was cut only so', async (t) => {
  const rig = await new Rig().open(t.testdir());
  rig.add('x'.repeat(DEAD_LETTER_BYTES + 1));
  rig.add(Buffer.of(0xff));
  await t.rejects(rig.again.resubmit(1), { why: 'cut', message: /of the 4097 bytes of dead letter 1 only the first are kept: give the whole payload/ });
  t.same(rig.given, []);
  await rig.again.resubmit(1, Buffer.of(0xfe));
  await rig.again.resubmit(2, Buffer.from('text'));
  t.same(rig.given.map(({ payload, letter }) => [payload, letter.encoding]), [['\xfe', 'base64'], ['text', undefined]]);
  t.equal((await rig.letters.get(1))?.payload.length, DEAD_LETTER_BYTES, 'the letter stays what it was');
  await rig.close();
});

await t.test('one try at a time', async (t) => {
  const rig = await new Rig().open(t.testdir());
  rig.add('one');
  const done = new Deferred<void>();
  rig.meets = () => done.promise;
  const first = rig.again.resubmit(1);
  await t.rejects(rig.again.resubmit(1), { why: 'under way', message: /right now/ });
  let closed = false;
  const closing = rig.again.close().then(() => (closed = true));
  await new Promise(setImmediate);
  t.notOk(closed, 'what is under way is waited for');
  done.resolve();
  t.match(await first, { state: 'taken' });
  await closing;
  t.equal(rig.given.length, 1);
  await rig.letters.close();
});

await t.test('what a crash interrupts is finished at the next start, with the payload it was begun with', async (t) => {
  const folder = t.testdir();
  const crashed = await new Rig().open(folder);
  crashed.add('one');
  crashed.add('two');
  crashed.meets = () => new Promise(() => {});
  void crashed.again.resubmit(1);
  void crashed.again.resubmit(2, Buffer.from('mended'));
  while (crashed.given.length < 2) await new Promise(setImmediate);
  t.match(await readDeadLetters(folder), [{ id: 2, resubmission: { state: 'begun' } }, { id: 1, resubmission: { state: 'begun' } }], 'the intent is on disk before the connector sees the letter');
  // The result of a third was being written when the power went.
  await appendFile(join(folder, 'resubmitted.ndjson'), '{"id":1,"state":"ta');

  const next = await new Rig().open(folder);
  next.meets = () => Promise.reject(new Error('not now'));
  const failures: string[] = [];
  await next.again.finish((message) => failures.push(message));
  t.match(failures, [/dead letter 1 .*: not now/, /dead letter 2 .*: not now/]);
  t.same(next.given.map(({ key, repeated, payload }) => [key, repeated, payload]), [
    [`dead-letter-1-${NOW}`, true, 'one'],
    [`dead-letter-2-${NOW}`, true, 'mended'],
  ]);
  await next.close();

  const last = await new Rig().open(folder);
  await last.again.finish((message) => t.fail(message));
  t.same(last.given, [], 'it is known that they were refused');
  await last.again.resubmit(1);
  t.match(await last.letters.get(1), { resubmission: { state: 'taken' } });
  await last.close();
  t.equal((await readFile(join(folder, 'resubmitted.ndjson'), 'utf8')).split('\n').length, 5, 'begun anew: what is known of each, and two lines of a try');
});

await t.test('what is known of letters that are not kept is forgotten', async (t) => {
  const folder = t.testdir();
  const rig = await new Rig().open(folder);
  rig.add('one');
  await rig.again.resubmit(1);
  await rig.close();
  await appendFile(join(folder, 'resubmitted.ndjson'), '{"id":2,"state":"taken","at":1}\n');
  const next = await new Rig().open(folder);
  next.add('two');
  t.same(await next.again.resubmit(2), { state: 'taken', at: NOW }, 'its number was given to a letter that was lost with the power');
  await next.close();
});
