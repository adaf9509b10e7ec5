import { systemFiles, type Files, type OpenFile } from './files.js';

/** Buffers and bytes of one gathered write: as many as the kernel takes at once, and short enough that the next ones don't wait long. */
const WRITE_BUFFERS = 512;
const WRITE_BYTES = 8 * 1024 * 1024;

interface Pending {
  readonly parts: readonly Uint8Array[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A write failed, and what it left behind could not be cut off: whether it is in the file is not known until that is opened again. */
export class EndUnknown extends Error {
  override readonly name = 'EndUnknown';
}

/**
 * A file that grows at its end. Appends may be made concurrently: those made while a write is under way
 * are gathered into the next one. Writing is done off the main thread.
 *
 * Of a durable file an append that rejects leaves nothing behind, not after a crash either: it is cut off before
 * anyone is told, and the file goes on. Where the disk does not let it be cut off, appends reject with `EndUnknown`.
 * Any other file takes nothing more after a failed write.
 */
export class AppendFile {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #durable: boolean;
  readonly #reserve: number;
  /** Where the next bytes go, where the next write goes, and what is synced. */
  #end: number;
  #written: number;
  #synced: number;
  #pending: Pending[] = [];
  #pump: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(path: string, file: OpenFile, size: number, durable: boolean, reserve: number) {
    this.path = path;
    this.#file = file;
    this.#end = size;
    this.#written = size;
    this.#synced = size;
    this.#durable = durable;
    this.#reserve = reserve;
  }

  /**
   * `size`: bytes to keep of an existing file, what follows is cut off. `durable`: what is kept is on disk then, and an append
   * resolves when it is, one fdatasync for all that were gathered. `reserve`: so many bytes behind its end are taken now, as zeros, where the disk has them:
   * they can be written when it is full.
   */
  static async open(path: string, options: { size?: number; durable?: boolean; reserve?: number; files?: Files } = {}): Promise<AppendFile> {
    const { size = 0, durable = false, reserve = 0 } = options;
    const file = await (options.files ?? systemFiles).open(path, size === 0 ? 'w' : 'r+');
    const opened = new AppendFile(path, file, size, durable, reserve);
    try {
      if (size > 0) await file.truncate(size);
      // A process that was killed may have written what it did not sync: whoever reads it now must find it again.
      if (durable && options.size !== undefined) await file.datasync();
      await opened.#layBy();
    } catch (error) {
      await file.close();
      throw error;
    }
    return opened;
  }

  /** Bytes in the file once all appends have been written. */
  get size(): number {
    return this.#end;
  }

  /** Appends bytes, which may come in parts and must not change until the promise settles. They lie at what `size` was before the call. */
  append(bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
    this.#end += lengthOf(parts);
    return new Promise((resolve, reject) => {
      this.#pending.push({ parts, resolve, reject });
      this.#pump ??= this.#write();
    });
  }

  /** Waits for all appends and for the disk. */
  async sync(): Promise<void> {
    await this.#pump;
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#durable) await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#pump;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    // A turn later: whatever is appended in this one is gathered.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const group = this.#take();
      try {
        await this.#writeAll(group.flatMap((each) => each.parts));
        if (this.#durable) await this.#file.datasync();
      } catch (error) {
        const failure = await this.#fail(error);
        for (const each of [...group, ...this.#pending.splice(0)]) each.reject(failure);
        break;
      }
      this.#synced = this.#written;
      for (const each of group) each.resolve();
    }
    this.#pump = undefined;
  }

  #take(): Pending[] {
    let count = 0;
    for (let buffers = 0, bytes = 0; count < this.#pending.length && buffers < WRITE_BUFFERS && bytes < WRITE_BYTES; count++) {
      const { parts } = this.#pending[count]!;
      buffers += parts.length;
      bytes += lengthOf(parts);
    }
    return this.#pending.splice(0, count);
  }

  async #writeAll(buffers: Uint8Array[]): Promise<void> {
    while (buffers.length > 0) {
      let { bytesWritten } = await this.#file.writev(buffers, this.#written);
      this.#written += bytesWritten;
      // A disk that is nearly full takes a part: go on with the rest, which then fails with the reason.
      while (buffers.length > 0 && bytesWritten >= buffers[0]!.length) bytesWritten -= buffers.shift()!.length;
      if (bytesWritten > 0) buffers[0] = buffers[0]!.subarray(bytesWritten);
    }
  }

  /** What every append under way is told. */
  async #fail(cause: unknown): Promise<Error> {
    const failure = new Error(`${this.path} cannot be written: ${messageOf(cause)}`, { cause });
    if (!this.#durable) return (this.#failure = failure);
    try {
      await this.#file.truncate(this.#synced);
      await this.#file.datasync();
      this.#written = this.#synced;
      await this.#layBy();
      this.#end = this.#written;
      return failure;
    } catch (error) {
      return (this.#failure = new EndUnknown(`${failure.message}, and what was written of it cannot be cut off: ${messageOf(error)}`, { cause }));
    }
  }

  async #layBy(): Promise<void> {
    if (this.#reserve > 0) await this.#file.writev([new Uint8Array(this.#reserve)], this.#written).catch(() => undefined);
  }
}

/** Bytes of all parts. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
