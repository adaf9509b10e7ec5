import type { Time } from '../../engine/clock.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { parseDecimal } from './decimal.js';
import { NO_BYTES, NO_VIEW, viewOf } from './decoding.js';
import { readIsoTime } from './iso-time.js';
import { plainTime } from './json-samples.js';
import { PlainDecimal } from './plain-decimal.js';
import { RawSeries, same, sameBytes } from './raw-series.js';

const [QUOTE, COMMA, MINUS, POINT, ZERO, COLON, BACKSLASH, OPEN, CLOSE] = [34, 44, 45, 46, 48, 58, 92, 123, 125];

/** Members, with their quotes, by the letter that they begin with. */
const [NAME, VALUE, TIME, LABELS] = ['metric_name', 'value', 'timestamp', 'labels'].map((member) => Buffer.from(`"${member}"`)) as [Buffer, Buffer, Buffer, Buffer];

interface Known {
  /** Bytes of the metric name, one a code unit. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads samples from their bytes, without an object for each, where they are written the usual way: the four
 * members, once each, strings without escapes. Everything else is left to `JSON.parse` and the schema.
 */
export class JsonScan {
  time = 0;
  text = '';
  value = 0;
  readonly #series = new RawSeries<Known>(({ name, text }) => name.length + text.length);
  readonly #plain = new PlainDecimal();
  #bytes = NO_BYTES;
  #view = NO_VIEW;
  /** Where the last time stands that was a string, and what it is. Samples of one payload mostly have the same. */
  #stamp = 0;
  #stampEnd = 0;
  #stampTime = NaN;

  /** The samples are in these bytes, which are UTF-8. */
  open(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#stamp = this.#stampEnd = 0;
  }

  /** Reads the sample at `at`; gives where it ends, or -1 where anything is unusual or wrong. */
  sample(at: number, end: number, now: Time): number {
    const bytes = this.#bytes;
    if (at >= end || bytes[at] !== OPEN) return -1;
    let [name, nameEnd, labels, labelsEnd] = [-1, -1, -1, -1];
    let value = NaN;
    let time = NaN;
    let timed = false;
    /** What is known of the labels and the name that they came with the time before. */
    let known: Known | undefined;
    do {
      at = skipSpace(bytes, at + 1, end);
      const member = memberAt(bytes, at, end);
      if (member === undefined) return -1;
      at = skipSpace(bytes, at + member.length, end);
      if (bytes[at] !== COLON) return -1;
      at = skipSpace(bytes, at + 1, end);
      const from = at;
      if (member === NAME && name < 0) {
        name = at + 1;
        nameEnd = stringEnd(bytes, at, end);
        if (nameEnd < 0) return -1;
        at = nameEnd + 1;
      } else if (member === VALUE && Number.isNaN(value)) {
        at = this.#number(from, end);
        if (at < 0) return -1;
        value = this.value;
      } else if (member === TIME && !timed) {
        timed = true;
        const quoted = bytes[at] === QUOTE;
        at = quoted ? this.#timeEnd(from, end) : this.#number(from, end);
        if (at < 0) return -1;
        time = quoted ? this.#stampTime : plainTime(this.value, now);
      } else if (member === LABELS && labels < 0) {
        labels = at;
        at = this.#series.follow(this.#view, from);
        if (at >= 0) known = this.#series.followed;
        else at = stringsEnd(bytes, from, end);
        if (at < 0 || at > end) return -1;
        labelsEnd = at;
      } else return -1;
      at = skipSpace(bytes, at, end);
    } while (at < end && bytes[at] === COMMA);
    if (at >= end || bytes[at] !== CLOSE || name < 0 || !Number.isFinite(value)) return -1;
    if (!timed) time = now;
    if (!(time <= now + MAX_FUTURE_MS)) return -1;
    const text = known !== undefined && same(known.name, bytes, name, nameEnd) ? known.text : this.#text(name, nameEnd, labels, labelsEnd);
    if (text === undefined) return -1;
    this.time = time;
    this.text = text;
    this.value = value;
    return at + 1;
  }

  /** Where the number at `at` ends, as JSON writes numbers, or -1; sets `value`. */
  #number(at: number, end: number): number {
    const plain = this.#plain.read(this.#bytes, at, end);
    if (plain >= 0) {
      this.value = this.#plain.value;
      return plain;
    }
    const to = numberEnd(this.#bytes, at, end);
    if (to >= 0) this.value = parseDecimal(this.#bytes, at, to);
    return to;
  }

  /** After the string at `at`, which is a time or none, or -1; sets `#stampTime`. */
  #timeEnd(at: number, end: number): number {
    const again = at + this.#stampEnd - this.#stamp;
    if (again > at && again <= end && sameBytes(this.#view, this.#stamp, at, again)) return again;
    const quote = stringEnd(this.#bytes, at, end);
    if (quote < 0) return -1;
    this.#stamp = at;
    this.#stampEnd = quote + 1;
    this.#stampTime = readIsoTime(this.#bytes, at + 1, quote);
    return quote + 1;
  }

  #text(name: number, nameEnd: number, labels: number, labelsEnd: number): string | undefined {
    const bytes = this.#bytes;
    // A name is never empty, and never begins as labels do.
    const [from, to] = labels < 0 ? [name, nameEnd] : [labels, labelsEnd];
    const known = from < to ? this.#series.find(this.#view, from, to) : undefined;
    if (known !== undefined && same(known.name, bytes, name, nameEnd)) return known.text;
    const metric = bytes.toString('utf8', name, nameEnd);
    const parsed = labels < 0 ? {} : (JSON.parse(bytes.toString('utf8', labels, labelsEnd)) as Record<string, string>);
    if (seriesProblem(metric, parsed) !== undefined) return undefined;
    const text = seriesText(metric, parsed);
    if (known === undefined) this.#series.keep(this.#view, from, to, { name: bytes.toString('latin1', name, nameEnd), text });
    return text;
  }
}

/** The member that begins at `at`. */
function memberAt(bytes: Buffer, at: number, end: number): Buffer | undefined {
  const letter = bytes[at + 1];
  const member = letter === NAME[1] ? NAME : letter === VALUE[1] ? VALUE : letter === TIME[1] ? TIME : LABELS;
  if (at + member.length > end) return undefined;
  for (let i = 0; i < member.length; i++) if (bytes[at + i] !== member[i]) return undefined;
  return member;
}

/** White space of JSON. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const c = bytes[at]!;
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) break;
  }
  return at;
}

/** The closing quote of the string that begins at `at`, or -1: no string, not closed, or with escapes or control characters. */
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== QUOTE) return -1;
  for (at += 1; at < end; at++) {
    const c = bytes[at]!;
    if (c === QUOTE) return at;
    if (c === BACKSLASH || c < 32) return -1;
  }
  return -1;
}

/** After the object of strings that begins at `at`, or -1. */
function stringsEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== OPEN) return -1;
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === CLOSE) return at + 1;
  for (;;) {
    at = stringEnd(bytes, at, end);
    if (at < 0) return -1;
    at = skipSpace(bytes, at + 1, end);
    if (at >= end || bytes[at] !== COLON) return -1;
    at = stringEnd(bytes, skipSpace(bytes, at + 1, end), end);
    if (at < 0) return -1;
    at = skipSpace(bytes, at + 1, end);
    if (at >= end) return -1;
    if (bytes[at] === CLOSE) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1, end);
  }
}

/** After the number that begins at `at`, as JSON writes numbers, or -1. */
function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at < end && bytes[at] === MINUS) at += 1;
  const whole = at;
  at = digitsEnd(bytes, at, end);
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1;
  if (at < end && bytes[at] === POINT) {
    const fraction = at + 1;
    at = digitsEnd(bytes, fraction, end);
    if (at === fraction) return -1;
  }
  // e, E
  if (at < end && (bytes[at]! | 32) === 101) {
    at += 1;
    if (at < end && (bytes[at] === 43 || bytes[at] === MINUS)) at += 1;
    const exponent = at;
    at = digitsEnd(bytes, exponent, end);
    if (at === exponent) return -1;
  }
  return at;
}

function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at]! >= ZERO && bytes[at]! <= 57) at += 1;
  return at;
}
