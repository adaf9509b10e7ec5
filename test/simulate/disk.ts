import type { ControlRecords, Records } from '../../engine/control-file.js';
import type { Files, OpenFile } from '../../engine/files.js';
import type { Random } from '../../engine/random.js';
import type { Latency, Life, Scheduler } from './scheduler.js';

/** A change of a file that is not on the platter yet: bytes written at a position, or a new length. */
type Change = { readonly position: number; readonly bytes: Uint8Array } | { readonly length: number };

/** A file as programs see it, with what is needed to make it what it would be after a crash. */
class Inode {
  #bytes = new Uint8Array(512);
  #length = 0;
  #unsynced: { readonly change: Change; readonly before: Uint8Array; readonly length: number }[] = [];

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  change(change: Change): void {
    const from = 'length' in change ? change.length : change.position;
    const to = 'length' in change ? this.#length : change.position + change.bytes.length;
    this.#unsynced.push({ change, before: this.#bytes.slice(from, Math.min(to, this.#length)), length: this.#length });
    this.#apply(change);
  }

  #apply(change: Change): void {
    if ('length' in change) return this.#resize(change.length);
    this.#resize(Math.max(this.#length, change.position + change.bytes.length));
    this.#bytes.set(change.bytes, change.position);
  }

  #resize(length: number): void {
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(2 * length);
      grown.set(this.content);
      this.#bytes = grown;
    }
    // What is cut off is gone, and what comes instead without being written is zero.
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }

  sync(): void {
    this.#unsynced = [];
  }

  /** Of what was not synced each change is there, torn or gone. */
  crash(random: Random): void {
    const changes = this.#unsynced;
    this.#unsynced = [];
    for (const { change, before, length } of changes.toReversed()) {
      this.#resize(length);
      this.#bytes.set(before, 'length' in change ? change.length : change.position);
    }
    for (const { change } of changes) {
      const fate = random();
      if (fate < 0.4) this.#apply(change);
      else if (fate < 0.7 && 'bytes' in change) this.#apply({ position: change.position, bytes: change.bytes.subarray(0, Math.floor(random() * change.bytes.length)) });
    }
  }

  /** Flips a bit on the platter. */
  damage(at: number, bit: number): void {
    this.#bytes[at]! ^= 1 << bit;
  }
}

type NameChange = (names: Map<string, Inode>) => void;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

function failure(message: string): Error {
  return Object.assign(new Error(message), { code: message.split(':', 1)[0] });
}

const noEntry = (path: string): Error => failure(`ENOENT: no such file, ${path}`);

/**
 * A disk that a crash leaves as a real one might be: what was synced is there; of what was not, each write is there,
 * gone or torn, and of the names changed in a folder since it was synced the first few.
 */
export class Disk {
  readonly #scheduler: Scheduler;
  readonly #latency: Latency;
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  readonly #nameChanges = new Map<string, NameChange[]>();
  /** Manifests as LMDB has them, and changes of them under way: a transaction is there or not. */
  #control = new Map<number, Uint8Array>();
  #transactions = new Set<() => void>();
  /** How often something may still fail, of which files, and how likely it is, of a write. */
  fails = { left: 0, under: '/', probability: 0.05 };

  constructor(scheduler: Scheduler, latency: Latency) {
    this.#scheduler = scheduler;
    this.#latency = latency;
  }

  /** The power goes. */
  crash(): void {
    const { random } = this.#scheduler;
    for (const changes of this.#nameChanges.values()) {
      const survive = Math.floor(random() * (changes.length + 1));
      for (const change of changes.slice(0, survive)) change(this.#syncedNames);
    }
    this.#nameChanges.clear();
    this.#names = new Map(this.#syncedNames);
    for (const inode of this.#names.values()) inode.crash(random);
    for (const transact of this.#transactions) if (random() < 0.5) transact();
    this.#transactions.clear();
  }

  /** What a file holds; undefined: there is none. */
  content(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.content;
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  versions(): number[] {
    return [...this.#control.keys()].sort((a, b) => a - b);
  }

  /** Flips a bit of a file, on the platter. */
  damage(path: string): void {
    const inode = this.#names.get(path);
    if (inode === undefined || inode.content.length === 0) return;
    inode.damage(this.#scheduler.between(0, inode.content.length), this.#scheduler.between(0, 8));
  }

  damageControl(version: number): void {
    this.#control.set(version, new Uint8Array(3));
  }

  files(life: Life): Files {
    const scheduler = this.#scheduler;
    const soon = <T>(act: () => T): Promise<T> => scheduler.later(life, scheduler.draw(this.#latency) / 4, act);
    const done = <T>(act: () => T): Promise<T> => scheduler.done(life, this.#latency, act);
    const inode = (path: string): Inode => {
      const found = this.#names.get(path);
      if (found === undefined) throw noEntry(path);
      return found;
    };
    return {
      open: (path, flags) =>
        soon(() => {
          if (flags === 'r' && !this.#names.has(path)) return this.#openFolder(path, soon, done);
          if (flags === 'w') {
            const existing = this.#names.get(path);
            if (existing === undefined) this.#rename(folderOf(path), this.#put(path, new Inode()));
            else existing.change({ length: 0 });
          }
          return this.#openFile(path, inode(path), soon, done);
        }),
      mkdir: () => soon(() => undefined),
      readdir: (path) => soon(() => [...this.#names.keys()].filter((name) => folderOf(name) === path).map((name) => name.slice(path.length + 1))),
      readFile: (path) => soon(() => inode(path).content.slice()),
      rename: (from, to) =>
        soon(() => {
          const moved = inode(from);
          this.#rename(folderOf(to), (names) => {
            names.delete(from);
            names.set(to, moved);
          });
        }),
      rm: (path) => soon(() => this.#rename(folderOf(path), (names) => void names.delete(path))),
      stat: (path) => soon(() => ({ size: inode(path).content.length })),
    };
  }

  #put(path: string, inode: Inode): NameChange {
    return (names) => void names.set(path, inode);
  }

  #rename(folder: string, change: NameChange): void {
    change(this.#names);
    const changes = this.#nameChanges.get(folder) ?? [];
    this.#nameChanges.set(folder, changes);
    changes.push(change);
  }

  #failsNow(path: string, times = 1): boolean {
    const { left, under, probability } = this.fails;
    if (left === 0 || !path.startsWith(under) || !this.#scheduler.chance(times * probability)) return false;
    this.fails.left -= 1;
    return true;
  }

  #openFolder(folder: string, soon: Waits, done: Waits): OpenFile {
    const no = (): never => {
      throw noEntry(folder);
    };
    return {
      stat: no,
      read: no,
      writev: no,
      truncate: no,
      datasync: no,
      sync: () =>
        done(() => {
          for (const change of this.#nameChanges.get(folder) ?? []) change(this.#syncedNames);
          this.#nameChanges.delete(folder);
        }),
      close: () => soon(() => {}),
    };
  }

  #openFile(path: string, inode: Inode, soon: Waits, done: Waits): OpenFile {
    const scheduler = this.#scheduler;
    let open = true;
    const change = (next: Change): void => {
      if (!open) throw failure('EBADF: bad file descriptor, write');
      inode.change(next);
    };
    return {
      stat: () => soon(() => ({ size: inode.content.length })),
      read: (into, offset, length, position) =>
        soon(() => {
          const part = inode.content.subarray(position, position + length);
          into.set(part, offset);
          return { bytesRead: part.length };
        }),
      writev: (buffers, position) =>
        done(() => {
          const bytes = Buffer.concat(buffers);
          const fails = this.#failsNow(path);
          const written = fails ? bytes.subarray(0, scheduler.between(0, bytes.length)) : bytes;
          change({ position, bytes: new Uint8Array(written) });
          if (fails) throw failure('ENOSPC: no space left on device, write');
          return { bytesWritten: bytes.length };
        }),
      truncate: (length) =>
        done(() => {
          if (this.#failsNow(path)) throw failure('ENOSPC: no space left on device, ftruncate');
          change({ length });
        }),
      datasync: () =>
        done(() => {
          if (this.#failsNow(path, 0.5)) throw failure('EIO: i/o error, fdatasync');
          inode.sync();
        }),
      sync: () => done(() => inode.sync()),
      close: () =>
        soon(() => {
          open = false;
        }),
    };
  }

  control(life: Life): ControlRecords {
    return {
      versions: () => this.versions(),
      version: (number) => this.#control.get(number),
      change: (put, remove) => {
        const copies = [...put].map(([number, bytes]) => [number, bytes.slice()] as const);
        const transact = (): void => {
          this.#transactions.delete(transact);
          for (const [number, bytes] of copies) this.#control.set(number, bytes);
          for (const number of remove) this.#control.delete(number);
        };
        this.#transactions.add(transact);
        return this.#scheduler.done(life, this.#latency, transact);
      },
      records: <Value>(): Records<Value> => {
        throw new Error('records of people are not simulated');
      },
      close: () => this.#scheduler.later(life, 0, () => {}),
    };
  }
}

type Waits = <T>(act: () => T) => Promise<T>;
