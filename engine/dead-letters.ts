import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import type { Clock, Time } from './clock.js';
import type { DeadLetter, RefusedInput } from './connector.js';
import { LETTER_TEXT, listFiles, readDeadLetters, readLetters, shortened, type LetterQuery, type StoredLetter } from './dead-letter-files.js';
import { DEAD_LETTERS_KEPT } from './limits.js';

/** Letters of one file. Whole files are removed, so up to this many more than `DEAD_LETTERS_KEPT` lie on disk. */
const FILE_LETTERS = 1_000;

/** A flood is kept as a sample: so many at once, then so many a second. All are counted. */
const BURST = 1_000;
const PER_SECOND = 100;

/** Letters waiting for a slow disk. */
const WAITING = 2_000;

/** Reasons counted by themselves; the others together. */
const REASONS = 200;

/**
 * Keeps bad input for a person to look at: the last `DEAD_LETTERS_KEPT` in files of the folder
 * (`ID.ndjson`, named by their first letter), readable with anything that reads lines. Adding one never
 * waits and never fails; when the disk does, letters are counted and not kept.
 */
export class DeadLetters {
  readonly folder: string;
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
    this.folder = folder;
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
    return readDeadLetters(this.folder, query);
  }

  /** Numbers of the letters that may be kept: from the first up to the second, which is the next one's. */
  get range(): readonly [number, number] {
    return [this.#files[0] ?? this.#next, this.#next];
  }

  /** The letter of this number, if it is still kept. */
  async get(id: number): Promise<StoredLetter | undefined> {
    const [letter] = await this.list({ limit: 1, before: id + 1 });
    return letter?.id === id ? letter : undefined;
  }

  async close(): Promise<void> {
    await this.#work;
    await (await this.#file?.catch(() => undefined))?.close();
  }

  #count(reason: string): void {
    let kind = reason.slice(0, LETTER_TEXT).replaceAll(/"(?:[^"\\]|\\.)*"?/g, '"…"').replaceAll(/-?\d[\d.,:]*/g, 'N').slice(0, 120);
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
    const letters = await readLetters(this.folder, first);
    this.#next = (letters.at(-1)?.id ?? first) + 1;
    this.#inFile = letters.length;
    const path = join(this.folder, `${first}.ndjson`);
    const size = (await readFile(path)).lastIndexOf('\n') + 1;
    this.#file = Promise.resolve(await AppendFile.open(path, { size }));
  }

  /** Begins a file and removes the oldest. */
  async #begin(id: number, before: Promise<AppendFile> | undefined): Promise<AppendFile> {
    this.#inFile = 0;
    await (await before?.catch(() => undefined))?.close();
    const file = await AppendFile.open(join(this.folder, `${id}.ndjson`));
    this.#files.push(id);
    while (this.#files.length > 1 + DEAD_LETTERS_KEPT / FILE_LETTERS) await rm(join(this.folder, `${this.#files.shift()}.ndjson`), { force: true });
    return file;
  }
}
