import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import type { Clock, Time } from './clock.js';
import type { DeadLetter, RefusedInput } from './connector.js';
import { DEAD_LETTER_BYTES, DEAD_LETTERS_KEPT } from './limits.js';

/** Letters of one file. Whole files are removed, so up to this many more than `DEAD_LETTERS_KEPT` lie on disk. */
const FILE_LETTERS = 1_000;

/** A flood is kept as a sample: so many at once, then so many a second. All are counted. */
const BURST = 1_000;
const PER_SECOND = 100;

/** Letters waiting for a slow disk. */
const WAITING = 2_000;

/** Reasons counted by themselves; the others together. */
const REASONS = 200;

/** Characters kept of a reason or an origin. */
const TEXT = 500;

/** A dead letter as it lies on disk: one line of JSON. */
export interface StoredLetter extends DeadLetter {
  /** Grows from letter to letter, over restarts too. */
  readonly id: number;
  /** When it was refused. */
  readonly at: Time;
  /** Length of the whole payload in bytes, where only the first `DEAD_LETTER_BYTES` are kept. */
  readonly bytes?: number;
}

export interface LetterQuery {
  /** Newest first, at most so many; default 100. */
  readonly limit?: number;
  /** Only letters with a lower id: the next page. */
  readonly before?: number;
  readonly node?: string;
  /** Part of the reason. */
  readonly reason?: string;
}

/**
 * Keeps bad input for a person to look at: the last `DEAD_LETTERS_KEPT` in files of the folder
 * (`ID.ndjson`, named by their first letter), readable with anything that reads lines. Adding one never
 * waits and never fails; when the disk does, letters are counted and not kept.
 */
export class DeadLetters {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #warn: (message: string) => void;
  readonly #reasons = new Map<string, number>();
  #files: number[];
  #next = 1;
  #file: Promise<AppendFile> | undefined;
  #inFile = 0;
  #waiting = 0;
  #work: Promise<unknown> = Promise.resolve();
  #dropped = 0;
  #failing = false;
  #allowance = BURST;
  #allowedAt: Time;

  private constructor(folder: string, files: number[], clock: Clock, warn: (message: string) => void) {
    this.#folder = folder;
    this.#files = files;
    this.#clock = clock;
    this.#warn = warn;
    this.#allowedAt = clock.elapsed();
  }

  static async open(folder: string, clock: Clock, warn: (message: string) => void = () => {}): Promise<DeadLetters> {
    await mkdir(folder, { recursive: true });
    const files = await listFiles(folder);
    const letters = new DeadLetters(folder, files, clock, warn);
    const newest = files.at(-1);
    if (newest !== undefined) await letters.#reopen(newest);
    return letters;
  }

  /** Takes a letter. It is counted at once and written with those that come meanwhile. */
  add(letter: RefusedInput & Pick<DeadLetter, 'node'>): void {
    this.#count(letter.reason);
    if (!this.#allowed() || this.#waiting >= WAITING) {
      this.#dropped += 1;
      return;
    }
    const id = this.#next;
    this.#next += 1;
    const line = new TextEncoder().encode(`${JSON.stringify({ id, at: this.#clock.now(), ...shortened(letter) } satisfies StoredLetter)}\n`);
    this.#waiting += 1;
    this.#work = this.#write(id, line);
  }

  /** Letters since the start by reason, with numbers and quoted texts left out of it; those past the bound are under `other`. */
  counts(): ReadonlyMap<string, number> {
    return this.#reasons;
  }

  /** How many since the start were counted but not kept: a flood, or a disk that fails. */
  get notKept(): number {
    return this.#dropped;
  }

  /** Waits for what was added before. */
  async list(query: LetterQuery = {}): Promise<StoredLetter[]> {
    await this.#work;
    return readDeadLetters(this.#folder, query);
  }

  async close(): Promise<void> {
    await this.#work;
    await (await this.#file?.catch(() => undefined))?.close();
  }

  #count(reason: string): void {
    let kind = reason.slice(0, TEXT).replaceAll(/"(?:[^"\\]|\\.)*"?/g, '"…"').replaceAll(/-?\d[\d.,:]*/g, 'N').slice(0, 120);
    if (!this.#reasons.has(kind) && this.#reasons.size >= REASONS) kind = 'other';
    this.#reasons.set(kind, (this.#reasons.get(kind) ?? 0) + 1);
  }

  #allowed(): boolean {
    const now = this.#clock.elapsed();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#allowedAt) / 1000) * PER_SECOND);
    this.#allowedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }

  async #write(id: number, line: Uint8Array): Promise<void> {
    if (this.#file === undefined || this.#inFile >= FILE_LETTERS) this.#file = this.#begin(id, this.#file);
    this.#inFile += 1;
    const file = this.#file;
    try {
      await (await file).append(line);
      this.#failing = false;
    } catch (error) {
      this.#dropped += 1;
      if (this.#file === file) this.#file = undefined;
      if (!this.#failing) this.#warn(`dead letters are counted but not kept: ${String(error)}`);
      this.#failing = true;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Goes on in the newest file, without the half of a line that a crash may have left. */
  async #reopen(first: number): Promise<void> {
    const letters = await readLetters(this.#folder, first);
    this.#next = (letters.at(-1)?.id ?? first) + 1;
    this.#inFile = letters.length;
    const path = join(this.#folder, `${first}.ndjson`);
    const size = (await readFile(path)).lastIndexOf('\n') + 1;
    this.#file = Promise.resolve(await AppendFile.open(path, { size }));
  }

  /** Begins a file and removes the oldest. */
  async #begin(id: number, before: Promise<AppendFile> | undefined): Promise<AppendFile> {
    this.#inFile = 0;
    await (await before?.catch(() => undefined))?.close();
    const file = await AppendFile.open(join(this.#folder, `${id}.ndjson`));
    this.#files.push(id);
    while (this.#files.length > 1 + DEAD_LETTERS_KEPT / FILE_LETTERS) await rm(join(this.#folder, `${this.#files.shift()}.ndjson`), { force: true });
    return file;
  }
}

/** Letters of a folder, newest first; also while an engine writes to it, and after a crash. */
export async function readDeadLetters(folder: string, query: LetterQuery = {}): Promise<StoredLetter[]> {
  const { limit = 100, before = Infinity, node, reason } = query;
  const found: StoredLetter[] = [];
  for (const first of (await listFiles(folder)).reverse()) {
    if (first >= before) continue;
    for (const letter of (await readLetters(folder, first)).reverse()) {
      if (found.length >= limit) return found;
      if (letter.id < before && (node === undefined || letter.node === node) && (reason === undefined || letter.reason.includes(reason))) found.push(letter);
    }
  }
  return found;
}

/** Ids of the first letters of the files, ascending. */
async function listFiles(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+\.ndjson$/.test(name))
    .map((name) => Number(name.slice(0, -7)))
    .sort((a, b) => a - b);
}

async function readLetters(folder: string, first: number): Promise<StoredLetter[]> {
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

function shortened({ origin, reason, payload, ...rest }: RefusedInput & Pick<DeadLetter, 'node'>): DeadLetter & { bytes?: number } {
  const letter = { ...rest, origin: origin.slice(0, TEXT), reason: reason.slice(0, TEXT) };
  // Cut before it is encoded: a payload may have megabytes.
  const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const cut = size > DEAD_LETTER_BYTES;
  const kept = (typeof payload === 'string' ? Buffer.from(cut ? payload.slice(0, DEAD_LETTER_BYTES) : payload) : payload).subarray(0, DEAD_LETTER_BYTES);
  return { ...letter, ...asText(kept, cut), ...(cut && { bytes: size }) };
}

/** Text where the bytes are UTF-8, of which a cut may have halved the last character; else base64. */
function asText(bytes: Uint8Array, cut: boolean): Pick<DeadLetter, 'payload' | 'encoding'> {
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }) };
  } catch {
    return { payload: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}

/** The bytes kept of a letter. */
export function payloadOf({ payload, encoding }: Pick<DeadLetter, 'payload' | 'encoding'>): Uint8Array {
  return Buffer.from(payload, encoding ?? 'utf8');
}
