import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import { checksum, checksumInSlices } from './checksum.js';
import type { ControlRecords, Records } from './control-file.js';
import { syncFolder, type Files } from './files.js';
import { CHECKPOINTS_KEPT } from './limits.js';
import { systemPlatform, type Platform } from './platform.js';

/** Read at once when chunks are small. */
const WINDOW = 4 * 1024 * 1024;

/** Where a chunk lies: `state` files belong to one version; `lasting` ones are also referred to by later versions. */
interface ChunkPlace {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

interface Manifest {
  readonly number: number;
  readonly chunks: Readonly<Record<string, ChunkPlace>>;
  readonly content: unknown;
}

/**
 * Atomic versions of a checkpoint in a folder: `12.state` and `12.lasting` hold chunks one after the
 * other, the manifest says where each lies and its checksum. The manifest is written last, once beside
 * the chunks (`12.manifest`) and once in LMDB (`control/`): a version exists when one of the two verifies,
 * so that damage to LMDB costs no state. Older ones than the last `CHECKPOINTS_KEPT` are removed.
 */
export class CheckpointStore {
  readonly #folder: string;
  readonly #control: ControlRecords;
  readonly #files: Files;
  readonly #warn: (message: string) => void;
  /** Those whose manifest is sound, ascending by number. */
  #versions: Manifest[] = [];
  /** What the next version carries chunks on from: restored or committed last. */
  #base: Manifest | undefined;
  #writing = false;

  private constructor(folder: string, control: ControlRecords, files: Files, warn: (message: string) => void) {
    this.#folder = folder;
    this.#control = control;
    this.#files = files;
    this.#warn = warn;
  }

  /** Makes the folder, and removes what versions that were never committed have left. */
  static async open(folder: string, warn: (message: string) => void = () => {}, platform: Pick<Platform, 'files' | 'openControl'> = systemPlatform): Promise<CheckpointStore> {
    await platform.files.mkdir(folder, { recursive: true });
    const control = await platform.openControl(join(folder, 'control'), warn);
    try {
      const store = new CheckpointStore(folder, control, platform.files, warn);
      await store.#readManifests();
      await store.#clean();
      return store;
    } catch (error) {
      await control.close();
      throw error;
    }
  }

  /** Small JSON records in the same environment, by space: what people do, and what must survive restarts. */
  records<Value = unknown>(space: string): Records<Value> {
    return this.#control.records<Value>(space);
  }

  /** Versions kept, ascending. Sources may be committed up to the positions of the first. Chunks are not verified. */
  list(): readonly { readonly number: number; readonly content: unknown }[] {
    return this.#versions.map(({ number, content }) => ({ number, content }));
  }

  /** The oldest version kept. */
  oldest(): { readonly number: number; readonly content: unknown } | undefined {
    return this.list()[0];
  }

  /** The newest version whose manifest and chunks all verify. Damaged ones are skipped with a warning and no longer listed. */
  async latest(): Promise<Checkpoint | undefined> {
    while (this.#versions.length > 0) {
      const manifest = this.#versions.at(-1)!;
      const checkpoint = new Checkpoint(this.#folder, this.#files, manifest);
      const damage = await checkpoint.damage();
      if (damage === undefined) {
        this.#base = manifest;
        return checkpoint;
      }
      // Its files stay until the next commit, so that a crash before it decides the same again.
      this.#versions.pop();
      const next = this.#versions.at(-1);
      this.#warn(`checkpoint ${manifest.number} is damaged: ${damage}; ${next === undefined ? 'there is no older one' : `falling back to ${next.number}`}`);
    }
    this.#base = undefined;
    return undefined;
  }

  /** Begins a version, which must be newer than all kept. One at a time. */
  async begin(number: number): Promise<CheckpointWriter> {
    const newest = this.#versions.at(-1)?.number ?? -1;
    if (!Number.isSafeInteger(number) || number <= newest) throw new RangeError(`checkpoint ${number} must be an integer above ${newest}`);
    if (this.#writing) throw new Error(`checkpoint ${number} begun before the one before it was committed or aborted`);
    this.#writing = true;
    try {
      const state = await AppendFile.open(join(this.#folder, `${number}.state`), { files: this.#files });
      return new CheckpointWriter(this.#folder, this.#files, number, this.#base, state, (manifest) => this.#end(number, manifest));
    } catch (error) {
      this.#writing = false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#control.close();
  }

  /** The end of a version: committed with its manifest, or aborted. */
  async #end(number: number, manifest: Manifest | undefined): Promise<void> {
    try {
      if (manifest === undefined) return await this.#control.change(new Map(), [number]);
      const bytes = encodeManifest(manifest);
      await this.#writeManifest(number, bytes);
      await this.#control.change(new Map([[number, bytes]]), []);
      this.#versions.push(manifest);
      this.#base = manifest;
    } finally {
      this.#writing = false;
    }
    await this.#clean();
  }

  async #writeManifest(number: number, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, `${number}.manifest`);
    const file = await AppendFile.open(`${path}.new`, { files: this.#files });
    try {
      await Promise.all([file.append(bytes), file.sync()]);
    } finally {
      await file.close();
    }
    await this.#files.rename(`${path}.new`, path);
    await syncFolder(this.#folder, this.#files);
  }

  async #readManifests(): Promise<void> {
    const listed = this.#control.versions();
    const numbers = new Set(listed);
    for (const name of await this.#files.readdir(this.#folder)) {
      const match = /^(\d+)\.manifest$/.exec(name);
      if (match !== null) numbers.add(Number(match[1]));
    }
    const found = new Map<number, Uint8Array>();
    for (const number of [...numbers].filter((each) => each >= 0).sort((a, b) => a - b)) {
      const inControl = this.#control.version(number);
      const manifest = decodeManifest(inControl, number) ?? decodeManifest(await readIfThere(this.#files, join(this.#folder, `${number}.manifest`)), number);
      if (manifest === undefined) this.#warn(`checkpoint ${number} is damaged: its manifest does not verify; it is not used`);
      else {
        this.#versions.push(manifest);
        if (inControl === undefined) found.set(number, encodeManifest(manifest));
      }
    }
    if (found.size > 0) await this.#control.change(found, []);
  }

  /** Removes all but the last versions and the files that no kept one refers to. A failure costs disk space only. */
  async #clean(): Promise<void> {
    try {
      this.#versions = this.#versions.slice(-CHECKPOINTS_KEPT);
      const kept = new Set(this.#versions.map(({ number }) => number));
      const files = new Set(this.#versions.flatMap(({ number, chunks }) => [`${number}.manifest`, ...Object.values(chunks).map(({ file }) => file)]));
      await this.#control.change(
        new Map(),
        this.#control.versions().filter((number) => !kept.has(number)),
      );
      for (const name of await this.#files.readdir(this.#folder)) {
        if (/^\d+\.(state|lasting|manifest|manifest\.new)$/.test(name) && !files.has(name)) await this.#files.rm(join(this.#folder, name), { force: true });
      }
    } catch (error) {
      this.#warn(`old checkpoints in ${this.#folder} cannot be removed: ${String(error)}`);
    }
  }
}

/** One version being written. */
export class CheckpointWriter {
  readonly number: number;
  readonly #folder: string;
  readonly #files: Files;
  readonly #base: Manifest | undefined;
  readonly #chunks: Record<string, ChunkPlace> = Object.create(null) as Record<string, ChunkPlace>;
  readonly #state: AppendFile;
  #lasting: Promise<AppendFile> | undefined;
  readonly #end: (manifest: Manifest | undefined) => Promise<void>;
  #ended = false;

  constructor(folder: string, files: Files, number: number, base: Manifest | undefined, state: AppendFile, end: (manifest: Manifest | undefined) => Promise<void>) {
    this.#folder = folder;
    this.#files = files;
    this.number = number;
    this.#base = base;
    this.#state = state;
    this.#end = end;
  }

  /**
   * Writes a chunk; concurrently and in any order. The bytes, of which the memory may be shared,
   * must not change until the promise resolves. `lasting`: later versions may carry it on.
   */
  async chunk(name: string, bytes: Uint8Array, options: { readonly lasting?: boolean } = {}): Promise<void> {
    this.#claim(name);
    const crc = await checksumInSlices(bytes);
    this.#assertOpen(name);
    const file = options.lasting === true ? await this.#lastingFile() : this.#state;
    this.#chunks[name] = { file: `${this.number}.${options.lasting === true ? 'lasting' : 'state'}`, offset: file.size, length: bytes.length, crc };
    await file.append(bytes);
  }

  /** Takes a lasting chunk of the version before (restored or committed last) into this one, without writing it. */
  carry(name: string): void {
    const chunks = this.#base?.chunks ?? {};
    const place = Object.hasOwn(chunks, name) ? chunks[name] : undefined;
    if (place === undefined || !place.file.endsWith('.lasting')) throw new Error(`checkpoint ${this.number}: the one before has no lasting chunk ${name} to carry on`);
    this.#claim(name);
    this.#chunks[name] = place;
  }

  /** Makes the version durable, with any JSON as content, once all its chunks have resolved. When it rejects, the version does not count: abort. */
  async commit(content: unknown): Promise<void> {
    const unwritten = Object.entries(this.#chunks).find(([, place]) => place === CLAIMED);
    if (unwritten !== undefined) throw new Error(`checkpoint ${this.number}: chunk ${unwritten[0]} is not written yet`);
    const files = [this.#state, await this.#lasting].filter((file) => file !== undefined);
    await Promise.all(files.map((file) => file.sync()));
    await Promise.all(files.map((file) => file.close()));
    this.#ended = true;
    await this.#end({ number: this.number, chunks: this.#chunks, content });
  }

  /** Gives the version up, also after a failed commit; what it wrote is removed. */
  async abort(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      await this.#state.close();
      await (await this.#lasting)?.close();
    }
    // The manifest first: without it the rest is nothing.
    for (const kind of ['manifest', 'manifest.new', 'state', 'lasting']) await this.#files.rm(join(this.#folder, `${this.number}.${kind}`), { force: true });
    await this.#end(undefined);
  }

  #claim(name: string): void {
    this.#assertOpen(name);
    if (name in this.#chunks) throw new Error(`checkpoint ${this.number} already has a chunk ${name}`);
    this.#chunks[name] = CLAIMED;
  }

  #assertOpen(name: string): void {
    if (this.#ended) throw new Error(`checkpoint ${this.number} has ended: chunk ${name} came too late`);
  }

  #lastingFile(): Promise<AppendFile> {
    this.#lasting ??= AppendFile.open(join(this.#folder, `${this.number}.lasting`), { files: this.#files });
    return this.#lasting;
  }
}

const CLAIMED: ChunkPlace = { file: '', offset: 0, length: 0, crc: 0 };

/** A version that verified. */
export class Checkpoint {
  readonly number: number;
  /** What `commit` was given. */
  readonly content: unknown;
  readonly #folder: string;
  readonly #files: Files;
  readonly #chunks: Readonly<Record<string, ChunkPlace>>;
  #window: { readonly file: string; readonly offset: number; readonly bytes: Uint8Array } | undefined;

  constructor(folder: string, files: Files, manifest: Manifest) {
    this.#folder = folder;
    this.#files = files;
    this.number = manifest.number;
    this.content = manifest.content;
    this.#chunks = manifest.chunks;
  }

  /** Names of its chunks, in the order in which they lie on disk: the quickest order to read them. */
  names(): readonly string[] {
    const at = (name: string) => this.#chunks[name]!;
    return Object.keys(this.#chunks).sort((a, b) => (at(a).file < at(b).file ? -1 : at(a).file > at(b).file ? 1 : at(a).offset - at(b).offset));
  }

  /** A chunk in memory of its own. Rejects when there is none of this name or it has been damaged since it was verified. */
  async chunk(name: string): Promise<Uint8Array> {
    const place = Object.hasOwn(this.#chunks, name) ? this.#chunks[name]! : undefined;
    if (place === undefined) throw new Error(`checkpoint ${this.number} has no chunk ${name}`);
    return (await this.#read(name, place)).slice();
  }

  /** What is wrong with its chunks, if anything. */
  async damage(): Promise<string | undefined> {
    try {
      for (const name of this.names()) await this.#read(name, this.#chunks[name]!);
      return undefined;
    } catch (error) {
      if (error instanceof DamagedChunk || ['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return (error as Error).message;
      throw error;
    } finally {
      this.#window = undefined;
    }
  }

  async #read(name: string, place: ChunkPlace): Promise<Uint8Array> {
    let window = this.#window;
    if (window?.file !== place.file || place.offset < window.offset || place.offset + place.length > window.offset + window.bytes.length) {
      window = { file: place.file, offset: place.offset, bytes: await readRange(this.#files, join(this.#folder, place.file), place.offset, Math.max(place.length, WINDOW)) };
      this.#window = window;
    }
    const bytes = window.bytes.subarray(place.offset - window.offset, place.offset - window.offset + place.length);
    if (bytes.length < place.length) throw new DamagedChunk(`${place.file} ends in the middle of chunk ${name}`);
    if ((await checksumInSlices(bytes)) !== place.crc) throw new DamagedChunk(`chunk ${name} in ${place.file} at byte ${place.offset} does not verify`);
    return bytes;
  }
}

class DamagedChunk extends Error {}

/** Up to `length` bytes; fewer at the end of the file. */
async function readRange(files: Files, path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await files.open(path, 'r');
  try {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, (await file.stat()).size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

async function readIfThere(files: Files, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.readFile(path);
  } catch (error) {
    if (['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Its checksum in hex, a line break, then JSON. */
function encodeManifest(manifest: Manifest): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(manifest));
  const line = new TextEncoder().encode(`${checksum(json).toString(16)}\n`);
  const bytes = new Uint8Array(line.length + json.length);
  bytes.set(line);
  bytes.set(json, line.length);
  return bytes;
}

function decodeManifest(bytes: Uint8Array | undefined, number: number): Manifest | undefined {
  const end = bytes?.indexOf(10) ?? -1;
  if (bytes === undefined || end < 0 || end > 8) return undefined;
  const json = bytes.subarray(end + 1);
  if (checksum(json).toString(16) !== new TextDecoder('latin1').decode(bytes.subarray(0, end))) return undefined;
  const manifest = JSON.parse(new TextDecoder().decode(json)) as Manifest;
  return manifest.number === number ? manifest : undefined;
}
