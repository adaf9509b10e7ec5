import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';

// Compiled to build/test/.
const root = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  engines: { node: string };
  version: string;
};

function node(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

t.test('what the package promises is there after a build', async (t) => {
  const bin = join(root, manifest.bin['millrace'] ?? '');
  t.ok((statSync(bin).mode & 0o111) === 0o111, 'the command can be executed');
  t.match(readFileSync(bin, 'utf8'), /^#!\/usr\/bin\/env node\n/, 'and says by what');

  const index = manifest.exports['.'] as { types: string; default: string };
  t.ok(existsSync(join(root, index.types)), 'the types of the package');
  const api = (await import(join(root, index.default))) as { version: string };
  t.equal(api.version, manifest.version, 'the package tells the version it is published as');
});

t.test('the package holds neither tests nor what only a build reads', async (t) => {
  const packed = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8' });
  t.equal(packed.status, 0, packed.stderr);
  const report: unknown = JSON.parse(packed.stdout);
  // npm 12 answers by name, older ones with a list.
  const [entry] = Object.values(report as Record<string, { files: { path: string }[] }>);
  const paths = (entry?.files ?? []).map((file) => file.path);
  t.ok(paths.includes('bin/millrace.js') && paths.includes('build/index.js') && paths.includes('build/index.d.ts'), 'command and API');
  const unwanted = paths.filter((path) => /^build\/(test|bench|scripts)\/|tsbuildinfo$|built\.json$|^(test|scripts|engine|dashboard)\//.test(path));
  t.same(unwanted, []);
});

t.test('the command says what to do where nothing is built', async (t) => {
  const clone = t.testdir({});
  cpSync(join(root, 'bin'), join(clone, 'bin'), { recursive: true });
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}');
  const { status, stderr } = node(clone, 'bin/millrace.js');
  t.equal(status, 1);
  t.match(stderr, /npm run build/);
});

t.test('a clock or a random source that was not handed in is refused', async (t) => {
  // Outside the project: folders inside it that git ignores are not linted.
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const inner of ['scripts', 'engine']) mkdirSync(join(folder, inner));
  for (const file of ['.oxlintrc.json', 'scripts/lint-rules.mjs']) cpSync(join(root, file), join(folder, file));
  writeFileSync(join(folder, 'engine/clock.ts'), 'export const now = () => Date.now();\n');
  const kernel = [
    'export const a = Date.now();',
    'export const b = new Date();',
    'export const c = Math.random();',
    'export const { random } = Math;',
    'export const d = new Date(5).toISOString();',
    'export const e = Math.max(1, 2);',
  ];
  writeFileSync(join(folder, 'engine/kernel.ts'), kernel.join('\n'));

  const { stdout, stderr } = node(folder, join(root, 'node_modules/oxlint/bin/oxlint'), '--format=unix');
  const refused = stdout.split('\n').flatMap((line) => /(\w+\.ts):(\d+).*no-ambient-clock/.exec(line)?.slice(1, 3).join(':') ?? []);
  t.same(refused.sort(), ['kernel.ts:1', 'kernel.ts:2', 'kernel.ts:3', 'kernel.ts:4'], stdout + stderr);
});

t.test('the runner of tests counts what passes, and tells what fails, ends too early or checks nothing', async (t) => {
  const file = (body: string) => `import t from 'tap';\n${body}`;
  const at = t.testdir({
    'passes.js': file("t.test('fine', (t) => { t.ok(true); t.equal(1, 1); t.end(); });"),
    'fails.js': file("t.test('outer', (t) => { t.ok(true); t.equal(1, 2, 'one is two'); t.end(); });"),
    'rejects.js': file("t.test('later', async () => { await Promise.reject(new Error('it broke')); });"),
    'leaves.js': file("t.test('first', (t) => { t.ok(true); t.end(); });\nt.test('unfinished', () => process.exit(3));"),
    'killed.js': file("t.test('first', (t) => { t.ok(true); t.end(); });\nprocess.kill(process.pid, 'SIGKILL');"),
    'exits.js': file("t.test('first', (t) => { t.ok(true); t.end(); });\nprocess.on('exit', () => { process.exitCode = 4; });"),
    'throws.js': "throw new Error('at once');",
    'empty.js': '',
    'skips.js': file("t.test('elsewhere', { skip: 'not here' }, (t) => t.end());"),
  });
  const { runTests } = (await import(join(root, 'scripts/run-tests.mjs'))) as { readonly runTests: (files: string[], say: (line: string) => void) => Promise<{ counts: Record<string, number>; failures: string[] }> };
  const run = async (name: string) => {
    const said: string[] = [];
    const { counts, failures } = await runTests([join(at, `${name}.js`)], (line) => said.push(line));
    t.match(said, [counts['failed']! > 0 ? /^FAILED / : /^ok /]);
    return { counts: [counts['passed'], counts['failed'], counts['skipped']], failures: failures.join('\n') };
  };
  t.same(await run('passes'), { counts: [2, 0, 0], failures: '' });
  t.same(await run('skips'), { counts: [0, 0, 1], failures: '' });
  t.match(await run('fails'), { counts: [1, 1, 0], failures: /fails\.js > outer > one is two\n[^]*All that .*fails\.js printed is in \.tap\/failed\// });
  t.match(await run('rejects'), { counts: [0, 1, 0], failures: /later > it broke/ });
  t.match(await run('leaves'), { counts: [1, 1, 0], failures: /unfinished/ });
  t.match(await run('killed'), { counts: [1, 1, 0], failures: /it was not run to its end/ });
  t.match(await run('exits'), { counts: [1, 1, 0], failures: /it ended with exit code 4 though no check failed/ });
  t.match(await run('throws'), { counts: [0, 1, 0], failures: /it has no checks[^]*at once/ });
  t.match(await run('empty'), { counts: [0, 1, 0], failures: /it has no checks/ });
});
