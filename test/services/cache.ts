import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLiving } from './living.js';
import { complaint, type Ran } from './run-tool.js';
import { Unavailable } from './service.js';

/** Longer than any install may take: who holds a lock for longer hangs, or its process number is another's by now. */
const STALE_MS = 15 * 60_000;
const LOOK_MS = 50;

/** Where servers that were installed lie, outside of the work tree. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  // As the specification of base directories has it, what is not absolute is ignored.
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'millrace-services');
}

/** One way to have a file or folder: a tool puts it into an empty folder that is removed afterwards, and tells where it lies. */
export interface Way {
  readonly name: string;
  readonly install: (folder: string) => Promise<Ran & { readonly made: string }>;
}

/**
 * The address of a file or folder in the cache, put there by the first way that works where it is missing. Processes
 * that ask at once wait for one of them to install it. Throws `Unavailable` with what each way said.
 */
export async function cached(path: string, ways: readonly Way[]): Promise<string> {
  const target = join(cacheFolder(), path);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  return withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    // Of processes that were killed while they installed.
    for (const name of readdirSync(dirname(target))) if (name.startsWith(`${basename(target)}.building-`)) rmSync(join(dirname(target), name), { recursive: true, force: true });
    const failures: string[] = [];
    for (const { name, install } of ways) {
      const folder = mkdtempSync(`${target}.building-`);
      try {
        const { ok, output, made } = await install(folder);
        if (ok && existsSync(made)) {
          // A copy, because a virtual environment holds links out of its folder; a name that appears at once, whole.
          cpSync(made, join(folder, 'whole'), { recursive: true, dereference: true });
          renameSync(join(folder, 'whole'), target);
          return target;
        }
        failures.push(`${name}: ${ok ? 'it did not bring what it should' : complaint(output)}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    throw new Unavailable(failures.join('; '));
  });
}

/**
 * Runs the work while no other process holds the lock file. A lock whose process is gone, or that is too old, is taken
 * over; two that do so in the same instant may both work, so the work must be harmless when done twice.
 */
export async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const own = `${lock}.${randomUUID()}`;
  writeFileSync(own, String(process.pid));
  try {
    while (!taken(own, lock)) {
      if (isStale(lock)) rmSync(lock, { force: true });
      else await sleep(LOOK_MS);
    }
  } finally {
    rmSync(own, { force: true });
  }
  try {
    return await work();
  } finally {
    if (holder(lock) === process.pid) rmSync(lock, { force: true });
  }
}

/** A link appears with its content, so nobody sees a lock without a holder. */
function taken(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(lock: string): boolean {
  const pid = holder(lock);
  try {
    return pid !== undefined && (!isLiving(pid) || Date.now() - statSync(lock).mtimeMs > STALE_MS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function holder(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
