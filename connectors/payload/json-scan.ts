import type { Time } from '../../engine/clock.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { parseDecimal } from './decimal.js';
import { IsoTimes } from './iso-time.js';
import { plainTime } from './json-samples.js';
import { HASH_FACTOR, HASH_START, RawSeries, same } from './raw-series.js';

const [QUOTE, COMMA, MINUS, POINT, ZERO, COLON, BACKSLASH, OPEN, CLOSE] = [34, 44, 45, 46, 48, 58, 92, 123, 125];

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
  readonly #series = new RawSeries<Known>();
  readonly #times = new IsoTimes();

  /** Reads the sample at `at` of bytes that are UTF-8; gives where it ends, or -1 where anything is unusual or wrong. */
  sample(bytes: Buffer, at: number, end: number, now: Time): number {
    if (bytes[at] !== OPEN) return -1;
    let [name, nameEnd, labels, labelsEnd] = [-1, -1, -1, -1];
    let value = NaN;
    let time = NaN;
    let timed = false;
    do {
      at = skipSpace(bytes, at + 1, end);
      const key = at + 1;
      const keyEnd = stringEnd(bytes, at, end);
      if (keyEnd < 0) return -1;
      at = skipSpace(bytes, keyEnd + 1, end);
      if (bytes[at] !== COLON) return -1;
      at = skipSpace(bytes, at + 1, end);
      const from = at;
      if (same('metric_name', bytes, key, keyEnd) && name < 0) {
        name = at + 1;
        nameEnd = stringEnd(bytes, at, end);
        if (nameEnd < 0) return -1;
        at = nameEnd + 1;
      } else if (same('value', bytes, key, keyEnd) && Number.isNaN(value)) {
        at = numberEnd(bytes, at, end);
        if (at < 0) return -1;
        value = parseDecimal(bytes, from, at);
      } else if (same('timestamp', bytes, key, keyEnd) && !timed) {
        timed = true;
        const quoted = bytes[at] === QUOTE;
        at = quoted ? stringEnd(bytes, at, end) : numberEnd(bytes, at, end);
        if (at < 0) return -1;
        time = quoted ? this.#times.read(bytes, from + 1, at) : plainTime(parseDecimal(bytes, from, at), now);
        if (quoted) at += 1;
      } else if (same('labels', bytes, key, keyEnd) && labels < 0) {
        labels = at;
        labelsEnd = at = stringsEnd(bytes, at, end);
        if (at < 0) return -1;
      } else return -1;
      at = skipSpace(bytes, at, end);
    } while (bytes[at] === COMMA && at < end);
    if (bytes[at] !== CLOSE || at >= end || name < 0 || !Number.isFinite(value)) return -1;
    if (!timed) time = now;
    if (!(time <= now + MAX_FUTURE_MS)) return -1;
    const text = this.#text(bytes, name, nameEnd, labels, labelsEnd);
    if (text === undefined) return -1;
    this.time = time;
    this.text = text;
    this.value = value;
    return at + 1;
  }

  #text(bytes: Buffer, name: number, nameEnd: number, labels: number, labelsEnd: number): string | undefined {
    let hash = HASH_START;
    for (let i = name; i < nameEnd; i++) hash = Math.imul(hash ^ bytes[i]!, HASH_FACTOR);
    for (let i = labels; i < labelsEnd; i++) hash = Math.imul(hash ^ bytes[i]!, HASH_FACTOR);
    // A name is never empty, and never begins as labels do.
    const [from, to] = labels < 0 ? [name, nameEnd] : [labels, labelsEnd];
    const known = from < to ? this.#series.find(bytes, from, to, hash) : undefined;
    if (known !== undefined && same(known.name, bytes, name, nameEnd)) return known.text;
    const metric = bytes.toString('utf8', name, nameEnd);
    const parsed = labels < 0 ? {} : (JSON.parse(bytes.toString('utf8', labels, labelsEnd)) as Record<string, string>);
    if (seriesProblem(metric, parsed) !== undefined) return undefined;
    const text = seriesText(metric, parsed);
    if (known === undefined) this.#series.keep(bytes, from, to, hash, { name: bytes.toString('latin1', name, nameEnd), text });
    return text;
  }
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
