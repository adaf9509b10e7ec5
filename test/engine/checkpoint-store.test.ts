import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { AppendFile } from '../../engine/append-file.js';
import { CheckpointStore, type Checkpoint } from '../../engine/checkpoint-store.js';
import { checksum, checksumInSlices, tableChecksum } from '../../engine/checksum.js';
import { CHECKPOINTS_KEPT } from '../../engine/limits.js';
import { chunkBytes, writeChunks, writeVersion } from './checkpoint-fixture.js';

/** Every chunk has the bytes it was written with. */
async function verify(t: Test, checkpoint: Checkpoint): Promise<void> {
  const wrong: string[] = [];
  for (const name of checkpoint.names()) {
    const number = name.startsWith('series-') ? Number(name.slice(7)) : checkpoint.number;
    if (Buffer.compare(await checkpoint.chunk(name), chunkBytes(number, name)) !== 0) wrong.push(name);
  }
  t.same(wrong, [], `chunks of checkpoint ${checkpoint.number} are whole`);
  t.equal(checkpoint.names().length, 12 + (checkpoint.content as { lasting: number[] }).lasting.length);
}

await t.test('checksum is the CRC-32 of zlib, whole, in parts and by table', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), async (bytes, cut) => {
      const whole = checksum(bytes);
      return tableChecksum(bytes) === whole && checksum(bytes.subarray(cut), checksum(bytes.subarray(0, cut))) === whole && (await checksumInSlices(bytes)) === whole;
    }),
  );
  t.equal(checksum(new TextEncoder().encode('123456789')), 0xcbf43926, 'the check value of the CRC catalogue');
});

await t.test('a committed version is read back, and the last ones are kept', async (t) => {
  const folder = t.testdir();
  let store = await CheckpointStore.open(folder);
  t.equal(await store.latest(), undefined, 'a new store has none');
  for (let i = 0; i < 6; i++) await writeVersion(store);
  t.same(
    store.list().map(({ number }) => number),
    [4, 5, 6],
  );
  t.equal(store.oldest()?.number, 6 - CHECKPOINTS_KEPT + 1);
  await store.close();

  store = await CheckpointStore.open(folder);
  const latest = await store.latest();
  t.equal(latest?.number, 6);
  await verify(t, latest!);
  await t.rejects(latest!.chunk('constructor'), { message: 'checkpoint 6 has no chunk constructor' });
  await store.close();
  t.same(
    (await readdir(folder)).filter((name) => name.endsWith('.state')),
    ['4.state', '5.state', '6.state'],
  );
});

await t.test('lasting chunks are carried on after their version is gone', async (t) => {
  const folder = t.testdir();
  const store = await CheckpointStore.open(folder);
  for (let i = 0; i < 8; i++) await writeVersion(store);
  const first = (await stat(join(folder, '1.lasting'))).size;
  t.equal(first, chunkBytes(1, 'series-1').length, 'only what is carried stays');
  await verify(t, (await store.latest())!);

  const writer = await store.begin(9);
  t.throws(() => writer.carry('state-0'), /no lasting chunk state-0/);
  t.throws(() => writer.carry('nothing'), /no lasting chunk nothing/);
  writer.carry('series-8');
  await writer.commit({});
  for (const number of [10, 11]) await (await store.begin(number)).commit({});
  t.same(
    (await readdir(folder)).filter((name) => name.endsWith('.lasting')),
    ['8.lasting'],
    'files that nothing refers to are removed',
  );
  await store.close();
});

await t.test('an aborted or unfinished version leaves nothing', async (t) => {
  const folder = t.testdir();
  let store = await CheckpointStore.open(folder);
  await writeVersion(store);
  const aborted = await store.begin(2);
  await t.rejects(store.begin(3), /begun before/);
  await writeChunks(aborted, []);
  await aborted.abort();
  await t.rejects(aborted.chunk('late', new Uint8Array(1)), /came too late/);

  const twice = await store.begin(2);
  await twice.chunk('a', new Uint8Array(1));
  await t.rejects(twice.chunk('a', new Uint8Array(1)), /already has a chunk a/);
  await twice.abort();
  await t.rejects(store.begin(1), /must be an integer above 1/);

  await store.close();
  for (const name of ['2.state', '2.lasting', '2.manifest.new']) await writeFile(join(folder, name), 'a crash came before the commit');
  store = await CheckpointStore.open(folder);
  t.equal((await store.latest())?.number, 1);
  t.same((await readdir(folder)).sort(), ['1.lasting', '1.manifest', '1.state', 'control']);
  await store.close();
});

await t.test('records survive, in order of key, each space for itself', async (t) => {
  const folder = t.testdir();
  let store = await CheckpointStore.open(folder);
  const silences = store.records<{ until: number }>('silences');
  await Promise.all([silences.put('b', { until: 2 }), silences.put('a', { until: 1 }), silences.put('c', { until: 3 }), store.records('incidents').put('a', 'other')]);
  await silences.remove('b');
  await writeVersion(store);
  await store.close();
  store = await CheckpointStore.open(folder);
  const again = store.records<{ until: number }>('silences');
  t.same([...again.list()], [
    { key: 'a', value: { until: 1 } },
    { key: 'c', value: { until: 3 } },
  ]);
  t.same([...again.list({ from: 'b', limit: 1 })], [{ key: 'c', value: { until: 3 } }]);
  t.same([...again.list({ reverse: true, limit: 1 })], [{ key: 'c', value: { until: 3 } }]);
  t.equal(store.records('incidents').get('a'), 'other');
  t.equal(again.get('b'), undefined);
  t.equal((await store.latest())?.number, 1);
  await store.close();
});

type Damage = { kind: 'flip' | 'truncate'; at: number } | { kind: 'remove' };
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('flip' as const, 'truncate' as const), at: fc.double({ min: 0, max: 0.999999, noNaN: true }) }),
  fc.constant({ kind: 'remove' as const }),
);

/** Damages a file and returns the first byte that is wrong. */
async function inflict(path: string, { kind, ...where }: Damage): Promise<number> {
  if (kind === 'remove') {
    await rm(path);
    return 0;
  }
  const bytes = await readFile(path);
  const at = Math.floor((where as { at: number }).at * bytes.length);
  if (kind === 'truncate') await truncate(path, at);
  else {
    bytes[at]! ^= 1 << at % 8;
    await writeFile(path, bytes);
  }
  return at;
}

await t.test('whatever file is damaged, the newest whole version is used', async (t) => {
  const folder = t.testdir();
  const store = await CheckpointStore.open(folder);
  for (let i = 0; i < 5; i++) await writeVersion(store);
  await store.close();
  const files = (await readdir(folder)).filter((name) => name !== 'control');
  const places = new Map<number, { file: string; offset: number; length: number }[]>();
  for (const number of [3, 4, 5]) {
    const manifest = JSON.parse((await readFile(join(folder, `${number}.manifest`), 'utf8')).split('\n')[1]!) as { chunks: Record<string, { file: string; offset: number; length: number }> };
    places.set(number, Object.values(manifest.chunks));
  }
  const expected = (file: string, kind: Damage['kind'], at: number) =>
    [5, 4, 3].find((number) => !places.get(number)!.some((place) => place.file === file && place.length > 0 && place.offset + place.length > at && (kind !== 'flip' || place.offset <= at)));
  const copy = `${folder}-damaged`;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), damage, async (name, how) => {
      await rm(copy, { recursive: true, force: true });
      await cp(folder, copy, { recursive: true });
      const at = await inflict(join(copy, name), how);
      const warnings: string[] = [];
      const store = await CheckpointStore.open(copy, (message) => warnings.push(message));
      try {
        const latest = await store.latest();
        t.equal(latest?.number, expected(name, how.kind, at), `${how.kind} ${name} at ${at}`);
        if (latest === undefined) return;
        await verify(t, latest);
        t.equal(warnings.length, 5 - latest.number, 'one warning for each version skipped');
        // The engine goes on from there.
        t.equal(await writeVersion(store), latest.number + 1);
        await verify(t, (await store.latest())!);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 40 },
  );
  await rm(copy, { recursive: true });
});

await t.test('damage to LMDB costs no state, and does not crash the engine', async (t) => {
  const folder = t.testdir();
  const store = await CheckpointStore.open(folder);
  const records = store.records('silences');
  for (let i = 0; i < 4; i++) {
    await writeVersion(store);
    await Promise.all(Array.from({ length: 50 }, (_, k) => records.put(`${i}-${k}`, 'x'.repeat(k * 10))));
  }
  await store.close();
  const copy = `${folder}-damaged`;
  const check = async (name: string, hurt: (control: string) => Promise<void>) => {
    await rm(copy, { recursive: true, force: true });
    await cp(folder, copy, { recursive: true });
    await hurt(join(copy, 'control'));
    // As a process leaves it that was killed, or crashed of the damage.
    await mkdir(join(copy, 'control'), { recursive: true });
    await writeFile(join(copy, 'control', 'open'), '');
    const warnings: string[] = [];
    const damaged = await CheckpointStore.open(copy, (message) => warnings.push(message));
    const latest = await damaged.latest();
    t.equal(latest?.number, 4, name);
    await verify(t, latest!);
    await writeVersion(damaged);
    await damaged.records('silences').put('new', 1);
    await damaged.close();
    return warnings.join('\n');
  };
  const pages = (await stat(join(folder, 'control', 'data.mdb'))).size / 4096;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: pages - 1 }), fc.infiniteStream(fc.integer({ min: 0, max: 255 })), async (page, noise) => {
      await check(`noise in page ${page}`, async (control) => {
        const path = join(control, 'data.mdb');
        const bytes = await readFile(path);
        bytes.set(Uint8Array.from(noise.take(4096)), page * 4096);
        await writeFile(path, bytes);
      });
    }),
    { numRuns: 6 },
  );
  t.match(await check('cut short', (control) => truncate(join(control, 'data.mdb'), 3 * 4096 + 100)), /were set aside in .*control\.damaged-1/);
  await check('gone', (control) => rm(control, { recursive: true }));
  t.ok((await stat(join(copy, 'control'))).isDirectory());
  await rm(copy, { recursive: true });
});

await t.test('kill -9 at any moment leaves every version that was said to be committed, or a newer one', async (t) => {
  const folder = t.testdir();
  const child = fileURLToPath(new URL('checkpoint-child.js', import.meta.url));
  const delays = fc.sample(fc.nat(60), { numRuns: 6, seed: 7 });
  let newest = 0;
  for (const delay of delays) {
    const process_ = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    process_.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(process_.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, delay));
    process_.kill('SIGKILL');
    await once(process_, 'close');
    const committed = Number(said.trimEnd().split('\n').at(-1));
    const store = await CheckpointStore.open(folder, (message) => t.fail(message));
    const latest = await store.latest();
    t.ok(latest!.number >= committed && committed > newest, `${committed} was committed after ${newest}, ${latest!.number} is there`);
    await verify(t, latest!);
    newest = latest!.number;
    await store.close();
  }
});

await t.test('a folder that is in use is refused, and its owner goes on', async (t) => {
  const folder = t.testdir();
  const store = await CheckpointStore.open(folder);
  await writeVersion(store);
  for (let i = 0; i < 2; i++) await t.rejects(CheckpointStore.open(folder), new RegExp(`control is in use by process ${process.pid}: stop it`));
  const child = spawn(process.execPath, [fileURLToPath(new URL('checkpoint-child.js', import.meta.url)), folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  t.same(await once(child, 'close'), [1, null]);
  t.match(said, new RegExp(`control is in use by process ${process.pid}: stop it`));
  await store.records('silences').put('still', 1);
  await store.close();
  const again = await CheckpointStore.open(folder);
  t.equal(again.records('silences').get('still'), 1);
  await again.close();
});

await t.test('a full disk is told with the file', { skip: process.platform !== 'linux' }, async (t) => {
  const file = await AppendFile.open('/dev/full');
  await t.rejects(Promise.all([file.append(new Uint8Array(10)), file.append(new Uint8Array(10))]), /^\/dev\/full cannot be written: ENOSPC/);
  await t.rejects(file.append(new Uint8Array(1)), /ENOSPC/);
  await t.rejects(file.sync(), /ENOSPC/);
  await file.close();
});
