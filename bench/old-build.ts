import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Engine } from './engine.js';

/**
 * Lays the files of a commit into a folder of its own below `cache`, compiles them there, and resolves with that folder
 * and the commit's own Millrace engine. The repository and the work tree stay as they are; what was built once is kept.
 *
 * @throws when there is no such commit, it can't be compiled, or it is from before the benchmarks' protocol.
 */
export async function buildOld(root: string, ref: string, cache: string, say: (text: string) => void): Promise<{ folder: string; engine: Engine }> {
  const commit = git(root, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], `there is no commit ${ref}`).trim();
  const folder = join(cache, 'commits', commit);
  const done = join(folder, 'build', 'complete');
  if (!existsSync(done)) {
    say(`Building ${ref} (${commit.slice(0, 10)}) in ${folder} ...`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    // By an index of its own: no work tree is registered that one would have to remove again.
    const index = join(folder, 'index');
    git(root, ['read-tree', commit], 'its files can not be listed', index);
    git(root, ['checkout-index', '--all', `--prefix=${folder}/`], 'its files can not be written', index);
    rmSync(index);
    if (!existsSync(join(folder, 'bench/millrace/engine.ts'))) {
      throw new Error(`${ref} is from before bench/millrace/engine.ts: its benchmarks do not speak today's protocol. Compare with a later commit.`);
    }
    addPackages(root, folder, say);
    // What Node was told for this process (by a test runner, say) is not meant for a compiler.
    run('env', ['-u', 'NODE_OPTIONS', process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--incremental', 'false', '--outDir', 'build'], folder, `${ref} can not be compiled`);
    writeFileSync(done, '');
  }
  const { engines, engine } = (await import(pathToFileURL(join(folder, 'build/bench/millrace/engine.js')).href)) as { engines?: readonly Engine[]; engine?: Engine };
  const found = engine ?? engines?.find(({ name }) => name === 'millrace');
  if (found === undefined) throw new Error(`bench/millrace/engine.ts of ${ref} has no engine "millrace"`);
  return { folder, engine: found };
}

/** The same packages are not installed twice. */
function addPackages(root: string, folder: string, say: (text: string) => void): void {
  const lock = (at: string): string => readFileSync(join(at, 'package-lock.json'), 'utf8');
  if (lock(root) === lock(folder)) {
    for (const modules of ['node_modules', 'bench/node_modules', 'test/node_modules']) if (existsSync(join(root, modules))) symlinkSync(join(root, modules), join(folder, modules));
    return;
  }
  say('Its package-lock.json is another one: installing its packages ...');
  run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], folder, 'its packages can not be installed');
}

function git(root: string, args: readonly string[], otherwise: string, index?: string): string {
  return run('git', args, root, otherwise, index === undefined ? {} : { GIT_INDEX_FILE: index });
}

function run(command: string, args: readonly string[], folder: string, otherwise: string, env: Readonly<Record<string, string>> = {}): string {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${otherwise}: ${`${stdout}${stderr}`.trim() || message}`, { cause: error });
  }
}
