import { join } from 'node:path';
import { AppendFile, EndUnknown, lengthOf } from './append-file.js';
import { checksum } from './checksum.js';
import { syncFolder, systemFiles, type Files, type OpenFile } from './files.js';

/** A segment takes no more records past this, or a quarter of the bound; whole segments are dropped, so this much lies about needlessly at most. */
const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Header of a record, little endian u32: mark, checksum of what follows, length of the payload, sequence (low and high half). */
const HEADER = 20;
const MARK = 0x314c524d;
const MARK_BYTES = Buffer.from('MRL1');

/** The log has reached its bound: what is in it must be read and dropped first. */
export class LogFull extends Error {
  override readonly name = 'LogFull';
}

export interface LogRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

interface Found extends LogRecord {
  /** Where it ends in its segment. */
  readonly end: number;
}

interface Segment {
  readonly path: string;
  /** Sequence of its first record. */
  readonly first: number;
  /** Bytes taken, and those on disk for certain. */
  size: number;
  durable: number;
  /** Undefined where it is of an earlier run and only read. */
  file: Promise<AppendFile> | undefined;
}

/**
 * A log on disk for what can't be asked again. Each record has a sequence number that grows, over
 * restarts too. Files of the folder: `SEQUENCE.log`, named by their first record. Damage costs the
 * damaged records only, and is told. One reader, any number of writers.
 *
 * A record whose append resolved is read back, whatever happens. One whose append rejected is not, not after a crash
 * either, so whoever is told so may decide otherwise or try again. Where the disk allows neither, the append rejects with
 * `EndUnknown`, and the log takes nothing more until it is opened again: that settles for good which records there are.
 */
export class DiskLog {
  readonly #folder: string;
  readonly #limit: number;
  readonly #warn: (message: string) => void;
  readonly #files: Files;
  readonly #reserve: number;
  readonly #segments: Segment[] = [];
  /** Sequences: of the next record, and of the newest that is on disk. */
  #next = 1;
  #durable = 0;
  #closed = false;
  /** Why nothing is taken any more. */
  #broken: EndUnknown | undefined;
  /** Settles with the newest append. */
  #tail: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];
  /** Where the reader is. */
  #cursor: { readonly after: number; readonly segment: Segment; readonly offset: number } | undefined;

  private constructor(folder: string, limit: number, warn: (message: string) => void, files: Files, reserve: number) {
    this.#reserve = reserve;
    this.#folder = folder;
    this.#limit = limit;
    this.#warn = warn;
    this.#files = files;
  }

  /**
   * Makes the folder, and cuts off a record that a crash left half-written. `limit`: bound in bytes.
   * `after`: the next sequence is greater than this, also where the files are gone. `upTo`: records after it are forgotten.
   * `reserve`: bytes that are laid by, for when the disk is full.
   */
  static async open(folder: string, options: { limit: number; after?: number; upTo?: number; reserve?: number; warn?: (message: string) => void; files?: Files }): Promise<DiskLog> {
    const { upTo = Infinity, reserve = 0, files = systemFiles } = options;
    await files.mkdir(folder, { recursive: true });
    const log = new DiskLog(folder, options.limit, options.warn ?? (() => {}), files, reserve);
    const names = (await files.readdir(folder)).filter((name) => /^\d+\.log$/.test(name));
    for (const first of names.map((name) => Number(name.slice(0, -4))).sort((a, b) => a - b)) {
      const path = join(folder, `${first}.log`);
      const { size } = await files.stat(path);
      const segment: Segment = { path, first, size, durable: size, file: undefined };
      if (first <= upTo) log.#segments.push(segment);
      else await log.#remove(segment);
    }
    // Also what a process began that was killed before it had synced the folder: what is appended to it must not go with it.
    if (names.length > 0) await syncFolder(folder, files);
    await log.#reopenNewest(upTo);
    log.#next = Math.max(log.#next, (options.after ?? 0) + 1);
    if (reserve > 0) await log.#writable(log.#next).file;
    return log;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  /** Sequence of the next record, unless it is given a greater one. */
  get next(): number {
    return this.#next;
  }

  /** Records before this have been dropped. */
  get oldest(): number {
    return this.#segments[0]?.first ?? this.#next;
  }

  /** Bytes that a record takes on disk. */
  static sizeOf(bytes: number): number {
    return HEADER + bytes;
  }

  /**
   * Resolves with the record's sequence once it is on disk; concurrent appends share one fdatasync. Rejects with `LogFull`
   * at the bound, with `EndUnknown` where it may be on disk all the same. The bytes, which may come in parts, must not change
   * until it settles. A writer that numbers its records itself gives `sequence`, always a greater one.
   */
  append(bytes: Uint8Array | readonly Uint8Array[], sequence = this.#next): Promise<number> {
    // Another may have opened it since: what is written here would go over what he writes.
    if (this.#closed) return Promise.reject(new Error(`the log ${this.#folder} is closed`));
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
    const length = lengthOf(parts);
    if (this.bytes + HEADER + length > this.#limit) return Promise.reject(new LogFull(`the log ${this.#folder} has reached its ${this.#limit} bytes`));
    this.#next = sequence + 1;
    const segment = this.#writable(sequence);
    segment.size += HEADER + length;
    const appended = this.#appendTo(segment, sequence, [headerOf(sequence, parts, length), ...parts], HEADER + length);
    this.#tail = appended.catch(() => {});
    return appended;
  }

  /**
   * Records after a sequence, in order, about `limitBytes` of them, at least one if there is any. `upTo`
   * is where to go on from; it is beyond the last record where damaged ones were skipped.
   */
  async read(after: number, limitBytes: number): Promise<{ records: LogRecord[]; upTo: number }> {
    const durable = this.#durable;
    const records: LogRecord[] = [];
    let { segment, offset } = this.#find(after);
    let taken = 0;
    while (segment !== undefined && taken < limitBytes) {
      if (offset < segment.durable) {
        const { found, end } = await this.#scan(segment, offset, limitBytes - taken);
        offset = end;
        for (const record of found) {
          if (record.sequence <= after) continue;
          taken += HEADER + record.bytes.length;
          records.push({ sequence: record.sequence, bytes: record.bytes });
        }
      } else {
        const following = this.#segments[this.#segments.indexOf(segment) + 1];
        if (following === undefined) break;
        segment = following;
        offset = 0;
      }
    }
    const upTo = taken < limitBytes ? Math.max(after, durable, records.at(-1)?.sequence ?? 0) : records.at(-1)!.sequence;
    if (segment !== undefined) this.#cursor = { after: upTo, segment, offset };
    return { records, upTo };
  }

  /** Resolves when there is something to read after a sequence, or the signal aborts; rejects where nothing will come. */
  async wait(after: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#durable <= after) {
      if (this.#broken !== undefined) throw this.#broken;
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          this.#waiting = this.#waiting.filter((each) => each !== done);
          resolve();
        };
        signal.addEventListener('abort', done);
        this.#waiting.push(done);
      });
    }
  }

  /** Gives up records up to a sequence. Whole segments are removed; the newest stays. */
  async drop(upTo: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.first <= upTo + 1) {
      await this.#remove(this.#segments.shift()!);
    }
  }

  /** Waits for the appends under way, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
    for (const segment of this.#segments) await closeSegment(segment);
  }

  async #appendTo(segment: Segment, sequence: number, record: readonly Uint8Array[], size: number): Promise<number> {
    try {
      const file = await segment.file!;
      const end = file.size + size;
      await file.append(record);
      segment.durable = end;
      this.#durable = sequence;
    } catch (error) {
      segment.size -= size;
      if (error instanceof EndUnknown) this.#broken = error;
      throw error;
    } finally {
      for (const done of this.#waiting) done();
    }
    return sequence;
  }

  async #remove(segment: Segment): Promise<void> {
    await closeSegment(segment);
    await this.#files.rm(segment.path, { force: true });
  }

  /** The segment that takes the next record. */
  #writable(sequence: number): Segment {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.size < Math.min(SEGMENT_BYTES, this.#limit / 4)) return newest;
    const path = join(this.#folder, `${sequence}.log`);
    // After the appends before: so records become durable in order, whatever their segment.
    const file = this.#tail.then(() => this.#begin(path));
    const segment: Segment = { path, first: sequence, size: 0, durable: 0, file };
    this.#segments.push(segment);
    // One that can't be opened is given up: the next record begins another.
    file.catch(() => {
      const at = this.#segments.indexOf(segment);
      if (at >= 0) this.#segments.splice(at, 1);
    });
    return segment;
  }

  async #begin(path: string): Promise<AppendFile> {
    const file = await AppendFile.open(path, { durable: true, reserve: this.#reserve, files: this.#files });
    try {
      await syncFolder(this.#folder, this.#files);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The newest segment goes on where its last sound record ends, of those up to a sequence. */
  async #reopenNewest(upTo: number): Promise<void> {
    const segment = this.#segments.at(-1);
    if (segment === undefined) return;
    this.#durable = segment.first - 1;
    let end = 0;
    for (let offset = 0; offset < segment.durable; ) {
      const part = await this.#scan(segment, offset, SEGMENT_BYTES);
      const kept = part.found.filter(({ sequence }) => sequence <= upTo);
      const last = kept.at(-1);
      if (last !== undefined) [this.#durable, end] = [last.sequence, last.end];
      if (kept.length < part.found.length) break;
      offset = part.end;
    }
    this.#next = this.#durable + 1;
    segment.file = Promise.resolve(await AppendFile.open(segment.path, { size: end, durable: true, reserve: this.#reserve, files: this.#files }));
    segment.size = segment.durable = end;
  }

  #find(after: number): { segment: Segment | undefined; offset: number } {
    if (this.#cursor?.after === after && this.#segments.includes(this.#cursor.segment)) return this.#cursor;
    return { segment: this.#segments.findLast(({ first }) => first <= after + 1) ?? this.#segments[0], offset: 0 };
  }

  /** Records from `offset` on, about `limit` bytes of them. `end`: where to go on. */
  async #scan(segment: Segment, offset: number, limit: number): Promise<{ found: Found[]; end: number }> {
    const left = segment.durable - offset;
    const file = await this.#files.open(segment.path, 'r');
    try {
      let bytes = await readAt(file, offset, Math.min(left, Math.max(limit, HEADER)));
      const first = sizeAt(bytes, 0);
      if (first !== undefined && first > bytes.length && first <= left) bytes = await readAt(file, offset, first);
      // A file that has been cut short ends here too.
      const last = bytes.length === left || bytes.length < Math.max(limit, HEADER);
      const found: Found[] = [];
      let sound = 0;
      let at = 0;
      while (at < bytes.length) {
        const size = sizeAt(bytes, at);
        // Goes on behind what was read: the next call reads it whole.
        if (at > 0 && !last && (bytes.length - at < HEADER || (size !== undefined && at + size > bytes.length && at + size <= left))) break;
        const record = size === undefined ? undefined : decode(bytes, at, size);
        if (record === undefined) at = nextMark(bytes, at + 1, last);
        else {
          if (at > sound) this.#tellDamage(segment, offset + sound, offset + at);
          at += size!;
          sound = at;
          found.push({ ...record, end: offset + at });
        }
      }
      // Zeros are what was laid by.
      if (at > sound && !isZero(bytes.subarray(sound))) this.#tellDamage(segment, offset + sound, offset + at);
      return { found, end: last ? offset + left : offset + at };
    } finally {
      await file.close();
    }
  }

  #tellDamage(segment: Segment, from: number, to: number): void {
    this.#warn(`${segment.path}: bytes ${from} to ${to} are not a whole record and are skipped`);
  }
}

function headerOf(sequence: number, parts: readonly Uint8Array[], length: number): Uint8Array {
  const header = new Uint8Array(HEADER);
  const view = new DataView(header.buffer);
  view.setUint32(0, MARK, true);
  view.setUint32(8, length, true);
  view.setUint32(12, sequence >>> 0, true);
  view.setUint32(16, Math.floor(sequence / 2 ** 32), true);
  view.setUint32(4, parts.reduce((crc, part) => checksum(part, crc), checksum(header.subarray(8))), true);
  return header;
}

/** Length of the record that begins at `at`, header and all; undefined where none does. */
function sizeAt(bytes: Uint8Array, at: number): number | undefined {
  if (at + HEADER > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  return view.getUint32(0, true) === MARK ? HEADER + view.getUint32(8, true) : undefined;
}

function decode(bytes: Uint8Array, at: number, size: number): LogRecord | undefined {
  if (at + size > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  if (checksum(bytes.subarray(at + 8, at + size)) !== view.getUint32(4, true)) return undefined;
  return { sequence: view.getUint32(12, true) + view.getUint32(16, true) * 2 ** 32, bytes: bytes.subarray(at + HEADER, at + size) };
}

/** Each byte is the one before it, and the first is zero. */
function isZero(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}

/** Where the next record may begin. One may also begin in the last bytes, unless they are the last of the file. */
function nextMark(bytes: Uint8Array, from: number, last: boolean): number {
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(MARK_BYTES, from);
  const at = found >= 0 && found + HEADER <= bytes.length ? found : Math.max(from, bytes.length - HEADER + 1);
  return last && at + HEADER > bytes.length ? bytes.length : at;
}

async function readAt(file: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function closeSegment(segment: Segment): Promise<void> {
  // A file that could not be opened has nothing to close.
  const file = await segment.file?.catch(() => undefined);
  await file?.close();
}
