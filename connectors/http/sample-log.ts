import { join } from 'node:path';
import type { ConnectorContext, Intake } from '../../engine/connector.js';
import { DiskLog, LogFull, type LogRecord } from '../../engine/disk-log.js';
import { HttpError } from '../../engine/routes.js';
import { FrameDecoder, isFrame } from '../payload/frame.js';
import { decodeSamples } from './messages.js';

/** Read from the log at once: some thousand samples. */
const READ_BYTES = 256 * 1024;

/** What a publisher is asked to wait for before it tries again: about the time between two checkpoints, which empty the log. */
const RETRY_SECONDS = '10';

/** What was accepted and no checkpoint covers yet: on disk, in the order in which it is read. */
export class SampleLog {
  readonly #context: ConnectorContext;
  readonly #frames = new FrameDecoder({ dictionaries: 0 });
  #log: DiskLog | undefined;
  /** Sequence of the last message handed on, and those read ahead. */
  #position = 0;
  #ahead: LogRecord[] = [];

  constructor(context: ConnectorContext) {
    this.#context = context;
  }

  /** `limit`: its bound in bytes. `position`: of the last message handed on. */
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

  /** Resolves when the samples are on disk. Rejects with an `HttpError`: 429 when the log is full, 503 when it can't be written. */
  async keep(record: Uint8Array, samples: number): Promise<void> {
    if (this.#log === undefined) throw new HttpError(503, 'Not ready', 'The graph is starting or stopping: try again.', { headers: { 'retry-after': '1' } });
    try {
      await this.#log.append(record);
      this.#context.count('accepted', samples);
    } catch (error) {
      const headers = { 'retry-after': RETRY_SECONDS };
      if (error instanceof LogFull) {
        this.#context.count('log_full', samples);
        throw new HttpError(429, 'Too many samples', 'The log of accepted samples is full, because they are not processed as fast as they come: slow down and try again.', { headers });
      }
      this.#context.log.error({ err: error, node: this.#context.node }, 'posted samples cannot be logged');
      throw new HttpError(503, 'Not accepted', 'The samples could not be written to disk: try again later.', { headers });
    }
  }

  /** Hands on whole messages, about `limit` rows; waits for the first until `signal` aborts. */
  async read(into: Intake, limit: number, signal: AbortSignal): Promise<void> {
    const log = this.#log!;
    while (this.#ahead.length === 0 && !signal.aborted) {
      await log.wait(this.#position, signal);
      const { records, upTo } = await log.read(this.#position, READ_BYTES);
      this.#ahead = records;
      if (records.length === 0) this.#position = upTo;
    }
    while (into.length < limit) {
      const record = this.#ahead.shift();
      if (record === undefined) break;
      if (isFrame(record.bytes)) this.#frames.open(record.bytes).addTo(into);
      else for (const { time, series, value } of decodeSamples(record.bytes)) into.add(time, series, value);
      this.#position = record.sequence;
    }
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
