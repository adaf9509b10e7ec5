import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder bench/peers/`peer` of the sources, told by a file in it that is not compiled; this module may be compiled, a few folders below the root. */
export function sourceFolder(peer: string, file: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const found = join(folder, 'bench/peers', peer);
    if (existsSync(join(found, file))) return found;
    if (folder === dirname(folder)) throw new Error(`bench/peers/${peer}/${file} is not above ${import.meta.dirname}: run it from a clone`);
  }
}

/** A short name of what files in a folder hold, and of what else a build depends on: versions of tools. */
export function fingerprint(folder: string, files: readonly string[], others: readonly string[]): string {
  const hash = createHash('sha256');
  for (const other of others) hash.update(`${other}\0`);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(folder, file))).update('\0');
  return hash.digest('hex').slice(0, 16);
}

export interface Ran {
  /** Null where it did not start, or took longer than it may. */
  readonly code: number | null;
  readonly stdout: string;
  /** What it last said, for people. */
  readonly last: string;
}

/** Runs a tool; what it says is told on stderr as well, as it comes. */
export function run(command: string, args: readonly string[], limitMs: number, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    // Unlike the `timeout` of spawn, this does not keep a process alive whose tool did not start.
    const signal = AbortSignal.timeout(limitMs);
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let stdout = '';
    let said = '';
    const take = (chunk: string): void => {
      said = (said + chunk).slice(-4_096);
      process.stderr.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      take(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => resolve({ code: null, stdout, last: signal.aborted ? `it took longer than ${limitMs / 1_000} s` : error.message }));
    child.on('close', (code) => resolve({ code, stdout, last: said.trim().split('\n').at(-1) ?? '' }));
  });
}
