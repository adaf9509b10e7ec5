import type { Bytes } from './bytes.js';

/** A record longer than this is no row of a metric file but a mistake; memory for one is bounded by it. */
export const MAX_RECORD_BYTES = 1 << 20;

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

/**
 * Splits bytes into records, with their exact place. A record is a line; with `quoted`, line ends inside
 * double quotes belong to it. `next` never waits: it says when more bytes are needed, and `fill` gets them.
 */
export class Records {
  buffer: Buffer;
  /** The record found by `next` is `buffer[from .. to)`, without its line end. Valid until `fill`. */
  from = 0;
  to = 0;
  /** Byte offset in the file and line number (from 1) of that record. */
  offset: number;
  line: number;
  /** It is longer than `MAX_RECORD_BYTES`: `buffer[from .. to)` is its beginning only. */
  tooLong = false;

  readonly #bytes: Bytes;
  readonly #quoted: boolean;
  readonly #chunk: number;
  /** Unread bytes are `buffer[#start .. #end)`; `#start` lies at `#offset` of the file, on line `#line`. */
  #start = 0;
  #end = 0;
  #offset: number;
  #line: number;
  /** No line end of an unquoted record before this index. */
  #searched = 0;
  /** Line ends inside the record that `#recordEnd` found. */
  #inside = 0;
  /** It found a quote that is not closed. */
  #open = false;
  #quoteAt = -1;
  /** The rest of a record that was too long, and began here, is being dropped. */
  #dropping: { readonly offset: number; readonly line: number } | undefined;

  constructor(bytes: Bytes, options: { offset: number; line: number; quoted: boolean; chunk: number }) {
    this.#bytes = bytes;
    this.#quoted = options.quoted;
    this.#chunk = options.chunk;
    this.buffer = Buffer.allocUnsafe(options.chunk);
    this.offset = this.#offset = options.offset;
    this.line = this.#line = options.line;
  }

  /** Where the first record lies that `next` has not given. */
  get nextOffset(): number {
    return this.#dropping?.offset ?? this.#offset;
  }
  get nextLine(): number {
    return this.#dropping?.line ?? this.#line;
  }

  /** Offset of the first byte that `fill` has not got. */
  get readTo(): number {
    return this.#offset + this.#end - this.#start;
  }

  /** Finds the next record. `final`: nothing follows the bytes at hand, so a last line may lack its end. False: `fill` is needed. */
  next(final: boolean): boolean {
    for (;;) {
      const end = this.#recordEnd();
      if (end >= 0) {
        const dropped = this.#dropping !== undefined;
        this.#take(end, end + 1);
        this.#dropping = undefined;
        if (dropped) continue;
        return true;
      }
      const length = this.#end - this.#start;
      if (this.#dropping !== undefined || (length > MAX_RECORD_BYTES && this.#newline(this.#start) < 0)) {
        const first = this.#dropping === undefined;
        if (first) this.#dropping = { offset: this.#offset, line: this.#line };
        this.#take(this.#end, this.#end);
        if (final) this.#dropping = undefined;
        this.tooLong = first;
        return first;
      }
      if (length === 0 || (!final && length <= MAX_RECORD_BYTES)) return false;
      // A quote that is never closed must not swallow the lines after it.
      const line = this.#open ? this.#newline(this.#start) : -1;
      if (line >= 0) this.#firstLine(line);
      else this.#take(this.#end, this.#end);
      return true;
    }
  }

  /** Gives back all but the first line of the record at hand, so that the lines after it are read by themselves. */
  keepFirstLine(): void {
    const line = this.buffer.indexOf(NEWLINE, this.from);
    if (line < 0 || line >= this.to) return;
    this.#start -= this.#offset - this.offset;
    this.#offset = this.offset;
    this.#line = this.line;
    this.#firstLine(line);
  }

  /** Reads on; false at the end of what there is. */
  async fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.buffer.copy(this.buffer, 0, this.#start, this.#end);
      this.#searched = Math.max(0, this.#searched - this.#start);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.buffer.length - this.#end < this.#chunk / 2) {
      const larger = Buffer.allocUnsafe(this.buffer.length * 2);
      this.buffer.copy(larger, 0, 0, this.#end);
      this.buffer = larger;
    }
    this.#quoteAt = -1;
    const count = await this.#bytes.read(this.buffer, this.#end);
    this.#end += count;
    return count > 0;
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  /** Takes one line, which ends here, where `#recordEnd` had looked further. */
  #firstLine(end: number): void {
    this.#inside = 0;
    this.#quoteAt = -1;
    this.#take(end, end + 1);
  }

  #take(end: number, next: number): void {
    // Some programs begin UTF-8 with a byte order mark.
    const mark = this.#offset === 0 && end - this.#start >= 3 && this.buffer.readUIntBE(this.#start, 3) === 0xefbbbf;
    this.from = mark ? this.#start + 3 : this.#start;
    this.to = end > this.from && this.buffer[end - 1] === RETURN ? end - 1 : end;
    this.offset = this.#offset;
    this.line = this.#line;
    this.tooLong = false;
    this.#offset += next - this.#start;
    if (next > end) this.#line += 1 + this.#inside;
    this.#start = this.#searched = next;
  }

  /** Index of the line end that closes the record at `#start`, or -1. Sets `#inside` and `#open`. */
  #recordEnd(): number {
    this.#inside = 0;
    this.#open = false;
    let end = this.#newline(this.#searched);
    if (!this.#quoted) {
      if (end < 0) this.#searched = this.#end;
      return end;
    }
    let odd = false;
    let from = this.#start;
    while (end >= 0) {
      for (let at = this.#quote(from); at < end; at = this.#quote(at + 1)) odd = !odd;
      if (!odd) return end;
      if (end - this.#start > MAX_RECORD_BYTES) {
        this.#inside = 0;
        this.#quoteAt = -1;
        return this.#newline(this.#start);
      }
      this.#inside += 1;
      from = end;
      end = this.#newline(end + 1);
    }
    for (let at = this.#quote(from); at < this.#end; at = this.#quote(at + 1)) odd = !odd;
    this.#open = odd;
    // The search begins at `#start` again.
    this.#quoteAt = -1;
    return -1;
  }

  #newline(from: number): number {
    const at = this.buffer.indexOf(NEWLINE, from);
    return at < this.#end ? at : -1;
  }

  /** Index of the next quote, or past the end. Remembered, since most files have few. */
  #quote(from: number): number {
    if (this.#quoteAt < from) {
      const at = this.buffer.indexOf(QUOTE, from);
      this.#quoteAt = at < 0 ? Infinity : at;
    }
    return this.#quoteAt;
  }
}
