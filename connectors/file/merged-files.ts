import { stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorContext, Intake, Position, Reading, Source } from '../../engine/connector.js';
import type { FileSourceConfig } from './config.js';
import { beside, expandGlob } from './glob.js';
import { Merge } from './merge.js';
import { FileReader, type FileAt, type Form, type Place } from './reader.js';
import type { Columns } from './rows.js';
import { timeFormat } from './time.js';

/** Files merged at once: each is open, with a buffer. */
const MAX_FILES = 1_000;

/** Memory of all the buffers together, and of one at most and at least. */
const BUFFER_BYTES = 32 << 20;
const CHUNK_MOST = 128 << 10;
const CHUNK_LEAST = 4 << 10;

/** Records between two looks at the event loop where none of them is a row. */
const SKIPPED_IN_A_ROW = 1_000;

/** The name in the position and in messages, and where it lies. */
interface Found {
  readonly key: string;
  readonly path: string;
}

/** Reads the files of a pattern, merged by time, and follows them where asked. */
export class MergedFiles implements Source {
  readonly #config: FileSourceConfig;
  readonly #context: ConnectorContext;
  readonly #follow: boolean;
  readonly #merge = new Merge<FileReader>((a, b) => a.time < b.time || (a.time === b.time && a.key < b.key));
  /** Without a row at hand, and not known to be at the end. */
  readonly #pending = new Set<FileReader>();
  /** At the end of what there is; `follow` looks whether there is more. */
  readonly #waiting = new Set<FileReader>();
  readonly #places = new Map<string, Place>();
  /** Taken from by this `read`. */
  readonly #touched = new Set<FileReader>();
  /** Files that are or were open, and those that can't be read: not to be opened as new ones. */
  readonly #known = new Set<string>();
  #chunk = CHUNK_MOST;
  #running = false;

  constructor(config: FileSourceConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    this.#follow = config.follow && !context.replay;
  }

  async open(from: Position | undefined): Promise<void> {
    try {
      await this.#openAll(from);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#running = true;
  }

  async #openAll(from: Position | undefined): Promise<void> {
    const places = new Map(Object.entries((from as { files: Record<string, Place> } | undefined)?.files ?? {}));
    const found = await this.#find();
    if (found.length > MAX_FILES) throw this.#error(`${this.#patterns()} matches ${found.length} files, at most ${MAX_FILES} are merged at once: split it into several sources`);
    if (found.length === 0) {
      const nothing = `${this.#patterns()} matches no file in ${this.#context.base}`;
      if (!this.#follow) throw this.#error(nothing);
      this.#context.log.warn(`${nothing}; waiting for one`);
    }
    this.#warnOfEqualNames(found);
    this.#chunk = Math.max(CHUNK_LEAST, Math.min(CHUNK_MOST, Math.floor(BUFFER_BYTES / Math.max(1, found.length))));
    for (const file of found) await this.#openFirst(file, places.get(file.key));
    for (const [key, place] of places) {
      this.#places.set(key, this.#places.get(key) ?? place);
      if (found.some((file) => file.key === key)) continue;
      const path = resolve(this.#context.base, key);
      if (this.#follow) await this.#openRotated({ key, path }, place);
      else this.#context.log.warn(`${key} is gone since the checkpoint; its rows up to line ${place.line} were read`);
    }
    // A header that lacks a column is found now, before anything runs.
    while (this.#pending.size > 0) await this.#settle();
  }

  async read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading> {
    let records = 0;
    while (into.length < limit && records < 2 * limit && !signal.aborted) {
      if (this.#pending.size > 0) {
        await this.#settle();
        continue;
      }
      const first = this.#merge.first;
      if (first === undefined) {
        if (!this.#follow) return { position: this.#position(), ended: true };
        if (records > 0) break;
        await this.#look(signal);
        continue;
      }
      first.emit(into);
      records += 1;
      this.#touched.add(first);
      if (advance(first) === 'row') this.#merge.settleFirst();
      else {
        this.#merge.removeFirst();
        this.#pending.add(first);
      }
    }
    return { position: this.#position() };
  }

  async close(): Promise<void> {
    for (const reader of [...this.#pending, ...this.#waiting]) await reader.close();
    for (let reader = this.#merge.first; reader !== undefined; reader = this.#merge.first) {
      this.#merge.removeFirst();
      await reader.close();
    }
  }

  #position(): Position {
    for (const reader of this.#touched) this.#places.set(reader.key, reader.place());
    this.#touched.clear();
    return { files: Object.fromEntries(this.#places) };
  }

  async #find(): Promise<Found[]> {
    const found = new Map<string, Found>();
    for (const pattern of [this.#config.path].flat()) {
      for (const path of await expandGlob(resolve(this.#context.base, pattern))) {
        const key = isAbsolute(pattern) ? path : relative(this.#context.base, path);
        found.set(key, { key, path });
      }
    }
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** At the start a file that can't be read is an error; only a followed one may come later. */
  async #openFirst(file: Found, from: Place | undefined): Promise<void> {
    let reader: FileReader | 'changed';
    try {
      reader = await this.#reader({ ...file, complete: !this.#follow }, from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#unreadable(file, error as NodeJS.ErrnoException);
      if (!this.#follow) throw this.#error(`${file.path} does not exist`, error);
      this.#context.log.warn(`${file.path} does not exist; waiting for it`);
      reader = 'changed';
      if (from === undefined) return;
    }
    if (reader !== 'changed') {
      this.#start(reader);
      return;
    }
    if (!this.#follow) {
      throw this.#error(`${file.path} has changed since the checkpoint, which had read it up to byte ${from!.offset}; put it back, or start anew without the checkpoint`);
    }
    await this.#openRotated(file, from!);
  }

  /** While nothing ran, the file was rotated: the rest of the old one is read first, where it is found. */
  async #openRotated(file: Found, from: Place): Promise<void> {
    for (const path of await beside(file.path)) {
      try {
        const reader = await this.#reader({ key: file.key, path, complete: true }, from);
        if (reader === 'changed') continue;
        this.#context.log.info(`${file.key} was rotated; going on in ${path} from line ${from.line}`);
        reader.replaced = true;
        this.#start(reader);
        return;
      } catch {
        // Not a file of this kind.
      }
    }
    this.#context.log.warn(`${file.key} was rotated and the file it had been is not beside it: rows after line ${from.line} of it are lost`);
    this.#context.count('rotated_files_lost');
    await this.#openNew(file);
  }

  /** A file that came while following: one that can't be read is told, and left. */
  async #openNew(file: Found): Promise<void> {
    try {
      const reader = await this.#reader({ key: file.key, path: file.path, complete: false }, undefined);
      if (reader !== 'changed') this.#start(reader);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#refuse(file.key, error);
    }
  }

  #reader(file: FileAt, from: Place | undefined): Promise<FileReader | 'changed'> {
    return FileReader.open(file, this.#form(file.key), this.#context, from);
  }

  #start(reader: FileReader): void {
    this.#pending.add(reader);
    this.#known.add(reader.key);
    this.#places.set(reader.key, reader.place());
  }

  #refuse(key: string, error: unknown): void {
    this.#known.add(key);
    this.#context.deadLetter({ origin: key, reason: (error as Error).message, payload: '' });
  }

  /** Brings one file a step towards a row, or its end. */
  async #settle(): Promise<void> {
    const [reader] = this.#pending as Set<FileReader> & [FileReader];
    this.#touched.add(reader);
    try {
      const found = advance(reader);
      if (found === 'row') {
        this.#pending.delete(reader);
        this.#merge.push(reader);
      }
      if (found !== 'none' || (await reader.fill())) return;
    } catch (error) {
      await this.#failed(reader, error as NodeJS.ErrnoException);
      return;
    }
    if (!reader.complete) {
      this.#pending.delete(reader);
      this.#waiting.add(reader);
    } else if (reader.final) await this.#finish(reader);
    else reader.final = true;
  }

  async #failed(reader: FileReader, error: NodeJS.ErrnoException): Promise<void> {
    // zlib's errors: what could be decompressed has been read.
    if (error.code?.startsWith('Z_') === true) {
      reader.broken(`gzip: ${error.message}`);
      await this.#finish(reader);
      return;
    }
    this.#pending.delete(reader);
    await reader.close();
    if (!this.#running || error.code !== undefined) throw this.#unreadable(reader, error);
    this.#refuse(reader.key, error);
  }

  async #finish(reader: FileReader): Promise<void> {
    this.#pending.delete(reader);
    this.#places.set(reader.key, reader.place());
    this.#touched.delete(reader);
    await reader.close();
    if (!reader.replaced) return;
    this.#known.delete(reader.key);
    await this.#openNew({ key: reader.key, path: resolve(this.#context.base, reader.key) });
  }

  /** Waits for the next look, then for each file at its end: has it grown, was it rotated; and are there new ones. */
  async #look(signal: AbortSignal): Promise<void> {
    await sleep(this.#config.poll, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    for (const reader of this.#waiting) {
      const named = await stat(reader.path).catch(() => undefined);
      const opened = (await reader.identity())!;
      if (named !== undefined && named.ino !== opened.inode) {
        // Its last lines may have been written since the last look.
        reader.complete = reader.replaced = true;
      } else if (opened.size < reader.readTo) {
        this.#known.delete(reader.key);
        this.#context.log.info(`${reader.key} was cut to ${opened.size} bytes; reading it from its beginning`);
        this.#waiting.delete(reader);
        await reader.close();
        await this.#openNew(reader);
        continue;
      } else if (opened.size === reader.readTo) continue;
      this.#waiting.delete(reader);
      this.#pending.add(reader);
    }
    for (const file of await this.#find()) {
      if (this.#known.has(file.key)) continue;
      if (this.#pending.size + this.#waiting.size >= MAX_FILES) this.#refuse(file.key, new Error(`not read: ${MAX_FILES} files are followed already`));
      else await this.#openNew(file);
    }
  }

  #patterns(): string {
    return [this.#config.path].flat().join(', ');
  }

  #form(key: string): Form {
    const config = this.#config;
    const name = key.replace(/\.gz$/i, '');
    const ndjson = config.format === 'auto' ? /\.(ndjson|jsonl|json)$/i.test(name) : config.format === 'ndjson';
    const delimiter = config.delimiter ?? (/\.tsv$/i.test(name) ? '\t' : ',');
    return { kind: ndjson ? 'ndjson' : 'csv', delimiter: delimiter.charCodeAt(0), header: config.columns, columns: columnsOf(config, basename(key)), chunk: this.#chunk };
  }

  #unreadable(file: Found, cause: NodeJS.ErrnoException): Error {
    return this.#error(cause.code === 'EISDIR' ? `${file.path} is a folder; name its files, such as ${file.key}/*.csv` : cause.message, cause);
  }

  #error(message: string, cause?: unknown): Error {
    return new Error(`file source ${this.#context.node}: ${message}`, { cause });
  }

  #warnOfEqualNames(files: readonly Found[]): void {
    const seen = new Map<string, string>();
    for (const { key } of files) {
      const other = seen.get(basename(key));
      if (other !== undefined) this.#context.log.warn(`${other} and ${key} have the same base name, so the label \`${this.#config.file_label}\` does not tell their rows apart`);
      seen.set(basename(key), key);
    }
  }
}

function advance(reader: FileReader): 'row' | 'skipped' | 'none' {
  for (let i = 0; i < SKIPPED_IN_A_ROW; i++) {
    const found = reader.step();
    if (found !== 'skipped') return found;
  }
  return 'skipped';
}

function columnsOf(config: FileSourceConfig, file: string): Columns {
  const { value, metric, labels } = config;
  const values = typeof value === 'string' || Array.isArray(value) ? [value].flat().map((column) => ({ column, metric: undefined })) : Object.entries(value).map(([column, name]) => ({ column, metric: name }));
  return {
    time: config.time,
    timeFormat: timeFormat(config.time_format)!,
    values,
    metric: typeof metric === 'string' ? { name: metric } : metric,
    labels: Array.isArray(labels) ? labels.map((column) => [column, column] as const) : labels === undefined ? undefined : Object.entries(labels),
    fixed: config.file_label === '' ? {} : { [config.file_label]: file },
  };
}
