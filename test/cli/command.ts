import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { root } from '../config/root.js';

/** Compiled beside this file's folder, in whatever build it is. */
const main = new URL('../../cli/main.js', import.meta.url).href;
const entry = `import { main } from ${JSON.stringify(main)}; process.exitCode = await main(process.argv.slice(1));`;

// tap puts a loader into NODE_OPTIONS of every child, whatever env it is given.
const before = ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '-e', entry, '--'];

export interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end. */
export function millrace(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Done {
  const { status, stdout, stderr } = spawnSync('env', [...before, ...args], { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } });
  return { code: status, stdout, stderr };
}

export interface Running {
  readonly child: ChildProcess;
  /** What was printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when stdout has the text; rejects when the process ends before. */
  says(text: string): Promise<void>;
  readonly ended: Promise<Done>;
}

/** Starts a command line that goes on until it is told to stop. */
export function start(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  // `env` replaces itself by node, so that signals reach it.
  const child = spawn('env', [...before, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Done>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!stdout.includes(text)) return;
        child.stdout.off('data', look);
        resolve();
      };
      child.stdout.on('data', look);
      void ended.then(() => reject(new Error(`ended without saying ${text}: ${stdout}${stderr}`)));
      look();
    });
  return { child, stdout: () => stdout, stderr: () => stderr, says, ended };
}

export { root };
