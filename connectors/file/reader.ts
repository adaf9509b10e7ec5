import type { ConnectorContext, Intake } from '../../engine/connector.js';
import { DEAD_LETTER_BYTES } from '../../engine/limits.js';
import { KnownBytes, openBytes } from './bytes.js';
import { CsvRows, headerOf } from './csv.js';
import { NdjsonRows } from './ndjson.js';
import { MAX_RECORD_BYTES, Records } from './records.js';
import type { Columns, RowParser } from './rows.js';

/** Where a file was read up to: the first byte and line not taken, and the hash of its beginning. */
export type Place = { readonly offset: number; readonly line: number; readonly start: number };

/** How to read a file. */
export interface Form {
  readonly kind: 'csv' | 'ndjson';
  /** Byte between the fields of CSV. */
  readonly delimiter: number;
  /** Names of the columns where a CSV file has no header. */
  readonly header: readonly string[] | undefined;
  readonly columns: Columns;
  /** Bytes read at a time. */
  readonly chunk: number;
}

export interface FileAt {
  /** Its name in the position and in messages. */
  readonly key: string;
  readonly path: string;
  /** Nothing will be appended. */
  readonly complete: boolean;
}

type Told = Pick<ConnectorContext, 'deadLetter' | 'count'>;

/** Reads the rows of one file, one ahead: `time` and `emit` are of the row at hand, while `hasRow`. */
export class FileReader {
  readonly key: string;
  readonly path: string;
  /** Nothing will be appended. */
  complete: boolean;
  /** And all its bytes are here, so that the last line needs no line end. */
  final = false;
  /** Another file has taken its name: that one comes after it. */
  replaced = false;
  hasRow = false;

  readonly #form: Form;
  readonly #told: Told;
  readonly #bytes: KnownBytes;
  readonly #records: Records;
  #rows: RowParser | undefined;

  private constructor(file: FileAt, form: Form, told: Told, bytes: KnownBytes, from: Place | undefined, header: readonly string[] | undefined) {
    this.key = file.key;
    this.path = file.path;
    this.complete = file.complete || bytes.gzip;
    this.#form = form;
    this.#told = told;
    this.#bytes = bytes;
    this.#records = recordsOf(bytes, form, from);
    if (form.kind === 'ndjson') this.#rows = new NdjsonRows(form.columns);
    else if (header !== undefined) this.#rows = this.#csvRows(header);
  }

  /**
   * Opens a file, at a place of an earlier run where one is given. `changed`: by its beginning or its
   * length it is not the file that was read then. Rejects where it can't be read or lacks a column.
   */
  static async open(file: FileAt, form: Form, told: Told, from: Place | undefined): Promise<FileReader | 'changed'> {
    if (from === undefined || from.offset === 0) {
      const bytes = new KnownBytes(await openBytes(file.path, 0));
      return new FileReader(file, form, told, bytes, undefined, form.header);
    }
    const before = await readBeginning(file.path, form, from.offset);
    if (before.bytes.start(from.offset) !== from.start) return 'changed';
    const bytes = new KnownBytes(await openBytes(file.path, from.offset), before.bytes.cut(from.offset));
    const identity = await bytes.identity();
    if (identity !== undefined && identity.size < from.offset) {
      await bytes.close();
      return 'changed';
    }
    return new FileReader(file, form, told, bytes, from, form.header ?? before.header);
  }

  get time(): number {
    return this.#rows!.time;
  }

  emit(into: Intake): void {
    const rows = this.#rows!;
    for (let i = 0; i < rows.count; i++) into.add(rows.time, rows.series[i]!, rows.values[i]!);
    this.hasRow = false;
  }

  /** Reads on by one record. `row`: one is at hand; `skipped`: it held none; `none`: `fill` is needed. Throws where the header lacks a column. */
  step(): 'row' | 'skipped' | 'none' {
    const records = this.#records;
    if (!records.next(this.final)) return 'none';
    const { buffer } = records;
    if (records.from === records.to) return 'skipped';
    if (records.tooLong) return this.#malformed(`the line is longer than ${MAX_RECORD_BYTES} bytes`, MAX_RECORD_BYTES);
    if (this.#rows === undefined) {
      const header = headerOf(buffer, records.from, records.to, this.#form.delimiter);
      if (header === undefined) throw new Error(`${this.key}:${records.line}: the header has a quoted field that is not closed`);
      this.#rows = this.#csvRows(header);
      return 'skipped';
    }
    if (!this.#rows.parse(buffer, records.from, records.to)) {
      records.keepFirstLine();
      return this.#malformed(this.#rows.problem, this.#rows.problemAt);
    }
    this.hasRow = this.#rows.count > 0;
    if (!this.hasRow) this.#told.count('empty_rows');
    return this.hasRow ? 'row' : 'skipped';
  }

  /** Gets more bytes; false at the end of what there is. */
  fill(): Promise<boolean> {
    return this.#records.fill();
  }

  /** Before the row at hand, else before what has not been read. */
  place(): Place {
    const { offset, line, nextOffset, nextLine } = this.#records;
    const at = this.hasRow ? offset : nextOffset;
    return { offset: at, line: this.hasRow ? line : nextLine, start: this.#bytes.start(at) };
  }

  /** How many bytes of the file were read, also those not yet given. */
  get readTo(): number {
    return this.#records.readTo;
  }

  identity(): Promise<{ readonly inode: number; readonly size: number } | undefined> {
    return this.#bytes.identity();
  }

  /** A dead letter about the file itself, at the line reached. */
  broken(reason: string): void {
    this.#told.deadLetter({ origin: `${this.key}:${this.#records.nextLine}`, reason, payload: '' });
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  #csvRows(header: readonly string[]): CsvRows {
    try {
      return new CsvRows(header, this.#form.columns, this.#form.delimiter);
    } catch (error) {
      throw new Error(`${this.key}: ${(error as Error).message}`, { cause: error });
    }
  }

  #malformed(reason: string, offset: number): 'skipped' {
    const { buffer, from, to, line } = this.#records;
    const payload = buffer.toString('utf8', from, Math.min(to, from + DEAD_LETTER_BYTES));
    this.#told.deadLetter({ origin: `${this.key}:${line}`, reason, offset, payload });
    return 'skipped';
  }
}

function recordsOf(bytes: KnownBytes, form: Form, from: Place | undefined): Records {
  return new Records(bytes, { offset: from?.offset ?? 0, line: from?.line ?? 1, quoted: form.kind === 'csv', chunk: form.chunk });
}

/** What lies before `offset` as far as it is needed to know the file again, and the header of CSV. */
async function readBeginning(path: string, form: Form, offset: number): Promise<{ bytes: KnownBytes; header: string[] | undefined }> {
  const bytes = new KnownBytes(await openBytes(path, 0));
  try {
    const records = recordsOf(bytes, form, undefined);
    let more = true;
    let header: string[] | undefined;
    while (more && (!bytes.knows(offset) || (form.kind === 'csv' && header === undefined))) {
      more = await records.fill();
      while (header === undefined && form.kind === 'csv' && records.next(!more)) {
        if (records.from < records.to && !records.tooLong) header = headerOf(records.buffer, records.from, records.to, form.delimiter);
      }
    }
    return { bytes, header };
  } finally {
    await bytes.close();
  }
}
