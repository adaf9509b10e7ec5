import { DiskLog } from '../../engine/disk-log.js';
import type { Finding } from '../../engine/finding.js';
import { LOG_BYTES } from './limits.js';
import type { FindingChannel } from './protocol.js';

/** Records read, and written by a rewrite, between two turns of the event loop. */
const CHUNK = 500;
const CHUNK_BYTES = 512 * 1024;

/**
 * A record. The first of a log names its epoch, and what each channel has lost. A finding's offset is the
 * sequence of its record, unless it says another: it was written again by a rewrite.
 */
type LogEntry = { readonly epoch: string; readonly lost: Readonly<Partial<Record<FindingChannel, number>>> } | { readonly finding: Finding; readonly offset?: number };

export interface LogContents {
  readonly epoch: string | undefined;
  readonly lost: Readonly<Partial<Record<FindingChannel, number>>>;
  /** Ascending by offset; offset 0: open, but not in its channel any more. */
  readonly findings: readonly { readonly offset: number; readonly finding: Finding }[];
}

/** The findings on disk, as the live sink has sent them. */
export class FindingLog {
  private readonly log: DiskLog;

  private constructor(log: DiskLog) {
    this.log = log;
  }

  /** `after`: offsets begin above this, also where the files are gone. */
  static async open(folder: string, after: number, warn: (message: string) => void): Promise<{ log: FindingLog; contents: LogContents }> {
    const log = await DiskLog.open(folder, { limit: LOG_BYTES, after, warn });
    return { log: new FindingLog(log), contents: await contentsOf(log, warn) };
  }

  get bytes(): number {
    return this.log.bytes;
  }

  /** Appends a finding; resolves once it is on disk, with its offset where none is given. Appends made together share one write. */
  append(finding: Finding, offset?: number): Promise<number> {
    return this.log.append(encode(offset === undefined ? { finding } : { finding, offset }));
  }

  begin(epoch: string): Promise<number> {
    return this.log.append(encode({ epoch, lost: {} }));
  }

  /** Writes all that is kept again and gives up what was written before. */
  async rewrite(epoch: string, lost: Readonly<Record<FindingChannel, number>>, kept: Iterable<{ offset: number; finding: Finding }>): Promise<void> {
    const all = [...kept];
    const first = await this.log.append(encode({ epoch, lost }));
    for (let i = 0; i < all.length; i += CHUNK) {
      await Promise.all(all.slice(i, i + CHUNK).map(({ offset, finding }) => this.append(finding, offset)));
    }
    await this.log.drop(first - 1);
  }

  close(): Promise<void> {
    return this.log.close();
  }
}

async function contentsOf(log: DiskLog, warn: (message: string) => void): Promise<LogContents> {
  let epoch: string | undefined;
  let lost: Readonly<Partial<Record<FindingChannel, number>>> = {};
  /** By offset, or by id where it has none: a rewrite leaves two of them when it was interrupted. */
  const found = new Map<number | string, { offset: number; finding: Finding }>();
  for (let after = 0; ; ) {
    const { records, upTo } = await log.read(after, CHUNK_BYTES);
    if (records.length === 0) break;
    for (const { sequence, bytes } of records) {
      let entry: LogEntry;
      try {
        entry = JSON.parse(Buffer.from(bytes).toString('utf8')) as LogEntry;
      } catch {
        warn(`record ${sequence} is not JSON and is skipped`);
        continue;
      }
      if ('epoch' in entry) ({ epoch, lost } = entry);
      else {
        const offset = entry.offset ?? sequence;
        found.set(offset === 0 ? entry.finding.id : offset, { offset, finding: entry.finding });
      }
    }
    after = upTo;
  }
  return { epoch, lost, findings: [...found.values()].sort((a, b) => a.offset - b.offset) };
}

function encode(entry: LogEntry): Uint8Array {
  return Buffer.from(JSON.stringify(entry));
}
