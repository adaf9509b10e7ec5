import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { PostDecoder } from '../../connectors/http/post-decoder.js';
import type { Post } from '../../connectors/http/post.js';
import { SampleLog } from '../../connectors/http/sample-log.js';
import { DiskLog } from '../../engine/disk-log.js';
import { Publisher as Encoder } from '../../publish/index.js';
import { contextOf, NOW, Publisher } from './http-publisher.js';

/** A log whose posts are lines `m value=N`, counted up. */
class Counting {
  readonly rows: number[] = [];
  readonly #decoder = new PostDecoder();
  readonly #log: SampleLog;
  /** What was posted; what was answered. */
  posted: number;
  readonly answered: Promise<void>[] = [];

  constructor(folder: string, first: number, waitingRows: number) {
    this.posted = first;
    this.#log = new SampleLog(contextOf(folder), this.#decoder, waitingRows);
  }

  open(position: number): Promise<void> {
    return this.#log.open(1e9, position);
  }

  get position(): number {
    return this.#log.position;
  }

  post(samples: number): void {
    const body = Buffer.from(Array.from({ length: samples }, () => `m value=${this.posted++}`).join('\n'));
    const post: Post & { form: 'influx' } = { form: 'influx', precision: 'ns', at: NOW, body };
    this.answered.push(this.#log.keep(post, this.#decoder.decode(post).rows));
  }

  async read(limit: number): Promise<void> {
    let length = 0;
    const into = {
      add: (_: number, __: string, value: number) => this.rows.push(value) > 0 && (length += 1) > 0,
      finding: () => {},
      get length() {
        return length;
      },
    };
    await this.#log.read(into, limit, new AbortController().signal);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

await t.test('posts are handed on once, in order, from memory or from the disk, over restarts', async (t) => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ post: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 3, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.constant('answered' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  let folders = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 8 }), async (steps, waitingRows) => {
      const folder = join(t.testdir(), String(folders++));
      let log = new Counting(folder, 0, waitingRows);
      await log.open(0);
      const rows: number[] = [];
      for (const step of [...steps, 'restart' as const]) {
        if (step === 'answered') await Promise.all(log.answered);
        else if (step === 'restart') {
          await log.close();
          rows.push(...log.rows);
          const next = new Counting(folder, log.posted, waitingRows);
          await next.open(log.position);
          log = next;
        } else if ('post' in step) log.post(step.post);
        else if (rows.length + log.rows.length < log.posted) await log.read(step.read);
      }
      while (rows.length + log.rows.length < log.posted) await log.read(3);
      t.same([...rows, ...log.rows], Array.from({ length: log.posted }, (_, i) => i));
      await log.close();
    }),
    { numRuns: 100 },
  );
});

await t.test('a log of 0.1.0 is read', async (t) => {
  const folder = t.testdir();
  const log = await DiskLog.open(join(folder, 'log'), { limit: 1e6 });
  await log.append(Buffer.from(JSON.stringify([NOW, 'a{b="c"}', 1.5, NOW - 1, 'd', 'NaN'])));
  const encoder = new Encoder({ send: async (frame) => void (await log.append(frame)), framesPerDictionary: 1 });
  encoder.add('cpu', { host: 'a' }, NOW, 2);
  await encoder.flush();
  await log.close();
  const publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  t.same((await publisher.read()).rows, ['0 a{b="c"} 1.5', '-1 d NaN', '0 cpu{host="a"} 2']);
  await publisher.source.close();
});
