import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { DiskLog, type LogRecord } from '../../engine/disk-log.js';
import { seeded } from '../../engine/random.js';
import { Disk } from '../simulate/disk.js';
import { Scheduler, type Life } from '../simulate/scheduler.js';
import { faultyFiles, type Operation } from './faulty-files.js';

const limit = 1e9;
const text = (record: LogRecord) => new TextDecoder().decode(record.bytes);
const bytes = (of: string) => new TextEncoder().encode(of);

async function readAll(log: DiskLog, after: number, limitBytes: number): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const { records, upTo } = await log.read(after, limitBytes);
    all.push(...records);
    if (records.length === 0) return all;
    after = upTo;
  }
}

await t.test('what was appended is read in order, across restarts, whatever the sizes', async (t) => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.array(fc.nat(40_000), { minLength: 1, maxLength: 5 }).map((sizes) => ({ do: 'append' as const, sizes })) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 60_000 }).map((limitBytes) => ({ do: 'read' as const, limitBytes })) },
    { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'drop' as const }) },
  );
  const folder = t.testdir();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      run += 1;
      const path = join(folder, String(run));
      let log = await DiskLog.open(path, { limit });
      const expected: { sequence: number; size: number }[] = [];
      let position = 0;
      for (const step of steps) {
        switch (step.do) {
          case 'append': {
            const sequences = await Promise.all(step.sizes.map((size) => log.append(new Uint8Array(size).fill(size % 256))));
            sequences.forEach((sequence, i) => expected.push({ sequence, size: step.sizes[i]! }));
            break;
          }
          case 'read': {
            const { records, upTo } = await log.read(position, step.limitBytes);
            const next = expected.filter(({ sequence }) => sequence > position).slice(0, records.length);
            if (JSON.stringify(records.map(({ sequence, bytes }) => ({ sequence, size: bytes.length }))) !== JSON.stringify(next)) return false;
            if (records.some(({ bytes }) => bytes.some((byte) => byte !== bytes.length % 256))) return false;
            if (records.length === 0 && expected.some(({ sequence }) => sequence > position)) return false;
            position = upTo;
            break;
          }
          case 'restart':
            await log.close();
            log = await DiskLog.open(path, { limit, warn: (message) => t.fail(message) });
            break;
          case 'drop':
            await log.drop(position);
            break;
          default:
            step satisfies never;
        }
      }
      const rest = await readAll(log, position, 100_000);
      await log.close();
      return JSON.stringify(rest.map(({ sequence }) => sequence)) === JSON.stringify(expected.map(({ sequence }) => sequence).filter((sequence) => sequence > position));
    }),
    { numRuns: 40 },
  );
});

await t.test('damage costs the damaged records only', async (t) => {
  const folder = t.testdir();
  const log = await DiskLog.open(folder, { limit });
  // The third holds what looks like a record.
  const payloads = ['a'.repeat(30), 'b', `MRL1${'c'.repeat(40)}`, 'd'.repeat(5000), '', 'f'.repeat(99)];
  for (const payload of payloads) await log.append(bytes(payload));
  await log.close();
  const whole = await readFile(join(folder, '1.log'));
  const copy = `${folder}-damaged`;
  const starts = payloads.map((_, i) => payloads.slice(0, i).reduce((sum, payload) => sum + 20 + payload.length, 0));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), fc.boolean(), fc.integer({ min: 1, max: 6000 }), async (at, bit, cut, limitBytes) => {
      await rm(copy, { recursive: true, force: true });
      await cp(folder, copy, { recursive: true });
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1 << bit;
      await writeFile(join(copy, '1.log'), cut ? whole.subarray(0, at) : damaged);
      const warnings: string[] = [];
      const log = await DiskLog.open(copy, { limit, warn: (message) => warnings.push(message) });
      const hit = starts.findLastIndex((start) => start <= at);
      const added = await log.append(bytes('new'));
      const found = await readAll(log, 0, limitBytes);
      await log.close();
      const expected = payloads.filter((_, i) => (cut ? i < hit : i !== hit));
      t.same(found.map(text), [...expected, 'new'], `${cut ? 'cut' : 'flipped'} at ${at}, read by ${limitBytes}`);
      t.ok(added > (found.at(-2)?.sequence ?? 0));
      t.equal(warnings.length > 0, !cut || at > starts[hit]!, 'damage is told');
    }),
    { numRuns: 60 },
  );
  await rm(copy, { recursive: true, force: true });
});

await t.test('a full log refuses, and takes records again once it was read and dropped', async (t) => {
  const folder = t.testdir();
  const log = await DiskLog.open(folder, { limit: 20_000_000 });
  const record = new Uint8Array(3_000_000);
  const taken = await Promise.allSettled(Array.from({ length: 8 }, () => log.append(record)));
  t.same(
    taken.map(({ status }) => status === 'fulfilled'),
    [true, true, true, true, true, true, false, false],
  );
  await t.rejects(log.append(record), { name: 'LogFull' });
  const { records, upTo } = await log.read(0, 1e8);
  t.equal(records.length, 6);
  await log.drop(upTo);
  t.same(await readdir(folder), ['5.log'], 'the newest segment stays, so that sequences go on after a restart');
  t.equal(await log.append(record), 7);
  await log.close();
});

await t.test('wait ends when there is something to read, or by its signal', async (t) => {
  const log = await DiskLog.open(t.testdir(), { limit });
  const stop = new AbortController();
  const waits = [log.wait(0, stop.signal), log.wait(1, stop.signal)];
  let ended = 0;
  for (const wait of waits) void wait.then(() => (ended += 1));
  await log.append(bytes('x'));
  await waits[0];
  t.equal(ended, 1, 'the one after it still waits');
  stop.abort();
  await waits[1];
  await log.wait(9, stop.signal);
  await log.close();
});

await t.test('sequences go on after a position, also where the folder is gone', async (t) => {
  const log = await DiskLog.open(t.testdir(), { limit, after: 41 });
  t.same(await log.read(41, 100), { records: [], upTo: 41 });
  t.equal(await log.append(bytes('x')), 42);
  t.same((await log.read(41, 100)).records.map(text), ['x']);
  await log.close();
});

await t.test('closed, it takes no more: whoever has opened it since would be written over', async (t) => {
  const folder = t.testdir();
  const before = await DiskLog.open(folder, { limit });
  await before.append(bytes('a'));
  await before.close();
  const log = await DiskLog.open(folder, { limit });
  const late = t.rejects(before.append(bytes('late')), /is closed/);
  t.equal(await log.append(bytes('b')), 2);
  await late;
  await log.close();
  const again = await DiskLog.open(folder, { limit, warn: (message) => t.fail(message) });
  t.same((await readAll(again, 0, 1000)).map(text), ['a', 'b']);
  await again.close();
});

await t.test('a record that is lost for good does not hold up the reader', async (t) => {
  const folder = t.testdir();
  let log = await DiskLog.open(folder, { limit });
  await Promise.all([log.append(new Uint8Array(9_000_000)), log.append(bytes('lost')), log.append(bytes('kept'))]);
  await log.close();
  await writeFile(join(folder, '1.log'), new Uint8Array(9_000_020));
  await rm(join(folder, '2.log'));
  log = await DiskLog.open(folder, { limit, after: 3 });
  const { records, upTo } = await log.read(0, 1000);
  t.same(records, []);
  const stop = new AbortController();
  stop.abort();
  await log.wait(upTo, stop.signal);
  t.equal(await log.append(bytes('new')), 4);
  t.same((await readAll(log, upTo, 1000)).map(text), ['new']);
  await log.close();
});

for (const operation of ['writev', 'datasync'] as const) {
  await t.test(`a record that was told as not written is never read, when ${operation} fails`, async (t) => {
    const folder = t.testdir();
    const fails: Operation[] = [];
    const options = { limit, files: faultyFiles(fails), reserve: 500, warn: (message: string) => t.fail(message) };
    const log = await DiskLog.open(folder, options);
    const append = async (of: string) => (await Promise.allSettled(of.split(' ').map((each) => log.append(bytes(each))))).map(({ status }) => status);
    const found = async () => {
      // Nothing is closed before: as a crash leaves it.
      const after = await DiskLog.open(folder, options);
      const texts = (await readAll(after, 0, 1_000)).map(text);
      await after.close();
      return texts;
    };
    t.same(await append('a'), ['fulfilled']);
    const { bytes: before } = log;
    fails.push(operation);
    t.same(await append('b c'), ['rejected', 'rejected'], 'they share a write');
    t.equal(log.bytes, before);
    t.same(await found(), ['a']);
    t.same(await append('d e'), ['fulfilled', 'fulfilled'], 'the log goes on');
    t.same((await readAll(log, 0, 1_000)).map(text), ['a', 'd', 'e']);
    t.same(await found(), ['a', 'd', 'e']);
    await log.close();
  });
}

await t.test('where it can be neither written nor cut off, nothing is taken until the log is opened, and that settles it', async (t) => {
  const folder = t.testdir();
  const fails: Operation[] = [];
  const done: Operation[] = [];
  const options = { limit, files: faultyFiles(fails, done), warn: (message: string) => t.fail(message) };
  const log = await DiskLog.open(folder, options);
  await log.append(bytes('a'));
  const waits = t.rejects(log.wait(1, new AbortController().signal), { name: 'EndUnknown' }, 'who waits for more is told');
  fails.push('datasync', 'truncate');
  await t.rejects(log.append(bytes('b')), { name: 'EndUnknown', message: /cannot be written: EIO.*cannot be cut off: EIO/ });
  await waits;
  await t.rejects(log.append(bytes('c')), { name: 'EndUnknown' });
  t.same((await readAll(log, 0, 1_000)).map(text), ['a']);
  await log.close();

  done.length = 0;
  const again = await DiskLog.open(folder, options);
  t.ok(done.includes('datasync'), 'what is read now stays');
  t.same((await readAll(again, 0, 1_000)).map(text), ['a', 'b']);
  t.equal(await again.append(bytes('d')), 3);
  await again.close();
});

await t.test('kill -9 at any moment: every record whose append resolved is there', async (t) => {
  const folder = t.testdir();
  const child = fileURLToPath(new URL('log-child.js', import.meta.url));
  const said = new Map<number, number>();
  for (const delay of fc.sample(fc.nat(40), { numRuns: 6, seed: 11 })) {
    const appending = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    appending.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await once(appending.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, delay));
    appending.kill('SIGKILL');
    await once(appending, 'close');
    // The last line may be cut off.
    for (const line of output.split('\n').slice(0, -1)) {
      const [sequence, length] = line.split(' ').map(Number);
      t.notOk(said.has(sequence!), `sequence ${sequence} is given once`);
      said.set(sequence!, length!);
    }
  }
  const log = await DiskLog.open(folder, { limit });
  const found = new Map((await readAll(log, 0, 50_000)).map((record) => [record.sequence, record.bytes.length]));
  await log.close();
  const missing = [...said].filter(([sequence, length]) => found.get(sequence) !== length);
  t.same(missing, []);
});

await t.test('what was appended is there when the power goes, also to a file that a process had begun which was killed', async (t) => {
  for (let seed = 0; seed < 150; seed++) {
    const random = seeded(seed);
    const scheduler = new Scheduler(random);
    const disk = new Disk(scheduler, { typical: 1 });
    const answered: string[] = [];
    const process = async (word: string, steps: number): Promise<string[] | undefined> => {
      const life: Life = { alive: true };
      let read: string[] | undefined;
      const live = async (): Promise<void> => {
        const log = await DiskLog.open('/log', { limit, files: disk.files(life), reserve: seed % 2 === 0 ? 64 : 0 });
        const before = (await readAll(log, 0, 1_000)).map(text);
        await log.append(bytes(word));
        answered.push(word);
        read = before;
      };
      void live();
      for (let left = steps; left > 0 && read === undefined; left--) await scheduler.run(nextStep());
      life.alive = false;
      return read;
    };
    await process('a', Math.floor(random() * 30));
    await process('b', Infinity);
    disk.crash();
    const found = await process('c', Infinity);
    t.strictSame(answered.filter((word) => word !== 'c' && !found!.includes(word)), [], `seed ${seed}: ${found!.join(' ')}`);
  }
});

/** True from the second time on: one step, then. */
function nextStep(): () => boolean {
  let asked = 0;
  return () => asked++ > 0;
}
