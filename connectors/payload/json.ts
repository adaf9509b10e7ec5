import { isUtf8 } from 'node:buffer';
import type { Time } from '../../engine/clock.js';
import { asBuffer, MAX_LINE_BYTES, textStart, type Decoded, type PayloadDecoder, type Problem, type Samples } from './decoding.js';
import type { Kind } from './json-sample.js';
import { JsonSamples } from './json-samples.js';
import { JsonScan, skipSpace } from './json-scan.js';

const [LINE_FEED, QUOTE, COMMA, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN, CLOSE] = [10, 34, 44, 92, 91, 93, 123, 125];

/** Decodes one JSON object, or an array of them: samples of metrics, or measurements of SLIs. Text that is not JSON is lost whole. */
export class JsonPayload implements PayloadDecoder {
  readonly #kind: Kind;
  readonly #scan = new JsonScan();
  readonly #samples: JsonSamples;
  /** What was scanned waits here until all of it has been. */
  readonly #times: number[] = [];
  readonly #texts: string[] = [];
  readonly #values: number[] = [];

  constructor(kind: Kind = 'metric') {
    this.#kind = kind;
    this.#samples = new JsonSamples(kind);
  }

  decode(payload: Uint8Array, now: Time, into: Samples, tell: (problem: Problem) => void): Decoded {
    const bytes = asBuffer(payload);
    let [added, refused, bad] = [0, 0, 0];
    const scanned = this.#kind === 'metric' ? this.#scanned(bytes, now) : -1;
    if (scanned >= 0) {
      for (let i = 0; i < scanned; i++) {
        if (into.add(this.#times[i]!, this.#texts[i]!, this.#values[i]!, 0)) added += 1;
        else refused += 1;
      }
      return { added, refused, skipped: 0, bad };
    }
    const parsed = parse(bytes, textStart(bytes), bytes.length);
    if ('reason' in parsed) {
      tell({ reason: parsed.reason, offset: parsed.offset, line: lineOf(bytes, 0, parsed.offset) + 1, from: 0, to: bytes.length });
      return { added: 0, refused: 0, skipped: 0, bad: 1 };
    }
    const list: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
    const elements = new Elements(bytes);
    for (let i = 0; i < list.length; i++) {
      const problem = this.#samples.add(list[i], now, into);
      if (problem === true) added += 1;
      else if (problem === false) refused += 1;
      else {
        bad += 1;
        tell({ reason: problem, ...(Array.isArray(parsed.value) ? elements.find(i) : { offset: 0, line: 1, from: 0, to: bytes.length }) });
      }
    }
    return { added, refused, skipped: 0, bad, ...unknownOf(this.#samples) };
  }

  /** How many samples there are, all written the usual way, or -1. */
  #scanned(bytes: Buffer, now: Time): number {
    if (!isUtf8(bytes)) return -1;
    this.#scan.open(bytes);
    const end = bytes.length;
    let at = skipSpace(bytes, textStart(bytes), end);
    const array = bytes[at] === OPEN_ARRAY;
    let count = 0;
    do {
      at = this.#scan.sample(array ? skipSpace(bytes, at + 1, end) : at, end, now);
      if (at < 0) return -1;
      this.#times[count] = this.#scan.time;
      this.#texts[count] = this.#scan.text;
      this.#values[count] = this.#scan.value;
      count += 1;
      at = skipSpace(bytes, at, end);
    } while (array && bytes[at] === COMMA);
    if (array && bytes[at++] !== CLOSE_ARRAY) return -1;
    return skipSpace(bytes, at, end) === end ? count : -1;
  }
}

/** Decodes NDJSON: such a sample a line. A bad line loses itself alone. */
export class NdjsonPayload implements PayloadDecoder {
  readonly #scan = new JsonScan();
  readonly #samples = new JsonSamples('metric');

  decode(payload: Uint8Array, now: Time, into: Samples, tell: (problem: Problem) => void): Decoded {
    const bytes = asBuffer(payload);
    const utf8 = isUtf8(bytes);
    this.#scan.open(bytes);
    let [added, refused, bad] = [0, 0, 0];
    let line = 1;
    for (let from = textStart(bytes); from < bytes.length; line++) {
      const feed = bytes.indexOf(LINE_FEED, from);
      const to = feed < 0 ? bytes.length : feed;
      const start = skipSpace(bytes, from, to);
      if (start < to) {
        const scanned = utf8 && to - from <= MAX_LINE_BYTES ? this.#scan.sample(start, to, now) : -1;
        if (scanned >= 0 && skipSpace(bytes, scanned, to) === to) {
          if (into.add(this.#scan.time, this.#scan.text, this.#scan.value, 0)) added += 1;
          else refused += 1;
          from = to + 1;
          continue;
        }
        const parsed = to - from > MAX_LINE_BYTES ? { reason: `the line is ${to - from} bytes long, at most ${MAX_LINE_BYTES} are taken`, offset: from } : parse(bytes, from, to);
        const problem = 'reason' in parsed ? parsed.reason : this.#samples.add(parsed.value, now, into);
        if (problem === true) added += 1;
        else if (problem === false) refused += 1;
        else {
          bad += 1;
          tell({ reason: problem, offset: 'reason' in parsed ? parsed.offset : from, line, from, to });
        }
      }
      from = to + 1;
    }
    return { added, refused, skipped: 0, bad, ...unknownOf(this.#samples) };
  }
}

function unknownOf(samples: JsonSamples): Pick<Decoded, 'unknown'> {
  const unknown = samples.takeUnknown();
  return unknown === undefined ? {} : { unknown };
}

function parse(bytes: Buffer, from: number, to: number): { readonly value: unknown } | { readonly reason: string; readonly offset: number } {
  if (!isUtf8(bytes.subarray(from, to))) return { reason: 'not UTF-8', offset: from };
  const text = bytes.toString('utf8', from, to);
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const { message } = error as Error;
    const at = /at position (\d+)/.exec(message)?.[1];
    return { reason: `not JSON: ${message}`, offset: at === undefined ? to : from + Buffer.byteLength(text.slice(0, Number(at))) };
  }
}

function lineOf(bytes: Uint8Array, from: number, to: number): number {
  let feeds = 0;
  for (let at = from; at < to; at++) if (bytes[at] === LINE_FEED) feeds += 1;
  return feeds;
}

/** Finds where the elements of a JSON array stand, for those that are bad; asked in ascending order, it passes the text once. */
class Elements {
  readonly #bytes: Uint8Array;
  #index = 0;
  #at: number;
  #line: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length && bytes[this.#at] !== OPEN_ARRAY) this.#at += 1;
    this.#at += 1;
    this.#line = 1 + lineOf(bytes, 0, this.#at);
  }

  find(index: number): Omit<Problem, 'reason'> {
    for (;;) {
      let from = this.#at;
      const to = this.#end(from);
      while (from < to && this.#bytes[from]! <= 32) from += 1;
      const line = this.#line + lineOf(this.#bytes, this.#at, from);
      this.#line += lineOf(this.#bytes, this.#at, to);
      this.#at = to + 1;
      if (this.#index++ === index) return { offset: from, line, from, to, index };
    }
  }

  /** The comma or bracket after the element at `at`. The text is known to be JSON. */
  #end(at: number): number {
    let depth = 0;
    let quoted = false;
    for (; at < this.#bytes.length; at++) {
      const c = this.#bytes[at];
      if (quoted) {
        if (c === BACKSLASH) at += 1;
        else if (c === QUOTE) quoted = false;
      } else if (c === QUOTE) quoted = true;
      else if (c === OPEN || c === OPEN_ARRAY) depth += 1;
      else if (depth > 0 && (c === CLOSE || c === CLOSE_ARRAY)) depth -= 1;
      else if (depth === 0 && (c === COMMA || c === CLOSE_ARRAY)) return at;
    }
    return at;
  }
}
