import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FrameDecoder } from '../../connectors/payload/frame.js';
import { Publisher, type PublisherOptions, type Timers } from '../../publish/index.js';

/** Timers that go when they are told to. */
class Hand implements Timers {
  #now = 0;
  readonly #waiting = new Map<object, { readonly act: () => void; readonly at: number }>();

  setTimeout(act: () => void, ms: number): unknown {
    const timer = {};
    this.#waiting.set(timer, { act, at: this.#now + ms });
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#waiting.delete(timer as object);
  }

  get size(): number {
    return this.#waiting.size;
  }

  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const next = [...this.#waiting].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting.delete(next[0]);
      this.#now = next[1].at;
      next[1].act();
    }
    this.#now = until;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A publisher and all that it sent, by id. */
class Line {
  readonly hand = new Hand();
  readonly sent: { readonly frame: Uint8Array; readonly id: string }[] = [];
  readonly errors: [message: string, lost: number][] = [];
  readonly publisher: Publisher;
  /** What the next sends answer. */
  readonly answers: (Error | (() => Promise<void>))[] = [];

  constructor(options: Partial<PublisherOptions> = {}) {
    this.publisher = new Publisher({
      send: (frame, id) => {
        const answer = this.answers.shift();
        if (answer instanceof Error) throw answer;
        this.sent.push({ frame: frame.slice(), id });
        return answer?.();
      },
      onError: (error, lost) => this.errors.push([(error as Error).message, lost]),
      timers: this.hand,
      id: new Uint8Array(8).fill(1),
      ...options,
    });
  }

  /** Rows of each frame sent, read by one decoder. */
  rows(): string[][] {
    const decoder = new FrameDecoder();
    return this.sent.map(({ frame }) => {
      const rows: string[] = [];
      decoder.open(frame).addTo({ add: (time, series, value) => rows.push(`${time} ${series} ${value}`) > 0 });
      return rows;
    });
  }
}

await t.test('samples leave together: after a delay, when there are enough, when they are large, when told', async (t) => {
  await t.test('after a delay from the first', async (t) => {
    const line = new Line({ maxDelay: 100 });
    line.publisher.add('m', {}, 1, 10);
    await line.hand.pass(99);
    line.publisher.add('m', { b: '2', a: 'x"' }, 2, 20);
    t.equal(line.sent.length, 0);
    await line.hand.pass(1);
    t.same(line.rows(), [['1 m 10', '2 m{a="x\\"",b="2"} 20']]);
    await line.hand.pass(1_000);
    t.equal(line.sent.length, 1, 'nothing is sent where nothing is');
    t.equal(line.hand.size, 0);
  });
  await t.test('enough rows', async (t) => {
    const line = new Line({ maxRows: 3 });
    for (let i = 0; i < 7; i++) line.publisher.add('m', {}, i, i);
    await settled();
    t.same(line.rows().map((rows) => rows.length), [3, 3]);
    await line.publisher.flush();
    t.same(line.rows().flat(), [0, 1, 2, 3, 4, 5, 6].map((i) => `${i} m ${i}`));
    t.equal(line.hand.size, 0, 'no timer is left');
    t.same(line.publisher.counts, { sent: 7, lost: 0, full: 0, bad: 0 });
  });
  await t.test('large rows', async (t) => {
    const line = new Line({ maxBytes: 65_536, maxWaiting: 100 });
    for (let i = 0; i < 100; i++) t.ok(line.publisher.add('m', { long: 'é'.repeat(3_000), i: String(i) }, i / 3, i));
    await line.publisher.flush();
    t.ok(line.sent.length > 5);
    for (const { frame } of line.sent) t.ok(frame.length <= 65_536, `${frame.length} bytes`);
    t.equal(line.rows().flat().length, 100);
  });
});

await t.test('a series is kept by name and labels, whatever their order, and may end', async (t) => {
  const line = new Line({ maxSeries: 2 });
  const series = line.publisher.series('m', { a: '1', b: '2', none: '' });
  t.equal(line.publisher.series('m', { none: '', b: '2', a: '1' }), series);
  series.add(1, 1);
  line.publisher.series('x');
  line.publisher.series('y');
  t.not(line.publisher.series('m', { a: '1', b: '2', none: '' }), series, 'the oldest is forgotten');
  series.stale(2);
  await line.publisher.close();
  t.same(line.rows(), [['1 m{a="1",b="2"} 1', '2 m{a="1",b="2"} NaN']], 'but goes on for who holds it');
});

await t.test('what no server would take is not taken', async (t) => {
  const line = new Line();
  const { publisher } = line;
  t.throws(() => publisher.series('9'), /metric name "9" does not match/);
  t.throws(() => publisher.series('m', { 'é': 'x' }), /label name "é" of m does not match/);
  t.throws(() => publisher.series('m', { ['__proto__']: 'x' }), /label name "__proto__"/);
  t.throws(() => publisher.series('m', { a: 1 as unknown as string }), /label a of m must be a string, not number/);
  t.throws(() => publisher.series('m', { a: 'x'.repeat(5_000) }), /5006 characters long, at most 4096/);
  t.throws(() => publisher.series('m', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, 'x']))), /65 labels, at most 64/);
  for (const [time, value] of [[Number.NaN, 1], [Infinity, 1], [9e15, 1], [1, Number.NaN], [1, Infinity]] as const) t.notOk(publisher.add('m', {}, time, value), `${time} ${value}`);
  await publisher.close();
  t.equal(publisher.counts.bad, 5);
  t.same(line.sent, []);
  for (const wrong of [{ maxRows: 0 }, { maxBytes: 100 }, { maxDelay: Number.NaN }, { framesPerDictionary: 1.5 }, { retries: -1 }]) t.throws(() => new Line(wrong), new RegExp(`${Object.keys(wrong)[0]} must be a whole number from`));
  t.throws(() => new Line({ id: new Uint8Array(4) }), /8 bytes, not 4/);
});

await t.test('one frame is sent at a time; past the bound samples are refused, and taken again later', async (t) => {
  const line = new Line({ maxRows: 2, maxWaiting: 2 });
  let go!: () => void;
  line.answers.push(() => new Promise((resolve) => (go = resolve)));
  const taken = Array.from({ length: 10 }, (_, i) => line.publisher.add('m', {}, i, i));
  t.same(taken, [true, true, true, true, true, true, false, false, false, false], 'one that is being sent, two that wait');
  await line.hand.pass(60_000);
  t.equal(line.sent.length, 1);
  t.equal(line.publisher.counts.full, 4);
  go();
  await line.publisher.flush();
  t.ok(line.publisher.add('m', {}, 10, 10));
  await line.publisher.close();
  t.notOk(line.publisher.add('m', {}, 11, 11), 'closed');
  t.same(line.rows().flat(), [0, 1, 2, 3, 4, 5, 10].map((i) => `${i} m ${i}`));
});

await t.test('what could not be sent is sent again, the same bytes under the same id', async (t) => {
  const line = new Line({ framesPerDictionary: 100, retryDelay: 100 });
  const { publisher } = line;
  publisher.add('a', {}, 1, 1);
  await publisher.flush();
  line.answers.push(new Error('away'), () => Promise.reject(new Error('still away')));
  publisher.add('a', {}, 2, 2);
  publisher.add('b', {}, 3, 3);
  const flushed = publisher.flush();
  await line.hand.pass(299);
  t.same(line.sent.map(({ id }) => id), ['0101010101010101-0', '0101010101010101-1'], 'the second answered late that it failed');
  await line.hand.pass(1);
  await flushed;
  t.same(line.sent.map(({ id }) => id), ['0101010101010101-0', '0101010101010101-1', '0101010101010101-1']);
  t.same(line.sent[1]!.frame, line.sent[2]!.frame);
  t.same(line.errors, [['away', 0], ['still away', 0]]);
  t.same(line.rows(), [['1 a 1'], ['2 a 2', '3 b 3'], ['2 a 2', '3 b 3']]);
  t.same(publisher.counts, { sent: 3, lost: 0, full: 0, bad: 0 });
});

await t.test('what is given up is told, and nothing later refers to it', async (t) => {
  const line = new Line({ framesPerDictionary: 100, retries: 1 });
  const { publisher } = line;
  publisher.add('a', {}, 1, 1);
  line.answers.push(new Error('away'), new Error('away for good'));
  const flushed = t.rejects(publisher.flush(), { message: '1 samples could not be sent', cause: { message: 'away for good' } });
  await line.hand.pass(1_000);
  await flushed;
  t.same(line.errors, [['away', 0], ['away for good', 1]]);
  publisher.add('a', {}, 2, 2);
  await publisher.flush();
  t.same(line.rows(), [['2 a 2']]);
  t.same(publisher.counts, { sent: 1, lost: 1, full: 0, bad: 0 });

  const telling = new Line({ retries: 0, onError: () => { throw new Error('the log is full'); } });
  telling.answers.push(new Error('away'));
  telling.publisher.add('a', {}, 1, 1);
  await t.rejects(telling.publisher.flush(), { cause: { message: 'away' } }, 'whatever becomes of the telling');
  telling.publisher.add('a', {}, 2, 2);
  await telling.publisher.close();
  t.same(telling.rows(), [['2 a 2']]);
});

await t.test('whatever fails, what arrived is what was counted as sent, once by id and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ series: fc.nat({ max: 5 }), wait: fc.constantFrom(0, 0, 0, 50, 500), fails: fc.boolean() }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, framesPerDictionary) => {
        const line = new Line({ maxRows: 4, maxDelay: 100, retries: 1, retryDelay: 100, framesPerDictionary });
        for (const [i, { series, wait, fails }] of steps.entries()) {
          if (fails) line.answers.push(new Error('away'));
          line.publisher.add(`s${series}`, {}, i, i);
          await line.hand.pass(wait);
        }
        const closed = line.publisher.close().catch(() => {});
        await line.hand.pass(60_000);
        await closed;
        const { sent, lost, full } = line.publisher.counts;
        const rows = line.rows().flat();
        if (rows.length !== sent || sent + lost + full !== steps.length) throw new Error(`${rows.length} arrived, ${sent} sent, ${lost} lost, ${full} refused`);
        let last = -1;
        for (const row of rows) {
          const i = Number(row.split(' ')[0]);
          if (i <= last || row !== `${i} s${steps[i]!.series} ${i}`) throw new Error(`wrong: ${row}`);
          last = i;
        }
      },
    ),
    { numRuns: 60 },
  );
});

await t.test('a process ends without waiting for it, unless it is closed', async (t) => {
  const run = (code: string) => {
    const address = JSON.stringify(join(import.meta.dirname, '../../publish/index.js'));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', `import { Publisher } from ${address};${code}`], { encoding: 'utf8' });
    t.equal(status, 0, stderr);
    return stdout;
  };
  const send = "let n = 0; const p = new Publisher({ retryDelay: 10, maxDelay: 3_600_000, send(frame, id) { if (n++ === 0) throw new Error('away'); console.log(frame[0], /^[0-9a-f]{16}-0$/.test(id)); } }); p.add('m', {}, 1, 1);";
  t.equal(run(send), '');
  t.equal(run(`${send} await p.close();`), '245 true\n');
});
