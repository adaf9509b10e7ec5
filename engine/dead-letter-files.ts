import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Time } from './clock.js';
import type { DeadLetter, RefusedInput } from './connector.js';
import { DEAD_LETTER_BYTES } from './limits.js';
import { readResubmissions, type Resubmission } from './resubmission-file.js';

/** Characters kept of a reason or an origin. */
export const LETTER_TEXT = 500;

/** A dead letter as it lies on disk: one line of JSON. */
export interface StoredLetter extends DeadLetter {
  /** Grows from letter to letter, over restarts too. */
  readonly id: number;
  /** When it was refused. */
  readonly at: Time;
  /** Length of the whole payload in bytes, where only the first `DEAD_LETTER_BYTES` are kept. */
  readonly bytes?: number;
  /** The last time that it was sent in again. */
  readonly resubmission?: Resubmission;
}

export interface LetterQuery {
  /** Newest first, at most so many; default 100. */
  readonly limit?: number;
  /** Only letters with a lower id: the next page. */
  readonly before?: number;
  readonly node?: string;
  /** Part of the reason. */
  readonly reason?: string;
  /** Only those that were taken when sent in again, or only the others. */
  readonly resubmitted?: boolean;
}

/** Letters of a folder, newest first; also while an engine writes to it, and after a crash. */
export async function readDeadLetters(folder: string, query: LetterQuery = {}): Promise<StoredLetter[]> {
  const { limit = 100, before = Infinity, node, reason, resubmitted } = query;
  const again = await readResubmissions(folder);
  const found: StoredLetter[] = [];
  for (const first of (await listFiles(folder)).reverse()) {
    if (first >= before) continue;
    for (const letter of (await readLetters(folder, first)).reverse()) {
      if (found.length >= limit) return found;
      const resubmission = again.get(letter.id);
      if (letter.id >= before || (node !== undefined && letter.node !== node) || (reason !== undefined && !letter.reason.includes(reason))) continue;
      if (resubmitted !== undefined && resubmitted !== (resubmission?.state === 'taken')) continue;
      found.push(resubmission === undefined ? letter : { ...letter, resubmission });
    }
  }
  return found;
}

/** Ids of the first letters of the files, ascending. */
export async function listFiles(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+\.ndjson$/.test(name))
    .map((name) => Number(name.slice(0, -7)))
    .sort((a, b) => a - b);
}

/** Of the file that begins with this letter, ascending. */
export async function readLetters(folder: string, first: number): Promise<StoredLetter[]> {
  const text = await readFile(join(folder, `${first}.ndjson`), 'utf8').catch((error: NodeJS.ErrnoException) => {
    // Removed meanwhile, as the oldest.
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const letters: StoredLetter[] = [];
  for (const line of text.split('\n')) {
    try {
      if (line !== '') letters.push(JSON.parse(line) as StoredLetter);
    } catch {
      // Half of a line, from a crash in the middle of a write.
    }
  }
  return letters;
}

/** A letter with what is kept of it. */
export function shortened({ origin, reason, payload, ...rest }: RefusedInput & Pick<DeadLetter, 'node'>): DeadLetter & { bytes?: number } {
  const letter = { ...rest, origin: origin.slice(0, LETTER_TEXT), reason: reason.slice(0, LETTER_TEXT) };
  // Cut before it is encoded: a payload may have megabytes.
  const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const cut = size > DEAD_LETTER_BYTES;
  const kept = (typeof payload === 'string' ? Buffer.from(cut ? payload.slice(0, DEAD_LETTER_BYTES) : payload) : payload).subarray(0, DEAD_LETTER_BYTES);
  return { ...letter, ...payloadFields(kept, cut), ...(cut && { bytes: size }) };
}

/** How a letter writes bytes: as text where they are UTF-8, of which a cut may have halved the last character; else in base64. */
export function payloadFields(bytes: Uint8Array, cut = false): Pick<DeadLetter, 'payload' | 'encoding'> {
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }) };
  } catch {
    return { payload: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}
