import type { Clock, Time } from './clock.js';
import type { Position } from './connector.js';
import { Deferred } from './deferred.js';
import { DiskLog } from './disk-log.js';
import { SPOOL_MEMORY_BYTES } from './limits.js';
import { pause, systemTimers, type Timers } from './timers.js';

/** Of the bound, for one record: so there is room for the next whenever all before it are taken, though the newest segment stays. */
const RECORD_SHARE = 1 / 4;

/** A record on disk begins with the time at which it was appended, as f64. */
const TIME_BYTES = 8;

export interface SpoolRecord {
  readonly sequence: number;
  /** Wall clock when it was appended. */
  readonly time: Time;
  readonly bytes: Uint8Array;
}

interface Held extends SpoolRecord {
  /** Settles when it is on disk; undefined while it is in memory alone. */
  stored: Promise<number> | undefined;
}

export interface SpoolOptions {
  /** Bound in bytes. */
  readonly limit: number;
  /** That of the checkpoint restored; undefined: a new run. */
  readonly from: Position | undefined;
  readonly clock: Clock;
  /** Records are damaged and will not be sent. */
  readonly damaged: (message: string) => void;
  /** Bytes kept in memory; default: the engine's limit. */
  readonly memory?: number;
  /** Where memory is used up: ms that an append waits for the store to take something, before the disk is used. Default: none. */
  readonly patience?: number;
  /** Default: those of the system. */
  readonly timers?: Timers;
  /** The bytes of a record, as they were appended, are not looked at any more: their memory may be used again. */
  readonly released?: (bytes: Uint8Array) => void;
}

/** How much waits. */
export interface SpoolFigures {
  readonly records: number;
  /** Of the bound; disk is given back a segment at a time. */
  readonly bytes: number;
  readonly limit: number;
  /** When the oldest record was appended, as far as it has been looked at. */
  readonly oldest: Time | undefined;
}

/**
 * What a sink has taken and its store has not: a queue of records, bounded, which goes on taking them while the store is
 * away. A record leaves it by the store's answer alone. Records are numbered; the sink's position is the number of the last
 * one, and of the last that the store has. What the store takes before the next `flush` never touches the disk; at `flush`,
 * and when memory is used up, what is left is written, once.
 *
 * Opened at a position it forgets the records after it, which are written again, and sends those again that the store may
 * have taken since: only for a store in which the same record twice is the same as once. A new run finds the records of an
 * older one, and sends these first: no source may give them again.
 */
export class Spool {
  readonly #log: DiskLog;
  readonly #options: SpoolOptions;
  readonly #memory: number;
  readonly #patience: number;
  /** The newest records; those before are on disk alone. */
  readonly #held: Held[] = [];
  #heldBytes = 0;
  /** Bytes on disk of those that are not there yet. */
  #unstored = 0;
  #appended: number;
  #acknowledged: number;
  /** What was acknowledged when the store was waited for in vain: it is not waited for again before it takes something. */
  #awaited = -1;
  /** The last record that whoever reads was given from memory: he may still look at it until he acknowledges it. */
  #lent = 0;
  /** Records that he was given and memory has let go of. */
  readonly #lentOnly: Held[] = [];
  #oldest: Time | undefined;
  /** A write failed: records would be missing between others, so the sink must fail, and the next run writes them again. */
  #failure: Error | undefined;
  #closed = false;
  #aborted = false;
  /** Resolved, and replaced, when something was appended, acknowledged or closed. */
  #changed = new Deferred<void>();

  private constructor(log: DiskLog, options: SpoolOptions) {
    this.#log = log;
    this.#options = options;
    this.#memory = options.memory ?? SPOOL_MEMORY_BYTES;
    this.#patience = options.patience ?? 0;
    const from = options.from as { appended: number; acknowledged: number } | undefined;
    this.#appended = from?.appended ?? log.next - 1;
    // What is no longer on disk went to the store before the crash.
    this.#acknowledged = Math.max(from?.acknowledged ?? 0, log.oldest - 1);
  }

  static async open(folder: string, options: SpoolOptions): Promise<Spool> {
    const { limit, damaged } = options;
    const from = options.from as { appended: number } | undefined;
    const log = await DiskLog.open(folder, { limit, warn: damaged, ...(from !== undefined && { after: from.appended, upTo: from.appended }) });
    return new Spool(log, options);
  }

  get figures(): SpoolFigures {
    return { records: this.#appended - this.#acknowledged, bytes: this.#bytes, limit: this.#options.limit, oldest: this.#oldest ?? this.#held[0]?.time };
  }

  /** The largest record that it takes. */
  get most(): number {
    return Math.floor(this.#options.limit * RECORD_SHARE) - DiskLog.sizeOf(TIME_BYTES);
  }

  /** Takes a record; at the bound it waits for the store. The bytes are the spool's from now on. */
  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.most) throw new Error(`a record of ${bytes.length} bytes does not fit a spool of ${this.#options.limit}: at most ${this.most}`);
    const size = sizeOnDisk(bytes);
    while (this.#usable() && this.#bytes + size > this.#options.limit) {
      this.#assertWaiting();
      await this.#changed.promise;
    }
    this.#held.push({ sequence: (this.#appended += 1), time: this.#options.clock.now(), bytes, stored: undefined });
    this.#heldBytes += bytes.length;
    this.#unstored += size;
    this.#tell();
    if (this.#patience > 0) await this.#forRoom();
    if (this.#heldBytes > this.#memory) await this.#letGo();
  }

  /** Resolves when everything appended is on disk, or with the store. */
  async flush(): Promise<Position> {
    this.#usable();
    const position = { appended: this.#appended, acknowledged: this.#acknowledged };
    await this.#store(this.#held);
    return position;
  }

  /** The oldest records that were not acknowledged, about `limitBytes` of them, at least one: waits for it. Undefined once it is closed. */
  async next(limitBytes: number): Promise<readonly SpoolRecord[] | undefined> {
    while (!this.#closed) {
      const after = this.#acknowledged;
      const records = this.#held[0]?.sequence === after + 1 ? this.#fromMemory(limitBytes) : after < this.#appended ? await this.#fromDisk(after, limitBytes) : [];
      this.#oldest = records[0]?.time;
      if (records.length > 0) return records;
      if (after === this.#acknowledged && !this.#closed) await this.#changed.promise;
    }
    return undefined;
  }

  /** The store has the records up to this one; whoever was given them looks at them no more. */
  async acknowledge(upTo: number): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, upTo);
    this.#oldest = undefined;
    while (this.#lentOnly[0] !== undefined && this.#lentOnly[0].sequence <= upTo) this.#release(this.#lentOnly.shift()!);
    while (this.#held[0] !== undefined && this.#held[0].sequence <= upTo) {
      const record = this.#held.shift()!;
      this.#heldBytes -= record.bytes.length;
      if (record.stored === undefined) this.#unstored -= sizeOnDisk(record.bytes);
      this.#release(record);
    }
    await this.#log.drop(this.#acknowledged);
    this.#tell();
  }

  /** Resolves when the store has everything, or it is closed. */
  async drained(): Promise<void> {
    while (!this.#closed && this.#acknowledged < this.#appended) {
      this.#assertWaiting();
      await this.#changed.promise;
    }
  }

  /** Nobody waits for the store any more: appends at the bound are rejected, and whoever waits until it is drained. */
  abort(): void {
    this.#aborted = true;
    this.#tell();
  }

  /** Appends that wait are rejected. What was not flushed is forgotten: it belongs to no checkpoint. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tell();
    await this.#log.close();
  }

  get #bytes(): number {
    return this.#log.bytes + this.#unstored;
  }

  #usable(): true {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new Error('the spool is closed');
    return true;
  }

  #assertWaiting(): void {
    if (this.#aborted) throw new Error('the store is not waited for any more: the graph is being closed');
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = new Deferred();
  }

  /** Waits until there is room in memory, or the store takes nothing for a while, or will not be waited for. */
  async #forRoom(): Promise<void> {
    while (this.#usable() && this.#heldBytes > this.#memory && this.#acknowledged !== this.#awaited && !this.#aborted) {
      const before = this.#acknowledged;
      const changed = new AbortController();
      await Promise.race([this.#changed.promise, pause(this.#options.timers ?? systemTimers, this.#patience, changed.signal)]);
      changed.abort();
      if (this.#acknowledged === before) this.#awaited = before;
    }
  }

  /** Half of the memory at once, so that many records share the wait for the disk. */
  async #letGo(): Promise<void> {
    let bytes = this.#heldBytes;
    const going: Held[] = [];
    for (const record of this.#held) {
      if (bytes <= this.#memory / 2) break;
      going.push(record);
      bytes -= record.bytes.length;
    }
    await this.#store(going);
    const last = going.at(-1)!.sequence;
    while (this.#held[0] !== undefined && this.#held[0].sequence <= last) {
      const record = this.#held.shift()!;
      this.#heldBytes -= record.bytes.length;
      if (record.sequence > this.#lent) this.#release(record);
      else this.#lentOnly.push(record);
    }
  }

  /** Once nobody reads it, and it is not being written. */
  #release({ bytes, stored }: Held): void {
    const { released } = this.#options;
    if (released === undefined) return;
    if (stored === undefined) released(bytes);
    else void stored.catch(() => undefined).then(() => released(bytes));
  }

  async #store(records: readonly Held[]): Promise<void> {
    try {
      await Promise.all(records.map((record) => (record.stored ??= this.#write(record))));
    } catch (error) {
      this.#failure ??= error as Error;
      this.#tell();
      throw error;
    }
  }

  #write({ sequence, time, bytes }: Held): Promise<number> {
    const appended = new Uint8Array(TIME_BYTES);
    new DataView(appended.buffer).setFloat64(0, time, true);
    this.#unstored -= sizeOnDisk(bytes);
    return this.#log.append([appended, bytes], sequence);
  }

  #fromMemory(limitBytes: number): SpoolRecord[] {
    let taken = 0;
    const end = this.#held.findIndex(({ bytes }) => (taken += bytes.length) >= limitBytes);
    const given = end < 0 ? [...this.#held] : this.#held.slice(0, end + 1);
    this.#lent = Math.max(this.#lent, given.at(-1)!.sequence);
    return given;
  }

  /** Nothing where all that is not in memory is damaged, or went to the store before a crash: it is passed over. */
  async #fromDisk(after: number, limitBytes: number): Promise<SpoolRecord[]> {
    // Taken before the look: what is let go of meanwhile may not be seen.
    const inMemory = this.#held[0]?.sequence ?? this.#appended + 1;
    const { records } = await this.#log.read(after, limitBytes);
    if (records.length === 0) await this.acknowledge(inMemory - 1);
    return records.map(({ sequence, bytes }) => ({ sequence, time: new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true), bytes: bytes.subarray(TIME_BYTES) }));
  }
}

function sizeOnDisk(bytes: Uint8Array): number {
  return DiskLog.sizeOf(TIME_BYTES + bytes.length);
}
