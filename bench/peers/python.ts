import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Missing } from '../engine.js';
import { fingerprint, run, sourceFolder } from './toolchain.js';

const LOOK_LIMIT_MS = 30_000;
const INSTALL_LIMIT_MS = 5 * 60_000;

/** The main.py of a peer, with an environment that has the packages of its requirements.txt: `cache/<fingerprint>`. The program is run from where it is. */
export async function pythonProgram(peer: string, cache: string): Promise<Command | Missing> {
  const python = await run('python3', ['--version'], LOOK_LIMIT_MS);
  if (python.code !== 0) return { missing: `Python 3: python3 --version: ${python.last}` };
  const folder = sourceFolder(peer, 'main.py');
  const environment = join(cache, fingerprint(folder, ['requirements.txt'], [python.stdout]));
  const complete = join(environment, 'complete');
  if (!existsSync(complete)) {
    rmSync(environment, { recursive: true, force: true });
    process.stderr.write(`${peer}: pip install, in ${environment}\n`);
    const made = await run('python3', ['-m', 'venv', environment], INSTALL_LIMIT_MS);
    if (made.code !== 0) return { missing: `python3 -m venv: ${made.last}` };
    const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--only-binary', ':all:', '-r', join(folder, 'requirements.txt')];
    const installed = await run(join(environment, 'bin/python'), args, INSTALL_LIMIT_MS);
    if (installed.code !== 0) return { missing: `pip install of bench/peers/${peer}/requirements.txt with ${python.stdout.trim()}: ${installed.last}` };
    writeFileSync(complete, '');
  }
  // -B: what Python compiles is not left among the sources.
  return { command: join(environment, 'bin/python'), args: ['-B', join(folder, 'main.py')] };
}
