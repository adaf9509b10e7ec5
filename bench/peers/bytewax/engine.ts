import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Engine, Missing } from '../../engine.js';
import { fingerprint, run, sourceFolder } from '../toolchain.js';

const LOOK_LIMIT_MS = 30_000;
const INSTALL_LIMIT_MS = 5 * 60_000;

/** An environment with the packages of requirements.txt: `cache/<fingerprint>`. The program is run from where it is. */
async function prepare(cache: string): Promise<Command | Missing> {
  const python = await run('python3', ['--version'], LOOK_LIMIT_MS);
  if (python.code !== 0) return { missing: `Python 3: python3 --version: ${python.last}` };
  const folder = sourceFolder('bytewax', 'main.py');
  const environment = join(cache, fingerprint(folder, ['requirements.txt'], [python.stdout]));
  const complete = join(environment, 'complete');
  if (!existsSync(complete)) {
    rmSync(environment, { recursive: true, force: true });
    process.stderr.write(`bytewax: pip install, in ${environment}\n`);
    const made = await run('python3', ['-m', 'venv', environment], INSTALL_LIMIT_MS);
    if (made.code !== 0) return { missing: `python3 -m venv: ${made.last}` };
    const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--only-binary', ':all:', '-r', join(folder, 'requirements.txt')];
    const installed = await run(join(environment, 'bin/python'), args, INSTALL_LIMIT_MS);
    if (installed.code !== 0) return { missing: `pip install of bench/peers/bytewax/requirements.txt with ${python.stdout.trim()}: ${installed.last}` };
    writeFileSync(complete, '');
  }
  // -B: what Python compiles is not left among the sources.
  return { command: join(environment, 'bin/python'), args: ['-B', join(folder, 'main.py')] };
}

export const engines: readonly Engine[] = [
  {
    name: 'bytewax',
    title: 'Bytewax (Python): fold_window with an event clock, stateful_batch, as in its manual; workers are threads',
    runs: {
      W1: { threads: [1, 2], samples: 1_000_000 },
      // Every sample is in 60 windows, each folded by itself.
      W2: { threads: [1], samples: 100_000 },
      W3: { threads: [1, 2], samples: 5_000_000 },
    },
    toolchain: 'python3',
    prepare,
  },
];
