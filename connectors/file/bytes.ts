import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { hash32 } from '../../engine/random.js';

/** The bytes of one file from an offset on, decompressed. */
export interface Bytes {
  readonly gzip: boolean;
  /** Fills `into` from `at` on; gives the number of bytes, 0 at the end of what there is now. */
  read(into: Buffer, at: number): Promise<number>;
  /** Of the file that is open, also when its name is gone; undefined for gzip. */
  identity(): Promise<{ readonly inode: number; readonly size: number } | undefined>;
  close(): Promise<void>;
}

/** Opens a file; gzip is told by the extension `.gz` or the first two bytes. Rejects where it can't be read. */
export async function openBytes(path: string, offset: number): Promise<Bytes> {
  const file = await open(path, 'r');
  try {
    const magic = Buffer.alloc(2);
    const { bytesRead } = await file.read(magic, 0, 2, 0);
    if (path.endsWith('.gz') || (bytesRead === 2 && magic[0] === 0x1f && magic[1] === 0x8b)) {
      await file.close();
      return new GzipBytes(path, offset);
    }
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  return new PlainBytes(file, offset);
}

class PlainBytes implements Bytes {
  readonly gzip = false;
  readonly #file: FileHandle;
  #offset: number;

  constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  async read(into: Buffer, at: number): Promise<number> {
    const { bytesRead } = await this.#file.read(into, at, into.length - at, this.#offset);
    this.#offset += bytesRead;
    return bytesRead;
  }

  async identity(): Promise<{ inode: number; size: number }> {
    const { ino, size } = await this.#file.stat();
    return { inode: ino, size };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A gzip file can only be read from its beginning: what lies before the offset is read and dropped. */
class GzipBytes implements Bytes {
  readonly gzip = true;
  readonly #stream: Gunzip;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #skip: number;

  constructor(path: string, offset: number) {
    const file = createReadStream(path);
    this.#stream = createGunzip();
    file.on('error', (error) => this.#stream.destroy(error));
    this.#stream.on('close', () => file.destroy());
    file.pipe(this.#stream);
    this.#chunks = this.#stream[Symbol.asyncIterator]();
    this.#skip = offset;
  }

  async read(into: Buffer, at: number): Promise<number> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return 0;
      const dropped = Math.min(this.#skip, next.value.length);
      this.#skip -= dropped;
      this.#chunk = next.value.subarray(dropped);
    }
    const count = this.#chunk.copy(into, at);
    this.#chunk = this.#chunk.subarray(count);
    return count;
  }

  identity(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }
}

/** Bytes of a file's beginning by which it is known again. */
const RECOGNISED_BYTES = 1_024;

/** Passes bytes through and keeps the beginning of the file, by whose hash it is known again after a rotation or a restart. */
export class KnownBytes implements Bytes {
  readonly gzip: boolean;
  readonly #bytes: Bytes;
  readonly #beginning = Buffer.alloc(RECOGNISED_BYTES);
  #length = 0;

  /** `before`: the bytes that lie before where `bytes` begins, or the first of them. */
  constructor(bytes: Bytes, before?: KnownBytes) {
    this.gzip = bytes.gzip;
    this.#bytes = bytes;
    if (before !== undefined) this.#length = before.#beginning.copy(this.#beginning, 0, 0, before.#length);
  }

  async read(into: Buffer, at: number): Promise<number> {
    const count = await this.#bytes.read(into, at);
    this.#length += into.copy(this.#beginning, this.#length, at, at + count);
    return count;
  }

  /** Drops what lies at or after `offset`. */
  cut(offset: number): this {
    this.#length = Math.min(this.#length, offset);
    return this;
  }

  /** Whether what lies before `offset`, or enough of it, has been seen. */
  knows(offset: number): boolean {
    return this.#length >= Math.min(offset, RECOGNISED_BYTES);
  }

  /** Hash of the beginning, as far as it lies before `offset`. */
  start(offset: number): number {
    return hash32(this.#beginning.toString('latin1', 0, Math.min(offset, this.#length)));
  }

  identity(): Promise<{ readonly inode: number; readonly size: number } | undefined> {
    return this.#bytes.identity();
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }
}
