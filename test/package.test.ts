import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../engine/clock.js';
import { emptyFolder, EngineProcess, plainEnvironment, until } from './engine-process.js';

// Compiled to build/test/.
const root = resolve(import.meta.dirname, '../..');

const GRAPH = `
server: { port: 0 }
sources: { http: { type: http } }
operators: { odd: { type: detect, from: http } }
sinks:
  history: { type: duckdb, from: [http, odd], path: history.duckdb }
  live: { type: live, from: [http, odd] }
`;

function npm(t: Test, cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', env: plainEnvironment() });
  if (status !== 0) t.fail(`npm ${args.join(' ')}`, { stderr });
  return stdout;
}

/** The package as a user has it, in a folder of his own. */
function installed(t: Test): string {
  const folder = emptyFolder(t);
  const tarball = npm(t, root, 'pack', '--silent', '--pack-destination', folder).trim().split('\n').at(-1)!;
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  // The same packages as everywhere lie in npm's cache; what does not is fetched.
  npm(t, folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`);
  return folder;
}

await t.test('the package, packed and installed elsewhere, works', async (t) => {
  const folder = installed(t);
  const own = join(folder, 'node_modules/millrace');

  await t.test('it holds nothing of the folder where it was built', (t) => {
    const files = readdirSync(own, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(own, path)).isFile());
    t.ok(files.includes('bin/millrace.js') && files.includes('build/cli/main.js'));
    const telling = files.filter((path) => readFileSync(join(own, path)).includes(root));
    t.same(telling, []);
    t.end();
  });

  await t.test('all that it exports is there', (t) => {
    const { exports } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { exports: Record<string, string | Record<string, string>> };
    const targets = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
    t.same(targets.filter((target) => !existsSync(join(own, target))), []);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', "Promise.all([import('millrace'), import('millrace/publish')]).then(([{ version, Runtime }, { Publisher }]) => console.log(version, typeof Runtime.start, typeof Publisher))"], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    t.match(stdout, /^\d+\.\d+\.\d+ function function\n$/, stderr);
    t.equal(status, 0);
    t.end();
  });

  await t.test('what its pages and configs refer to is there', (t) => {
    const readme = readFileSync(join(own, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)#:]+)[^)]*\)/g)].map(([, path]) => path!);
    const [, schema] = /\$schema=(\S+)/.exec(readFileSync(join(own, 'config/millrace.yml'), 'utf8'))!;
    t.ok(links.length > 0);
    t.same([...links, join('config', schema!)].filter((path) => existsSync(join(root, path)) && !existsSync(join(own, path))), []);
    t.end();
  });

  await t.test('the command runs a graph', async (t) => {
    writeFileSync(join(folder, 'mine.yml'), GRAPH);
    const engine = new EngineProcess(t, [join(folder, 'node_modules/.bin/millrace'), 'run', 'mine.yml'], folder);
    await engine.ready();
    const time = systemClock.now();
    const posted = await engine.post('/api/metrics', { metric_name: 'queue_depth', value: 42, timestamp: new Date(time).toISOString(), labels: { queue: 'mail' } });
    t.same([posted.status, posted.text], [202, '{"accepted":1}']);

    const [row] = await engine.firstRows('http');
    t.same(row?.slice(1), [time, 42], 'on /live');
    const { series } = await until(async () => {
      const history = await engine.json<{ series: object[] }>(`/api/history?node=http&from=${time}&to=${time}`);
      return history.series.length > 0 && history;
    });
    t.same(series, [{ metric_name: 'queue_depth', labels: { queue: 'mail' }, columns: [], rows: [[time, 42]] }], 'in the history');

    if (existsSync(join(root, 'build/dashboard/index.html'))) {
      const page = await engine.get('/');
      t.match(page, { status: 200, text: /<!doctype html>/i });
      const assets = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!);
      t.ok(assets.length > 0, 'the dashboard has parts');
      for (const asset of assets) t.equal((await engine.get(asset)).status, 200, asset);
    }

    t.notOk(openFiles(engine.child.pid!).some((path) => path.startsWith(`${root}/`)), 'and needs nothing of the folder where it was built');
    t.same(await engine.end('SIGTERM'), { code: 0, signal: null }, { log: engine.stdout });
    t.equal(engine.stderr, '');
    t.same(engine.log.filter(({ level, msg }) => level > 30 && !msg.startsWith('port 0')), [], 'and nothing to warn of');
  });

  await t.test('the shipped graph is found beside the command', (t) => {
    const { status, stdout, stderr } = spawnSync(join(folder, 'node_modules/.bin/millrace'), ['check'], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    t.equal(status, 0, stderr);
    t.match(stdout, /millrace\.yml: ok/);
    t.end();
  });
});

/** Files that a process has mapped into memory or open, where the system tells. */
function openFiles(pid: number): string[] {
  if (process.platform !== 'linux') return [];
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').flatMap((line) => /\s(\/.*)$/.exec(line)?.[1] ?? []);
}
