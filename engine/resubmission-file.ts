import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import type { Time } from './clock.js';
import type { DeadLetter } from './connector.js';
import { syncFolder } from './files.js';

/** What became of a dead letter that was sent in again. `begun` after a crash: it is finished at the next start. */
export interface Resubmission {
  readonly state: 'begun' | 'taken' | 'refused';
  readonly at: Time;
  /** Why it was refused. */
  readonly reason?: string;
  /** What is sent instead of the letter's own payload, while it is begun. */
  readonly edited?: Pick<DeadLetter, 'payload' | 'encoding'>;
}

interface Entry extends Resubmission {
  readonly id: number;
}

const NAME = 'resubmitted.ndjson';

/**
 * Which letters were sent in again, beside the files of the letters: a line for each intent and each result,
 * durable before what follows it.
 */
export class ResubmissionFile {
  readonly #file: AppendFile;
  readonly #last: Map<number, Resubmission>;

  private constructor(file: AppendFile, last: Map<number, Resubmission>) {
    this.#file = file;
    this.#last = last;
  }

  /** Writes the file anew, with the last entry of each letter of the range: others are not kept any more, or were lost with the power. */
  static async open(folder: string, [from, to]: readonly [number, number]): Promise<ResubmissionFile> {
    const last = await readResubmissions(folder);
    for (const id of last.keys()) if (id < from || id >= to) last.delete(id);
    const path = join(folder, NAME);
    const file = await AppendFile.open(`${path}.new`, { durable: true });
    await file.append(Buffer.concat([...last].map(([id, resubmission]) => lineOf({ id, ...resubmission }))));
    await rename(`${path}.new`, path);
    await syncFolder(folder);
    return new ResubmissionFile(file, last);
  }

  /** The last entry of a letter. */
  get(id: number): Resubmission | undefined {
    return this.#last.get(id);
  }

  /** Letters whose result is not known, ascending. */
  begun(): number[] {
    return [...this.#last].filter(([, { state }]) => state === 'begun').map(([id]) => id).sort((a, b) => a - b);
  }

  /** Resolves when it is on disk. */
  async record(id: number, resubmission: Resubmission): Promise<void> {
    await this.#file.append(lineOf({ id, ...resubmission }));
    this.#last.set(id, resubmission);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The last entry of each letter; also while an engine writes them. */
export async function readResubmissions(folder: string): Promise<Map<number, Resubmission>> {
  const text = await readFile(join(folder, NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const last = new Map<number, Resubmission>();
  for (const line of text.split('\n')) {
    try {
      if (line === '') continue;
      const { id, ...resubmission } = JSON.parse(line) as Entry;
      last.set(id, resubmission);
    } catch {
      // Half of a line, from a crash in the middle of a write: what it was to tell has not begun.
    }
  }
  return last;
}

function lineOf(entry: Entry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`);
}
