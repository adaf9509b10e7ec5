import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { Book } from '../../connectors/feedback/book.js';
import { feedbackSource } from '../../connectors/feedback/source.js';
import { findingSchema, type Anomaly, type Feedback } from '../../engine/finding.js';
import { HttpError, type Routes } from '../../engine/routes.js';
import { anomaly as anomalyOf, folder, source, stage } from './stage.js';

const anomaly = (openedAt: number): Anomaly => anomalyOf({ id: `anomaly-${openedAt}`, openedAt }) as Anomaly;
const SAID = { verdict: 'false_positive', note: 'a backup', by: 'ann' } as const;

/** What is handed on next; nothing where nothing waits. */
async function next(book: Book): Promise<Feedback[]> {
  const read: Feedback[] = [];
  const signal = AbortSignal.abort();
  await book.read({ finding: (finding) => void read.push(finding as Feedback) }, signal);
  return read;
}

const brief = ({ anomaly: id, revision, state, verdict }: Feedback): string => `${id} ${revision} ${state} ${verdict}`;
/** The status of the refusal; 202 where it was taken. */
const answer = (taken: Promise<unknown>): Promise<unknown> => taken.then(() => 202, (error: unknown) => (error instanceof HttpError ? error.status : error));

await t.test('said, said otherwise, undone, said again: revisions of one finding, with who and when', async (t) => {
  const { context, clock, counts } = stage(folder(t), { node: 'people' });
  const book = new Book(context);
  t.equal(await answer(book.say(anomaly(1), SAID, 5_000)), 503);
  await book.open(0);
  const first = await book.say(anomaly(1), SAID, 5_000);
  t.strictSame(findingSchema.parse(first), first);
  t.match(first, { kind: 'feedback', operator: 'people', toldBy: 'odd', anomaly: 'anomaly-1', revision: 1, state: 'opened', series: 'cpu{host="a"}', openedAt: 1, time: 5_000, at: clock.time, note: 'a backup', by: 'ann', value: 97, lower: 40, upper: 50 });
  t.match(first.explanation, /^ann says that this is a false alarm: cpu is 97/);
  t.equal(await answer(book.say(anomaly(1), SAID, 5_000)), 409, 'twice the same');
  clock.time += 1_000;
  t.match(await book.say(anomaly(1), { verdict: 'true_positive', note: '', by: 'bob' }, 4_000), { revision: 2, state: 'grew', time: 5_000, at: clock.time }, 'time does not go back');
  t.match(await book.undo('anomaly-1', { note: 'who knows', by: 'cem' }, 6_000), { revision: 3, state: 'closed', verdict: 'true_positive', note: 'who knows', by: 'cem' });
  for (const id of ['anomaly-1', 'anomaly-2']) t.equal(await answer(book.undo(id, { note: '', by: 'cem' }, 6_000)), 409, 'nothing stands');
  t.match(await book.say(anomaly(1), SAID, 7_000), { revision: 4, state: 'opened' });
  t.equal(book.about('anomaly-1').length, 4);
  t.strictSame(book.about('anomaly-2'), []);
  t.strictSame((await next(book)).map(brief), ['anomaly-1 1 opened false_positive', 'anomaly-1 2 grew true_positive', 'anomaly-1 3 closed true_positive', 'anomaly-1 4 opened false_positive']);
  t.strictSame(await next(book), []);
  t.equal(counts.get('accepted'), 4);
  await book.close();
  t.equal(await answer(book.say(anomaly(2), SAID, 5_000)), 503);
});

await t.test('at the same time: each has a revision of its own', async (t) => {
  const book = new Book(stage(folder(t)).context);
  await book.open(0);
  const told = await Promise.all([book.say(anomaly(1), SAID, 0), book.undo('anomaly-1', SAID, 0), book.say(anomaly(1), { ...SAID, note: 'b' }, 0)]);
  t.strictSame(told.map(({ revision, state }) => `${revision} ${state}`), ['1 opened', '2 closed', '3 opened']);
  t.strictSame((await next(book)).map(({ revision }) => revision), [1, 2, 3]);
  await book.close();
});

await t.test('over restarts, each is handed on after its checkpoint, and the last are kept', async (t) => {
  const base = folder(t);
  let folders = 0;
  const step = fc.oneof({ weight: 5, arbitrary: fc.record({ say: fc.nat({ max: 4 }) }) }, { weight: 3, arbitrary: fc.constantFrom('read' as const, 'checkpoint' as const, 'restart' as const) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { context } = stage(join(base, String(folders++)));
      const most = 6;
      let book = new Book(context, { most });
      await book.open(0);
      let said: Feedback[] = [];
      /** Handed on; and of those, what the last checkpoint has. */
      let handed: Feedback[] = [];
      let saved = { position: 0, handed: 0 };
      for (const one of [...steps, 'restart' as const, 'read' as const]) {
        if (one === 'read') handed.push(...(await next(book)));
        else if (one === 'checkpoint') {
          saved = { position: book.position, handed: handed.length };
          await book.forget(book.position);
        } else if (one === 'restart') {
          await book.close();
          book = new Book(context, { most });
          await book.open(saved.position);
          handed = handed.slice(0, saved.handed);
        } else {
          const id = `anomaly-${one.say}`;
          const stands = said.findLast((each) => each.anomaly === id)?.state;
          said = [...said, await (stands === undefined || stands === 'closed' ? book.say(anomaly(one.say), SAID, 0) : book.undo(id, SAID, 0))];
        }
      }
      t.strictSame(handed.map(brief), said.map(brief), 'all, once');
      for (let n = 0; n < 5; n++) {
        const kept = said.slice(-most).filter((each) => each.anomaly === `anomaly-${n}`);
        t.strictSame(book.about(`anomaly-${n}`).slice(-kept.length || Infinity).map(brief), kept.map(brief));
      }
      await book.close();
    }),
    { numRuns: 60 },
  );
});

await t.test('what fails to be written was not said', async (t) => {
  const { context } = stage(folder(t));
  const book = new Book(context, { bytes: 8_192 });
  await book.open(0);
  await book.say(anomaly(1), SAID, 0);
  const huge = { ...SAID, note: 'x'.repeat(10_000) };
  t.equal(await answer(book.say(anomaly(2), huge, 0)), 429);
  t.equal(await answer(book.undo('anomaly-2', SAID, 0)), 409);
  t.match(await book.say(anomaly(2), SAID, 0), { revision: 1 });
  await book.close();
});

await t.test('the source waits for what is said; in a replay it ends at once', async (t) => {
  const on = stage(folder(t), { routes: {} as Routes });
  const from = source(feedbackSource, {}, on);
  await from.open(undefined);
  const read: string[] = [];
  const into = { add: () => false, finding: (finding: object) => void read.push(brief(finding as Feedback)), length: 0 };
  const reading = from.read(into, 10, new AbortController().signal);
  await from.feedback!.say(anomaly(1), SAID, 0);
  t.strictSame(await reading, { position: 1 });
  t.strictSame(read, ['anomaly-1 1 opened false_positive']);
  const stop = new AbortController();
  const waiting = from.read(into, 10, stop.signal);
  stop.abort();
  t.strictSame(await waiting, { position: 1 });
  await from.commit!(1);
  await from.close();

  const replayed = source(feedbackSource, {}, stage(folder(t)));
  await replayed.open(undefined);
  t.match(await replayed.read(into, 10, new AbortController().signal), { ended: true });
  await replayed.close();
});
