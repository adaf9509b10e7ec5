#!/usr/bin/env node
// npm run build [-- --quick] [--all]: compiles the sources and the dashboard into build/.
//   --quick  does nothing if build/ is up to date
//   --all    tests and benchmarks too (they need the tools of the test workspace)
//   --check  looks for type errors only and writes nothing
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './install.mjs';
import { root, runNode, tools } from './processes.mjs';

const scopes = {
  app: { project: 'tsconfig.build.json', folders: ['engine', 'operators', 'connectors', 'config', 'server', 'cli', 'publish', 'quality', 'scripts'] },
  all: {
    project: 'tsconfig.json',
    folders: ['engine', 'operators', 'connectors', 'config', 'server', 'cli', 'publish', 'quality', 'scripts', 'bench', 'test'],
  },
};
const settings = ['index.ts', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const record = join(root, 'build/built.json');

function* filesIn(folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/** Changes with any source that is added, removed or written, without reading one: it must not be felt at a start. */
function fingerprint(scope) {
  const hash = createHash('sha256');
  const add = (path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  for (const path of settings) if (existsSync(join(root, path))) add(path);
  for (const folder of scopes[scope].folders) for (const path of filesIn(folder)) if (path.endsWith('.ts')) add(path);
  for (const path of filesIn('dashboard')) add(path);
  return hash.digest('hex');
}

export function isBuilt(scope = 'app') {
  // What a person may have cleared away, by what the start and the package cannot do without.
  const cleared = (source, path = source) => existsSync(join(root, source)) && !existsSync(join(root, 'build', path));
  if (!existsSync(record) || cleared('index.ts', 'index.js') || cleared('cli/main.ts', 'cli/main.js') || cleared('dashboard/index.html')) return false;
  try {
    return JSON.parse(readFileSync(record, 'utf8'))[scope] === fingerprint(scope);
  } catch {
    return false;
  }
}

const hasDashboard = () => existsSync(join(root, 'dashboard/index.html'));

// What the compiler wrote for a source that is gone would still be packed, or found and run as a test.
function removeOrphans(folders) {
  for (const folder of folders) {
    for (const path of filesIn(`build/${folder}`)) {
      const source = path.replace(/^build\//, '').replace(/(\.d)?\.ts$|\.js(\.map)?$/, '.ts');
      if (source.endsWith('.ts') && !existsSync(join(root, source))) rmSync(join(root, path));
    }
  }
}

/** Runs compiler, type check of the dashboard and Vite side by side; resolves with whether all went well, having shown what did not. */
export async function build({ scope = 'app', check = false, say }) {
  const started = performance.now();
  // Taken first: a source that is saved while the compiler runs leaves the build out of date, not wrongly up to date.
  const before = { app: fingerprint('app'), [scope]: fingerprint(scope) };
  // A build that fails has overwritten some files all the same, and taking the change back would match the old record.
  if (!check) rmSync(record, { force: true });
  const { project, folders } = scopes[scope];
  const pretty = process.stdout.isTTY ? ['--pretty'] : [];

  const jobs = [
    // Always whole: after an incremental build by another scope, what was written earlier is not told from what is new.
    ['TypeScript', tools.tsc, ['-p', project, '--incremental', 'false', ...(check ? ['--noEmit'] : []), ...pretty]],
  ];
  if (existsSync(join(root, 'dashboard/tsconfig.json')) && hasDashboard()) jobs.push(["The dashboard's TypeScript", tools.tsc, ['-p', 'dashboard', '--noEmit', ...pretty]]);
  if (hasDashboard() && !check) {
    jobs.push(['Vite', tools.vite, ['build', 'dashboard', '--outDir', '../build/dashboard', '--emptyOutDir', '--logLevel', 'warn']]);
  }
  const results = await Promise.all(
    jobs.map(async ([name, tool, args]) => ({ name, ...(await runNode(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })) })),
  );
  for (const { name, code, captured } of results) {
    if (captured.trim()) say(captured.trimEnd());
    if (code !== 0) say(`${name} failed (exit code ${code}).`);
  }
  if (results.some(({ code }) => code !== 0)) return false;

  if (!check) {
    removeOrphans(folders);
    mkdirSync(join(root, 'build'), { recursive: true });
    writeFileSync(record, JSON.stringify(before));
  }
  say(`${check ? 'Checked' : 'Built'} in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const options = new Set(process.argv.slice(2));
  const say = (text) => console.log(text);
  const scope = options.has('--all') ? 'all' : 'app';
  if (!(await install({ tests: scope === 'all', say }))) process.exitCode = 1;
  else if (options.has('--quick') && isBuilt(scope)) say('build/ is up to date.');
  else process.exitCode = (await build({ scope, check: options.has('--check'), say })) ? 0 : 1;
}
