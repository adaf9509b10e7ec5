import { join } from 'node:path';
import type { ConnectorContext, Intake } from '../../engine/connector.js';
import { DiskLog, LogFull, type LogRecord } from '../../engine/disk-log.js';
import { HttpError } from '../../engine/routes.js';
import { headerOf, postOf, type NewPost } from './post.js';
import type { PostDecoder, Rows } from './post-decoder.js';

/** Read from the log at once: some thousand samples. */
const READ_BYTES = 256 * 1024;

/** Rows that are on disk and wait in memory as well, so that they need not be read and decoded again: some 30 MB. Past it the log has them. */
const WAITING_ROWS = 1_000_000;

/** What a publisher is asked to wait for before it tries again: about the time between two checkpoints, which empty the log. */
const RETRY_SECONDS = '10';

interface Waiting {
  readonly sequence: number;
  readonly rows: Rows;
}

/**
 * What was accepted and no checkpoint covers yet: the bodies on disk, in the order in which they are handed on.
 * What was decoded when it came is handed on as it is, once it is on disk, if the engine keeps up; else it is read from the log.
 */
export class SampleLog {
  readonly #context: ConnectorContext;
  readonly #decoder: PostDecoder;
  readonly #mostWaiting: number;
  #log: DiskLog | undefined;
  /** Sequence of the last post handed on. */
  #position = 0;
  /** Read from the log, and next to be handed on. */
  #ahead: LogRecord[] = [];
  /** Posts after those, in memory. */
  #waiting: Waiting[] = [];
  #waitingRows = 0;
  /** The next post may be only in the log: nothing more comes to wait until all that is there has been read. */
  #behind = true;
  /** The newest post that is only in the log. */
  #unheld = 0;

  constructor(context: ConnectorContext, decoder: PostDecoder, waitingRows = WAITING_ROWS) {
    this.#context = context;
    this.#decoder = decoder;
    this.#mostWaiting = waitingRows;
  }

  /** `limit`: its bound in bytes. `position`: of the last post handed on. */
  async open(limit: number, position: number): Promise<void> {
    const { folder, log, node } = this.#context;
    this.#position = position;
    this.#log = await DiskLog.open(join(folder, 'log'), { limit, after: position, warn: (message) => log.warn({ node }, message) });
  }

  get position(): number {
    return this.#position;
  }

  get isOpen(): boolean {
    return this.#log !== undefined;
  }

  /** Resolves when the post is on disk. Rejects with an `HttpError`: 429 when the log is full, 503 when it can't be written. */
  async keep(post: NewPost, rows: Rows): Promise<void> {
    if (this.#log === undefined) throw new HttpError(503, 'Not ready', 'The graph is starting or stopping: try again.', { headers: { 'retry-after': '1' } });
    try {
      const sequence = await this.#log.append([headerOf(post), post.body]);
      this.#context.count('accepted', rows.length);
      this.#wait(sequence, rows);
    } catch (error) {
      const headers = { 'retry-after': RETRY_SECONDS };
      if (error instanceof LogFull) {
        this.#context.count('log_full', rows.length);
        throw new HttpError(429, 'Too many samples', 'The log of accepted samples is full, because they are not processed as fast as they come: slow down and try again.', { headers });
      }
      this.#context.log.error({ err: error, node: this.#context.node }, 'posted samples cannot be logged');
      throw new HttpError(503, 'Not accepted', 'The samples could not be written to disk: try again later.', { headers });
    }
  }

  /** Appends resolve in the order of their sequence. */
  #wait(sequence: number, rows: Rows): void {
    if (this.#waitingRows + rows.length > this.#mostWaiting) this.#behind = true;
    if (this.#behind) this.#unheld = sequence;
    else {
      this.#waiting.push({ sequence, rows });
      this.#waitingRows += rows.length;
    }
  }

  /** Hands on whole posts, about `limit` rows; waits for the first until `signal` aborts. */
  async read(into: Intake, limit: number, signal: AbortSignal): Promise<void> {
    const log = this.#log!;
    while (into.length === 0 && !signal.aborted) {
      if (this.#ahead.length > 0) this.#decode(into, limit);
      else if (this.#waiting.length > 0) this.#handOn(into, limit);
      else if (this.#behind) await this.#readAhead(log);
      else await log.wait(this.#position, signal);
    }
  }

  #decode(into: Intake, limit: number): void {
    let taken = 0;
    for (; taken < this.#ahead.length && into.length < limit; taken++) {
      const { sequence, bytes } = this.#ahead[taken]!;
      this.#decoder.decode(postOf(bytes)).rows.addTo(into);
      this.#position = sequence;
    }
    this.#ahead.splice(0, taken);
  }

  #handOn(into: Intake, limit: number): void {
    let taken = 0;
    for (; taken < this.#waiting.length && into.length < limit; taken++) {
      const { sequence, rows } = this.#waiting[taken]!;
      this.#waitingRows -= rows.length;
      // On disk, and read from there, before it was answered.
      if (sequence <= this.#position) continue;
      rows.addTo(into);
      this.#position = sequence;
    }
    this.#waiting.splice(0, taken);
  }

  async #readAhead(log: DiskLog): Promise<void> {
    const { records, upTo } = await log.read(this.#position, READ_BYTES);
    this.#ahead = records;
    if (records.length > 0) return;
    this.#position = upTo;
    // Whatever is answered from now on is handed on from memory.
    if (upTo >= this.#unheld) this.#behind = false;
  }

  /** Whether a post of this key is in the log. */
  async holds(key: string): Promise<boolean> {
    const log = this.#log;
    for (let at = 0; log !== undefined; ) {
      const { records, upTo } = await log.read(at, READ_BYTES);
      if (records.some(({ bytes }) => postOf(bytes).key === key)) return true;
      if (records.length === 0) break;
      at = upTo;
    }
    return false;
  }

  async drop(upTo: number): Promise<void> {
    await this.#log?.drop(upTo);
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }
}
