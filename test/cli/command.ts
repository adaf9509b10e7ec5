import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { root } from '../config/root.js';

/** Compiled beside this file's folder, in whatever build it is. */
const main = new URL('../../cli/main.js', import.meta.url).href;
const entry = (code: string): string[] => ['--input-type=module', '-e', `import { main } from ${JSON.stringify(main)}; ${code}`, '--'];
const one = entry('process.exitCode = await main(process.argv.slice(1));');
const several = entry(`
const done = [];
for (const args of JSON.parse(process.argv[1])) {
  const said = { stdout: '', stderr: '' };
  const writes = Object.keys(said).map((name) => [name, process[name].write]);
  for (const [name] of writes) process[name].write = (text, ...rest) => { said[name] += text; rest.at(-1)?.(); return true; };
  const code = await main(args);
  for (const [name, write] of writes) process[name].write = write;
  done.push({ code, ...said });
}
process.stdout.write(JSON.stringify(done));`);

export interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end. */
export function millrace(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Done {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...one, ...args], { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } });
  return { code: status, stdout, stderr };
}

/** Runs command lines, each to its end, in one process: its start takes longer than what most of them do. */
export function millraces(cwd: string, all: readonly (readonly string[])[], env: Readonly<Record<string, string>> = {}): Done[] {
  const { stdout, stderr } = spawnSync(process.execPath, [...several, JSON.stringify(all)], { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } });
  try {
    return JSON.parse(stdout) as Done[];
  } catch {
    throw new Error(`${stdout}${stderr}`);
  }
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
  const child = spawn(process.execPath, [...one, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...env } });
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
