import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { emptyFolder, plainEnvironment } from '../engine-process.js';
import { cached, cacheFolder, withLock, type Way } from './cache.js';
import { dockerFiles } from './docker-files.js';
import { serversNeeded } from './in-tests.js';
import { Unavailable } from './service.js';

/** The cache of one test. */
function ownCache(t: { teardown(after: () => void): void }, home: string): string {
  const before = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = home;
  t.teardown(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  });
  return cacheFolder();
}

const bringing = (name: string, text: string, made = 'thing'): Way => ({
  name,
  install: (folder) => {
    writeFileSync(join(folder, 'thing'), text, { mode: 0o755 });
    return Promise.resolve({ ok: true, output: '', made: join(folder, made) });
  },
});
const failing = (name: string, output: string): Way => ({ name, install: (folder) => Promise.resolve({ ok: false, output, made: join(folder, 'thing') }) });

t.test('the first way that works brings it, once', async (t) => {
  const cache = ownCache(t, emptyFolder(t));
  mkdirSync(join(cache, 'thing-1.building-killed'), { recursive: true });
  const path = await cached('thing-1', [failing('pip', 'no'), bringing('go', 'first'), bringing('docker', 'never')]);
  t.equal(path, join(cache, 'thing-1'));
  t.equal(readFileSync(path, 'utf8'), 'first');
  t.ok((statSync(path).mode & 0o100) !== 0, 'and can be executed');
  await cached('thing-1', [failing('pip', 'asked again')]);
  t.strictSame(readdirSync(cache), ['thing-1'], 'and nothing else is left');
});

t.test('where none works, it is told what each said', async (t) => {
  const cache = ownCache(t, emptyFolder(t));
  const ways = [failing('pip', 'Looking\nERROR: No matching distribution\nbye'), failing('go', ''), bringing('docker', 'x', 'elsewhere')];
  await t.rejects(cached('thing-1', ways), new Unavailable('pip: ERROR: No matching distribution; go: it said nothing; docker: it did not bring what it should'));
  t.strictSame(readdirSync(cache), []);
});

t.test('one works while others wait, in one process and in several', async (t) => {
  const lock = join(emptyFolder(t), 'lock');
  let inside = 0;
  const order: number[] = [];
  const work = async () => {
    order.push((inside += 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
  t.strictSame(order, [1, 1, 1]);
  t.notOk(existsSync(lock));

  // Each adds a line by reading and writing, which loses some where two do it at once.
  const file = join(emptyFolder(t), 'lines');
  writeFileSync(file, '');
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(new URL('cache.js', import.meta.url).href)};
    for (let i = 0; i < 5; i += 1) await withLock(${JSON.stringify(lock)}, async () => {
      const before = readFileSync(${JSON.stringify(file)}, 'utf8');
      await new Promise((resolve) => setTimeout(resolve, 5));
      writeFileSync(${JSON.stringify(file)}, before + 'x');
    });`;
  const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', script], { env: plainEnvironment(), stdio: 'inherit' }));
  for (const code of await Promise.all(children.map((child) => once(child, 'exit')))) t.equal(code[0], 0);
  t.equal(readFileSync(file, 'utf8'), 'x'.repeat(15));
});

t.test('a lock of a process that is gone, or that is a day old, stops nobody', async (t) => {
  const lock = join(emptyFolder(t), 'lock');
  const child = spawn(process.execPath, ['-e', ''], { env: plainEnvironment() });
  await once(child, 'exit');
  writeFileSync(lock, String(child.pid));
  t.equal(await withLock(lock, () => Promise.resolve('gone')), 'gone');
  writeFileSync(lock, String(process.pid));
  utimesSync(lock, Date.now() / 1_000 - 86_400, Date.now() / 1_000 - 86_400);
  t.equal(await withLock(lock, () => Promise.resolve('old')), 'old');
  await t.rejects(withLock(lock, () => Promise.reject(new Error('failed'))), { message: 'failed' });
  t.notOk(existsSync(lock), 'and a failure leaves none');
});

t.test('docker gives files of an image and leaves no container', { skip: process.platform !== 'linux' && 'on Linux only' }, async (t) => {
  const folder = emptyFolder(t);
  mkdirSync(join(folder, 'bin'));
  const docker = join(folder, 'bin/docker');
  // Stands for the client: notes what it is asked, and brings a file.
  writeFileSync(docker, `#!/bin/sh\necho "$@" >> ${folder}/asked\ncase "$1" in create) echo c0ffee;; cp) echo server > "$3";; esac\n`);
  chmodSync(docker, 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = join(folder, 'bin');
  t.teardown(() => (process.env['PATH'] = path));
  const made = join(folder, 'nats-server');
  // The shell of the script is named by its address, `echo` is its own.
  t.strictSame(await dockerFiles('nats:1', '/nats-server', folder), { ok: true, output: '', made });
  t.equal(readFileSync(made, 'utf8'), 'server\n');
  t.equal(readFileSync(join(folder, 'asked'), 'utf8'), `create --quiet nats:1\ncp c0ffee:/nats-server ${made}\nrm c0ffee\n`);
});

t.test('a server that nothing brings is skipped with the reason, and fails in CI', async (t) => {
  ownCache(t, emptyFolder(t));
  const { PATH: path, CI: ci } = process.env;
  process.env['PATH'] = '';
  t.teardown(() => {
    process.env['PATH'] = path;
    if (ci === undefined) delete process.env['CI'];
    else process.env['CI'] = ci;
  });
  delete process.env['CI'];
  const reason = /^nats [\d.]+ can't be had: pip: .*; go install: .*; docker: /;
  t.match(await serversNeeded('nats'), { skip: reason });
  t.match(await serversNeeded('questdb'), { skip: /^questdb [\d.]+ can't be had: Java 17 or later: no java on the PATH; docker: / });
  process.env['CI'] = 'true';
  await t.rejects(serversNeeded('nats'), { message: reason });
});
