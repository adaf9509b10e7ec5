import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { open, type Database, type RootDatabase } from 'lmdb';
import { syncFolder } from './files.js';

/** Spaces of records in one environment; each costs LMDB a table entry. */
const SPACES = 64;

/** A damaged file can send LMDB in circles: when copying takes longer, it counts as damaged. */
const COPY_MS = 30_000;

/** What LMDB may write at once before anything is put: its lock file and first pages. */
const LEAST_ROOM = 128 * 1024;

/** Folder of the copy being made. */
const FRESH = 'fresh';

/** Small JSON records of one space, by key, in order of key. */
export interface Records<Value = unknown> {
  get(key: string): Value | undefined;
  /** Resolves when it is on disk. Puts of one turn of the event loop share a transaction. */
  put(key: string, value: Value): Promise<void>;
  remove(key: string): Promise<void>;
  /** `from`: first key. `reverse`: from there towards lower keys. */
  list(options?: { from?: string; limit?: number; reverse?: boolean }): Iterable<{ key: string; value: Value }>;
}

/** What lies beside the chunks of checkpoints: the manifests of the versions, and small records by space. */
export interface ControlRecords {
  /** Numbers of the versions that have an entry, ascending. */
  versions(): number[];
  version(number: number): Uint8Array | undefined;
  /** One transaction: puts versions (the bytes must not change until it resolves) and removes others. Resolves when it is on disk. */
  change(put: ReadonlyMap<number, Uint8Array>, remove: readonly number[]): Promise<void>;
  records<Value = unknown>(space: string): Records<Value>;
  close(): Promise<void>;
}

/**
 * An LMDB environment that survives its own damage. LMDB maps its file and trusts it: a damaged one can
 * crash the process, at reading or at a much later write. So a file that was not closed in order is copied,
 * record by record, into a fresh one by a child process; when that fails, the environment is set aside
 * (`control.damaged-1`, ...) with a warning, and a new one begun.
 */
export class ControlFile implements ControlRecords {
  readonly #root: RootDatabase<Buffer, number>;
  readonly #marker: string;
  readonly #spaces = new Map<string, Records>();

  private constructor(root: RootDatabase<Buffer, number>, marker: string) {
    this.#root = root;
    this.#marker = marker;
  }

  /** Rejects where another process, or this one, has it open. */
  static async open(path: string, warn: (message: string) => void): Promise<ControlFile> {
    const folder = resolve(path);
    await mkdir(folder, { recursive: true });
    const marker = join(folder, 'open');
    const unclosed = (await readdir(folder)).includes('open');
    if (unclosed) await refuseInUse(folder, marker);
    try {
      await refuseFull(folder, unclosed);
      if (unclosed) await rebuildInChild(folder, warn);
      await claim(folder, marker);
      return new ControlFile(openEnvironment(folder), marker);
    } catch (error) {
      inUse.delete(folder);
      if (!(error instanceof Damaged)) throw error;
      return await ControlFile.#anew(folder, error.message, warn);
    }
  }

  static async #anew(folder: string, damage: string, warn: (message: string) => void): Promise<ControlFile> {
    let aside = '';
    for (let n = 1; aside === ''; n++) {
      const name = `${folder}.damaged-${n}`;
      try {
        await mkdir(name);
        await rename(folder, name);
        aside = name;
      } catch (error) {
        if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
    warn(`control records in ${folder} are damaged (${damage}); they were set aside in ${aside} and new ones begun: silences, acknowledgements and the like made before are gone`);
    await mkdir(folder, { recursive: true });
    const marker = join(folder, 'open');
    await claim(folder, marker);
    return new ControlFile(openEnvironment(folder), marker);
  }

  versions(): number[] {
    return [...this.#root.getKeys()].filter((key) => typeof key === 'number');
  }

  version(number: number): Uint8Array | undefined {
    return this.#root.get(number);
  }

  async change(put: ReadonlyMap<number, Uint8Array>, remove: readonly number[]): Promise<void> {
    const work: Promise<unknown>[] = [];
    for (const [number, bytes] of put) work.push(this.#root.put(number, Buffer.from(bytes)));
    for (const number of remove) work.push(this.#root.remove(number));
    await committed(Promise.all(work));
  }

  records<Value = unknown>(space: string): Records<Value> {
    let found = this.#spaces.get(space);
    if (found === undefined) {
      found = openRecords(this.#root.openDB<unknown, string>({ name: `records:${space}`, encoding: 'json' }));
      this.#spaces.set(space, found);
    }
    return found as Records<Value>;
  }

  async close(): Promise<void> {
    await this.#root.close();
    await rm(this.#marker, { force: true });
    inUse.delete(dirname(this.#marker));
  }
}

/** Folders that this process has open. */
const inUse = new Set<string>();

/** The marker says who has the folder open. */
async function claim(folder: string, marker: string): Promise<void> {
  inUse.add(folder);
  await writeFile(marker, `${process.pid} ${await birthOf(process.pid)}`);
}

async function refuseInUse(folder: string, marker: string): Promise<void> {
  const [pid = '', birth] = (await readFile(marker, 'utf8')).split(' ');
  const used = Number(pid) === process.pid ? inUse.has(folder) : birth !== undefined && (await birthOf(Number(pid))) === birth;
  if (used) throw new Error(`${folder} is in use by process ${pid}: stop it, or give this graph another folder`);
}

/** What tells a process from a later one of the same number; undefined: there is none of this number. */
async function birthOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform !== 'linux') return process.kill(pid, 0) ? 'alive' : undefined;
    const [boot, status] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]);
    // Field 22, counted behind the name of the program, which may hold anything: ticks from the boot to its start.
    return `${boot.trim()}/${status.slice(status.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

/** A full disk kills whoever writes to a mapped file, and looks like damage: it is told before. */
async function refuseFull(folder: string, copies: boolean): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const data = copies ? await stat(join(folder, 'data.mdb')).catch(() => undefined) : undefined;
  const needed = LEAST_ROOM + (data?.size ?? 0);
  if (bavail * bsize < needed) throw new Error(`control records in ${folder} cannot be opened: no space left on the disk, ${needed} bytes are needed: make room and start again`);
}

function openRecords(database: Database<unknown, string>): Records {
  return {
    get: (key) => database.get(key),
    put: (key, value) => committed(database.put(key, value)),
    remove: (key) => committed(database.remove(key)),
    list: ({ from, limit, reverse } = {}) => database.getRange({ ...(from !== undefined && { start: from }), ...(limit !== undefined && { limit }), reverse: reverse ?? false }),
  };
}

function openEnvironment(folder: string): RootDatabase<Buffer, number> {
  try {
    // Overlapping sync would make a write visible before it is durable.
    return open({ path: folder, encoding: 'binary', overlappingSync: false, maxDbs: SPACES });
  } catch (error) {
    throw failure(folder, (error as Error).message, error);
  }
}

class Damaged extends Error {}

/** What the system refuses says nothing about the file; everything else is damage. */
function failure(folder: string, message: string, cause: unknown): Error {
  const system = /No space|Permission denied|Operation not permitted|Read-only|Too many open|Cannot allocate|resource temporarily|Input\/output|E(NOSPC|ACCES|PERM|ROFS|MFILE|NFILE|NOMEM|AGAIN|NOENT)\b/i.test(message);
  return system ? new Error(`control records in ${folder} cannot be opened: ${message}`, { cause }) : new Damaged(message, { cause });
}

/** Waits for a commit; its error is that of LMDB, which hides it in a promise of its own. */
async function committed(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const hidden = (error as { commitError?: Promise<never> }).commitError;
    const cause = hidden === undefined ? error : await hidden.catch((reason: unknown) => reason);
    throw new Error(`control records cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause: error });
  }
}

/** Copies every record into `fresh/`, and returns how many were left out because they are not JSON. Run in a child process, which may crash of it. */
export async function copyControlFile(folder: string): Promise<number> {
  const from = openEnvironment(folder);
  const fresh = join(folder, FRESH);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh);
  const to = openEnvironment(fresh);
  const work: Promise<unknown>[] = [];
  let unreadable = 0;
  for (const key of from.getKeys()) {
    if (typeof key === 'number') {
      work.push(to.put(key, from.get(key)!));
      continue;
    }
    const copy = to.openDB<unknown, string>({ name: key, encoding: 'json' });
    for (const { key: name, value } of from.openDB<Buffer, string>({ name: key, encoding: 'binary' }).getRange()) {
      try {
        work.push(copy.put(name, JSON.parse(value.toString())));
      } catch {
        unreadable += 1;
      }
    }
  }
  await Promise.all(work);
  await to.close();
  return unreadable;
}

/** Throws `Damaged` where it can't be copied. */
async function rebuildInChild(folder: string, warn: (message: string) => void): Promise<void> {
  const program = `const { copyControlFile } = await import(${JSON.stringify(import.meta.url)}); process.stdout.write(String(await copyControlFile(${JSON.stringify(folder)})));`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: COPY_MS, killSignal: 'SIGKILL' });
    if (stdout !== '0') warn(`${stdout} control records in ${folder} were damaged and are gone`);
  } catch (error) {
    const { signal, stderr } = error as { signal?: string; stderr?: string };
    // It may have become full meanwhile.
    if (signal === 'SIGBUS') await refuseFull(folder, true);
    throw failure(folder, signal ?? /^\w*Error: .*$/m.exec(stderr ?? '')?.[0] ?? String(error), error);
  }
  await rename(join(folder, FRESH, 'data.mdb'), join(folder, 'data.mdb'));
  await rm(join(folder, 'lock.mdb'), { force: true });
  await rm(join(folder, FRESH), { recursive: true });
  await syncFolder(folder);
}
