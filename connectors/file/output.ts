import { createReadStream } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';

const compress = promisify(gzip);

/** Text kept in memory before it is written: large enough that a write is cheap, and of gzip a member compresses well. */
const BUFFER_CHARS = 256 << 10;

/**
 * Text appended to a file whose length is its position: what a crash left after it is cut off. With gzip
 * each write is a member of its own, so that a file cut at a position is still a whole gzip file.
 */
export class OutputFile {
  readonly path: string;
  readonly #gzip: boolean;
  #file: FileHandle | undefined;
  #text = '';
  #length = 0;

  constructor(path: string) {
    this.path = path;
    this.#gzip = path.endsWith('.gz');
  }

  /** Bytes on disk, without what is buffered. */
  get length(): number {
    return this.#length;
  }

  /** Something was put that `drain` has not written. */
  get waiting(): boolean {
    return this.#text !== '';
  }

  get full(): boolean {
    return this.#text.length >= BUFFER_CHARS;
  }

  /** Opens with the first `length` bytes kept, `Infinity`: all of them. Makes folders. Rejects where the file is shorter than that. */
  async open(length: number): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    // Not O_APPEND: Linux would ignore the place of a write. Made where it is missing, kept where it is not.
    await (await open(this.path, 'a')).close();
    this.#file = await open(this.path, 'r+');
    try {
      await this.#cut(this.#file, length);
    } catch (error) {
      await this.#file.close();
      this.#file = undefined;
      throw error;
    }
  }

  async #cut(file: FileHandle, length: number): Promise<void> {
    const { size } = await file.stat();
    if (length !== Infinity && size < length) {
      throw new Error(`${this.path} is ${size} bytes long, but the checkpoint had written ${length}: put it back, or start anew without the checkpoint`);
    }
    if (size === 0) await syncFolder(dirname(this.path));
    this.#length = Math.min(size, length);
    if (this.#length < size) await file.truncate(this.#length);
  }

  put(text: string): void {
    this.#text += text;
  }

  /** Hands everything to the operating system. After a failure it can be called again. */
  async drain(): Promise<void> {
    if (this.#text === '') return;
    const bytes: Buffer = this.#gzip ? await compress(this.#text) : Buffer.from(this.#text);
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file!.write(bytes, done, bytes.length - done, this.#length + done)).bytesWritten;
    }
    this.#length += bytes.length;
    this.#text = '';
  }

  /** Makes everything durable; gives the length. */
  async flush(): Promise<number> {
    await this.drain();
    await this.#file!.datasync();
    return this.#length;
  }

  /** The first line of the file as it was opened; undefined where it is empty. */
  async firstLine(): Promise<string | undefined> {
    if (this.#length === 0) return undefined;
    const bytes = createReadStream(this.path, { end: this.#length - 1 });
    const lines = createInterface({ input: this.#gzip ? bytes.pipe(createGunzip()) : bytes, crlfDelay: Infinity });
    try {
      for await (const line of lines) return line;
      return undefined;
    } finally {
      lines.close();
      bytes.destroy();
    }
  }

  async close(): Promise<void> {
    if (this.#file === undefined) return;
    await this.flush();
    await this.#file.close();
    this.#file = undefined;
  }
}

/** A new file's name is durable only with its folder; Windows needs and allows no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}
