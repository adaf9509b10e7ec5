import type { Time } from './clock.js';
import { DiskLog } from './disk-log.js';

/**
 * A decision that the stream itself does not determine: of the clock, or of how long a training task took.
 * It is on disk before its effects leave, and a run after a crash decides the same again.
 */
export type Decision =
  /** After `rows` rows in all, an idle source's watermark moved on to `watermark`. */
  | { readonly type: 'idle'; readonly source: string; readonly rows: number; readonly watermark: Time }
  /** The answer to a training task asked for the watermark `asked` takes effect at `due`. */
  | { readonly type: 'answer'; readonly node: string; readonly slot: number; readonly task: string; readonly asked: Time; readonly due: Time };

/** A minute of decisions is some kilobytes; the journal is cut with every checkpoint. */
const JOURNAL_BYTES = 64 * 1024 * 1024;

export class Journal {
  readonly #log: DiskLog;
  /** The newest decision's number. */
  #newest: number;

  private constructor(log: DiskLog, newest: number) {
    this.#log = log;
    this.#newest = newest;
  }

  /** Opens the journal in a folder; `after`: decisions up to it belong to the checkpoint that is restored. */
  static async open(folder: string, after: number, warn: (message: string) => void): Promise<{ journal: Journal; decisions: readonly Decision[] }> {
    const log = await DiskLog.open(folder, { limit: JOURNAL_BYTES, after, warn });
    const decisions: Decision[] = [];
    let newest = after;
    for (;;) {
      const { records, upTo } = await log.read(newest, JOURNAL_BYTES);
      for (const { bytes } of records) decisions.push(JSON.parse(Buffer.from(bytes).toString()) as Decision);
      if (upTo <= newest) break;
      newest = upTo;
    }
    return { journal: new Journal(log, newest), decisions };
  }

  /** Resolves when the decision is on disk. */
  async record(decision: Decision): Promise<void> {
    this.#newest = Math.max(this.#newest, await this.#log.append(Buffer.from(JSON.stringify(decision))));
  }

  /** What a checkpoint saves as its place. */
  get place(): number {
    return this.#newest;
  }

  /** No checkpoint kept is older than this place. */
  drop(upTo: number): Promise<void> {
    return this.#log.drop(upTo);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
