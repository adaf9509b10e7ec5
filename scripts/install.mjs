// Tells from the files alone whether node_modules holds what the lockfile asks for, and runs npm only if not.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, runNode } from './processes.mjs';

const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

// npm writes this record last, so a broken-off install leaves none, or an old one.
const record = 'node_modules/.package-lock.json';

/** What is missing: nothing, only the tools of the test workspace, or (also when versions differ) all. */
export function missingPackages() {
  if (!existsSync(join(root, record))) return 'all';
  const wanted = read('package-lock.json').packages;
  const present = read(record).packages;

  // Packages for other platforms are in the lockfile alone, what a developer tries out is in the record alone: what is in both must agree.
  for (const [path, { version }] of Object.entries(present)) {
    if (path in wanted && wanted[path].version !== version) return 'all';
  }
  const has = (folder, names) =>
    names.every((name) => [`${folder}node_modules/${name}`, `node_modules/${name}`].some((path) => path in present && existsSync(join(root, path))));
  const own = read('package.json');
  if (!has('', Object.keys({ ...own.dependencies, ...own.devDependencies }))) return 'all';
  return has('test/', Object.keys(read('test/package.json').devDependencies)) ? 'nothing' : 'test tools';
}

/** Resolves with whether everything that is needed is there. Talks on `say`, so that a pipe of the program's output stays clean. */
export async function install({ tests, say, stdio }) {
  const missing = missingPackages();
  if (missing === 'nothing' || (missing === 'test tools' && !tests)) return true;

  const started = performance.now();
  // Set for every form: NODE_ENV=production or a user's `omit` would leave out the compiler and the platform's binaries.
  const always = ['--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  let args;
  if (missing === 'test tools') {
    say('Installing the test tools (about 10 seconds) ...');
    args = ['install', '--no-save', ...always];
  } else {
    say(`Installing the dependencies${tests ? ' and the test tools' : ''} from the lockfile (10 to 40 seconds) ...`);
    args = tests ? ['ci', ...always] : ['ci', '--workspaces=false', ...always];
  }
  const npm = process.env.npm_execpath;
  // The npm that started us, where it did; under another package manager's name this variable tells of that one.
  const { code } = npm?.endsWith('npm-cli.js') ? await runNode(npm, args, { stdio }) : await run('npm', args, { stdio });
  if (code !== 0) {
    say(`npm ${args[0]} failed (exit code ${code}); what it said is above.`);
    return false;
  }
  say(`Installed in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  return true;
}
