import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import type { Position } from '../../engine/connector.js';
import { Spool, type SpoolOptions } from '../../engine/spool.js';
import { systemTimers, type Timers } from '../../engine/timers.js';

let now = 1_000;
const clock = { now: () => (now += 1), elapsed: () => now };

function open(folder: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const damaged = (message: string) => {
    throw new Error(message);
  };
  return Spool.open(folder, { limit: 1e9, from: undefined, clock, damaged, ...options });
}

const bytes = (of: string) => new TextEncoder().encode(of);
const texts = (records: readonly { readonly bytes: Uint8Array }[] | undefined) => records!.map((record) => new TextDecoder().decode(record.bytes));

/** Takes all that waits, as a store does. */
async function drain(spool: Spool, limitBytes = 1e6): Promise<string[]> {
  const all: string[] = [];
  while (spool.figures.records > 0) {
    const records = await spool.next(limitBytes);
    all.push(...texts(records));
    await spool.acknowledge(records!.at(-1)!.sequence);
  }
  return all;
}

await t.test('whatever crashes when, the store gets every record, in order, as it was appended last', async (t) => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.array(fc.nat(3_000), { minLength: 1, maxLength: 8 }).map((sizes) => ({ do: 'append' as const, sizes })) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), limitBytes: fc.integer({ min: 1, max: 20_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'flush' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), back: fc.nat(2) }) },
  );
  const folder = t.testdir();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), fc.integer({ min: 0, max: 30_000 }), fc.constantFrom(0, 1), async (steps, memory, patience) => {
      run += 1;
      const path = join(folder, String(run));
      // Memory that was given back is used for something else.
      const options = { limit: 60_000, memory, patience, released: (bytes: Uint8Array) => void bytes.fill(0x78) };
      const { limit } = options;
      let life = 1;
      let spool = await open(path, options);
      // What the store was given last and has not taken, beside what it was then.
      let lent: readonly { readonly bytes: Uint8Array; readonly text: string }[] = [];
      let given = 0;
      // Records up to `restored` may be of earlier lives, those after it are of this one.
      let restored = 0;
      let last = 0;
      const store = new Set<number>();
      const checkpoints: { position: Position; given: number }[] = [];
      const send = async (limitBytes: number, share: number) => {
        for (const { bytes, text } of lent) if (texts([{ bytes }])[0] !== text) throw new Error(`what was lent has changed: ${text.trim()}`);
        const records = (await spool.next(limitBytes))!;
        for (const text of texts(records)) {
          const [number, of] = text.trim().split(' ').map(Number);
          if (number! > restored && of !== life) throw new Error(`${number} of life ${of} is sent in life ${life}`);
          if (number! > last + 1 && last > 0) throw new Error(`${number} is sent after ${last}`);
          last = number!;
        }
        const acknowledged = records.slice(0, Math.ceil(records.length * share));
        const numbers = texts(acknowledged).map((text) => Number.parseInt(text));
        for (const number of numbers) store.add(number);
        lent = records.slice(acknowledged.length).map(({ bytes }) => ({ bytes, text: texts([{ bytes }])[0]! }));
        if (acknowledged.length > 0) await spool.acknowledge(acknowledged.at(-1)!.sequence);
        last = numbers.at(-1) ?? 0;
      };
      for (const step of steps) {
        switch (step.do) {
          case 'append':
            for (const size of step.sizes) {
              const record = bytes(`${given + 1} ${life}`.padEnd(size));
              while (spool.figures.bytes + record.length + 28 > limit) await send(5_000, 1);
              given += 1;
              await spool.append(record);
              if (spool.figures.bytes > limit) return false;
            }
            break;
          case 'send':
            if (spool.figures.records > 0) await send(step.limitBytes, step.share);
            break;
          case 'flush':
            checkpoints.push({ position: JSON.parse(JSON.stringify(await spool.flush())) as Position, given });
            break;
          case 'crash': {
            if (checkpoints.length === 0) break;
            await spool.close();
            for (let k = 0; k < step.back && checkpoints.length > 1; k++) checkpoints.pop();
            const { position, given: before } = checkpoints.at(-1)!;
            spool = await open(path, { ...options, from: position });
            lent = [];
            life += 1;
            last = 0;
            restored = given = before;
            break;
          }
          default:
            step satisfies never;
        }
      }
      while (spool.figures.records > 0) await send(10_000, 1);
      await spool.drained();
      await spool.close();
      return Array.from({ length: given }, (_, i) => i + 1).every((number) => store.has(number));
    }),
    { numRuns: 150 },
  );
});

await t.test('kill -9 at any moment: the store gets everything that a position covers', async (t) => {
  const folder = t.testdir();
  const child = fileURLToPath(new URL('spool-child.js', import.meta.url));
  let start = '{"next":1}';
  const store = new Set<number>();
  for (const delay of fc.sample(fc.nat(60), { numRuns: 6, seed: 7 })) {
    const running = spawn(process.execPath, [child, folder, start], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    running.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await once(running.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, delay));
    running.kill('SIGKILL');
    await once(running, 'close');
    // The last line may be cut off.
    for (const line of output.split('\n').slice(0, -1)) {
      if (line.startsWith('flushed ')) start = line.slice('flushed '.length);
      else store.add(Number(line.slice('store '.length)));
    }
  }
  const { next, position } = JSON.parse(start) as { next: number; position: Position };
  t.ok(next > 30, 'some were flushed');
  const spool = await open(folder, { limit: 2_000_000, from: position });
  while (spool.figures.records > 0) {
    const records = (await spool.next(10_000))!;
    for (const record of records) store.add(new DataView(record.bytes.buffer, record.bytes.byteOffset).getUint32(0));
    await spool.acknowledge(records.at(-1)!.sequence);
  }
  await spool.close();
  const missing = Array.from({ length: next - 1 }, (_, i) => i + 1).filter((number) => !store.has(number));
  t.strictSame(missing, []);
});

await t.test('at the bound it waits until the store has taken something', async (t) => {
  const spool = await open(t.testdir(), { limit: 100_000, memory: 10_000 });
  const record = new Uint8Array(9_972);
  for (let i = 0; i < 10; i++) await spool.append(record);
  t.match(spool.figures, { records: 10, bytes: 100_000, limit: 100_000 });
  let waits = true;
  const eleventh = spool.append(record).then(() => (waits = false));
  await spool.flush();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(waits);
  const [first, second] = (await spool.next(1e6))!;
  await spool.acknowledge(first!.sequence);
  t.ok(waits, 'the disk is given back by the segment');
  await spool.acknowledge(second!.sequence + 1);
  await eleventh;
  t.equal(spool.figures.records, 8);
  const twelfth = Promise.all(Array.from({ length: 20 }, () => spool.append(record)));
  const refused = t.rejects(twelfth, { message: 'the spool is closed' });
  await spool.close();
  await refused;
  await t.rejects(spool.flush(), { message: 'the spool is closed' });
  t.equal(await spool.next(1), undefined);
});

await t.test('aborted, nobody waits for its store, which goes on taking', async (t) => {
  const spool = await open(t.testdir(), { limit: 100_000, memory: 10_000 });
  const record = new Uint8Array(9_972);
  for (let i = 0; i < 10; i++) await spool.append(record);
  const waits = [t.rejects(spool.append(record), /not waited for any more/), t.rejects(spool.drained(), /not waited for any more/)];
  spool.abort();
  await Promise.all(waits);
  await t.rejects(spool.append(record), /not waited for any more/);
  t.match(await spool.flush(), { appended: 10, acknowledged: 0 });
  t.equal((await spool.next(1e6))!.length, 10);
  await spool.close();
});

await t.test('a record that could never find room is refused', async (t) => {
  const spool = await open(t.testdir(), { limit: 4_000 });
  await t.rejects(spool.append(new Uint8Array(spool.most + 1)), /a record of 973 bytes does not fit a spool of 4000: at most 972/);
  for (let i = 0; i < 50; i++) {
    await spool.append(new Uint8Array(spool.most));
    await spool.flush();
    await spool.acknowledge(i + 1);
  }
  await spool.close();
});

await t.test('what the store takes at once is never written', async (t) => {
  const folder = t.testdir();
  const spool = await open(folder);
  for (const text of ['a', 'b', 'c']) await spool.append(bytes(text));
  t.strictSame(await drain(spool), ['a', 'b', 'c']);
  t.strictSame(await spool.flush(), { appended: 3, acknowledged: 3 });
  t.strictSame(await readdir(folder), []);
  await spool.close();
});

await t.test('who has patience waits for a store that takes, and writes nothing; one that takes nothing is waited for no longer than that', async (t) => {
  const folder = t.testdir();
  const given: Uint8Array[] = [];
  const spool = await open(folder, { memory: 30, patience: 60_000, released: (bytes) => given.push(bytes) });
  const sent: string[] = [];
  const all = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(10));
  const store = (async () => {
    while (sent.length < all.length) {
      const records = (await spool.next(20))!;
      await new Promise((resolve) => void setImmediate(resolve));
      sent.push(...texts(records));
      await spool.acknowledge(records.at(-1)!.sequence);
    }
  })();
  for (const text of all) {
    await spool.append(bytes(text));
    t.ok(spool.figures.bytes <= 3 * (10 + 28), 'no more than memory holds');
  }
  await store;
  t.strictSame([sent, await readdir(folder)], [all, []]);
  t.strictSame(texts(given.map((each) => ({ bytes: each }))), all, 'all of it is given back');
  for (const text of all.slice(0, 3)) await spool.append(bytes(text));
  const waiting = spool.append(bytes('one more'));
  spool.abort();
  await waiting;
  t.equal((await readdir(folder)).length, 1, 'who is told not to wait writes');
  await spool.close();

  given.length = 0;
  const away = await open(join(folder, 'away'), { memory: 30, patience: 1, released: (bytes) => given.push(bytes) });
  for (const text of all.slice(0, 2)) await away.append(bytes(text));
  t.strictSame(texts(await away.next(20)), all.slice(0, 2));
  for (const text of all.slice(2)) await away.append(bytes(text));
  t.notOk(texts(given.map((each) => ({ bytes: each }))).some((text) => all.indexOf(text) < 2), 'what the store may look at is kept for it');
  t.strictSame(await drain(away), all);
  await away.close();
  t.strictSame(texts(given.map((each) => ({ bytes: each }))).sort(), [...all].sort(), 'all of it is given back');

  // Time passes at once.
  let waits = 0;
  const timers: Timers = { ...systemTimers, after: (_, act) => ((waits += 1), setImmediate(act), () => {}) };
  const still = await open(join(folder, 'still'), { memory: 30, patience: 1_000, timers });
  for (const text of all) await still.append(bytes(text));
  t.equal(waits, 1, 'it is waited for once ...');
  const [first] = (await still.next(1))!;
  await still.acknowledge(first!.sequence);
  for (const text of all) await still.append(bytes(text));
  t.equal(waits, 2, '... until it takes something again');
  await still.close();

  const closed = await open(join(folder, 'closed'), { memory: 30, patience: 60_000 });
  for (const text of all.slice(0, 3)) await closed.append(bytes(text));
  const rejected = t.rejects(closed.append(bytes('one more')), { message: 'the spool is closed' });
  await closed.close();
  await rejected;
});

await t.test('it tells how much waits, and since when', async (t) => {
  const folder = t.testdir();
  let spool = await open(folder);
  t.strictSame(spool.figures, { records: 0, bytes: 0, limit: 1e9, oldest: undefined });
  now = 5_000;
  await spool.append(bytes('a'));
  await spool.append(bytes('b'));
  t.strictSame(spool.figures, { records: 2, bytes: 2 * 29, limit: 1e9, oldest: 5_001 });
  const position = await spool.flush();
  await spool.close();
  now = 9_000;
  spool = await open(folder, { from: position });
  const waiting = (await spool.next(1))!;
  t.strictSame([texts(waiting), spool.figures], [['a'], { records: 2, bytes: 2 * 29, limit: 1e9, oldest: 5_001 }], 'over a restart');
  await spool.acknowledge(1);
  t.strictSame([await drain(spool), spool.figures.records, spool.figures.oldest], [['b'], 0, undefined]);
  await spool.close();
});

await t.test('a new run sends first what an older one has left', async (t) => {
  const folder = t.testdir();
  let spool = await open(folder);
  await spool.append(bytes('old'));
  await spool.flush();
  await spool.close();
  spool = await open(folder);
  await spool.append(bytes('new'));
  t.equal(spool.figures.records, 2);
  t.strictSame(await drain(spool), ['old', 'new']);
  await spool.close();
});

await t.test('who waits for a record, or for the end, gets it', async (t) => {
  const spool = await open(t.testdir());
  const next = spool.next(10);
  let empty = false;
  await spool.append(bytes('x'));
  const end = spool.drained().then(() => (empty = true));
  t.strictSame(texts(await next), ['x']);
  t.notOk(empty);
  await spool.acknowledge(1);
  await end;
  const closing = spool.next(10);
  await spool.close();
  t.equal(await closing, undefined);
});

await t.test('damage costs the damaged records, and is told', async (t) => {
  const folder = t.testdir();
  const messages: string[] = [];
  const damaged = (message: string) => void messages.push(message);
  let spool = await open(folder);
  for (const text of ['first', 'second', 'third']) await spool.append(bytes(text));
  const position = await spool.flush();
  await spool.close();
  const path = join(folder, '1.log');
  const file = await readFile(path);
  file[file.indexOf('second')]! ^= 1;
  await writeFile(path, file);
  spool = await open(folder, { from: position, damaged });
  t.strictSame(await drain(spool), ['first', 'third']);
  t.match(messages, [/1\.log: bytes 33 to 67 are not a whole record/]);
  await spool.close();

  await writeFile(path, new Uint8Array(200));
  spool = await open(folder, { from: position, damaged });
  await spool.append(bytes('after'));
  t.strictSame(await drain(spool, 1), ['after'], 'where nothing is left of what should be there, it goes on');
  await spool.close();
});

await t.test('a disk that fails is told, and nothing is taken until it is opened again', async (t) => {
  const folder = join(t.testdir(), 'spool');
  let spool = await open(folder, { memory: 10 });
  const before = await spool.flush();
  await rm(folder, { recursive: true });
  await t.rejects(spool.append(bytes('longer than that')), { code: 'ENOENT' });
  await t.rejects(spool.append(bytes('x')), { code: 'ENOENT' });
  await t.rejects(spool.flush(), { code: 'ENOENT' });
  await spool.close();
  spool = await open(folder, { memory: 10, from: before });
  await spool.append(bytes('longer than that'));
  t.strictSame(await drain(spool), ['longer than that']);
  await spool.close();
});
