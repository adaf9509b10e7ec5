import { isUtf8 } from 'node:buffer';
import type { Time } from '../../engine/clock.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { parseDecimal } from './decimal.js';
import { asBuffer, MAX_LINE_BYTES, NO_BYTES, NO_VIEW, textStart, viewOf, type Decoded, type PayloadDecoder, type Problem, type Samples } from './decoding.js';
import { PlainDecimal } from './plain-decimal.js';
import { DIGITS_BELOW, UNIT_MS, type Precision } from './precision.js';
import { RawSeries, same, sameBytes } from './raw-series.js';

const BOOLEANS: Readonly<Record<string, number>> = { t: 1, T: 1, true: 1, True: 1, TRUE: 1, f: 0, F: 0, false: 0, False: 0, FALSE: 0 };

const [LINE_FEED, RETURN, TAB, SPACE, QUOTE, HASH, COMMA, EQUALS, BACKSLASH, INTEGER] = [10, 13, 9, 32, 34, 35, 44, 61, 92, 105];

/** Fields of a point whose series are kept with it; further ones are named anew each time. */
const KEPT_FIELDS = 256;

/** A measurement with its tags, and the series of the fields seen with it. */
interface Point {
  readonly measurement: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Raw bytes of the field keys, one a code unit, and the canonical texts. */
  readonly keys: string[];
  readonly texts: string[];
}

/** Bytes of memory, about, with a few fields. */
function sizeOf({ measurement, labels }: Point): number {
  return Object.entries(labels).reduce((sum, [key, value]) => sum + 4 * (key.length + value.length) + 80, 4 * measurement.length + 400);
}

/**
 * Decodes InfluxDB line protocol: a line `measurement,tag=value field=1.5,other=2i 1700000000000000000`
 * gives a sample of `measurement_field` for each field that is a number or boolean; the field `value` gives `measurement`.
 */
export class LineProtocol implements PayloadDecoder {
  readonly #precision: Precision;
  readonly #points = new RawSeries<Point>(sizeOf);
  /** Canonical texts of lines that have one field, by all that stands before its value: such a line is known by one look at one place. */
  readonly #heads = new RawSeries<string>((text) => 2 * text.length);
  readonly #plain = new PlainDecimal();
  /** The samples of a line wait here: it is taken whole or not at all. */
  readonly #texts: string[] = [];
  readonly #values: number[] = [];
  #count = 0;
  #strings = 0;
  #time = 0;
  #bytes = NO_BYTES;
  #view = NO_VIEW;
  /** Where the last timestamp stands, from whose digits `#time` was read. */
  #stamp = 0;
  #stampEnd = 0;
  #stampTime = 0;
  /** The end of the line: behind a string that has line feeds in it. */
  #end = 0;
  #reason = '';
  #reasonAt = 0;

  constructor(precision: Precision = 'ns') {
    this.#precision = precision;
  }

  decode(payload: Uint8Array, now: Time, into: Samples, tell: (problem: Problem) => void): Decoded {
    const bytes = (this.#bytes = asBuffer(payload));
    const { length } = bytes;
    this.#view = viewOf(bytes);
    this.#stampEnd = 0;
    let [added, refused, skipped, bad] = [0, 0, 0, 0];
    let line = 1;
    for (let from = textStart(bytes); from < length; line++) {
      this.#count = 0;
      const usual = this.#usualLine(from, now);
      if (usual >= 0) {
        for (let i = 0; i < this.#count; i++) {
          if (into.add(this.#time, this.#texts[i]!, this.#values[i]!, 0)) added += 1;
          else refused += 1;
        }
        from = usual + 1;
        continue;
      }
      const feed = bytes.indexOf(LINE_FEED, from);
      const end = feed < 0 ? length : feed;
      this.#end = end;
      this.#count = 0;
      this.#strings = 0;
      this.#time = now;
      if (this.#line(from, now)) {
        for (let i = 0; i < this.#count; i++) {
          if (into.add(this.#time, this.#texts[i]!, this.#values[i]!, 0)) added += 1;
          else refused += 1;
        }
        skipped += this.#strings;
        for (let i = end; i < this.#end; i++) if (bytes[i] === LINE_FEED) line += 1;
        from = this.#end + 1;
      } else {
        bad += 1;
        tell({ reason: this.#reason, offset: this.#reasonAt, line, from, to: end });
        from = end + 1;
      }
    }
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
    return { added, refused, skipped, bad };
  }

  /**
   * Reads a line that is written the usual way: the point that followed the last one the time before, the fields that it had then,
   * plain numbers, a timestamp. Gives where it ends; -1 where it is another, or wrong, so that it has to be looked at closely.
   */
  #usualLine(from: number, now: Time): number {
    const value = this.#heads.follow(this.#view, from);
    const at = value < 0 ? this.#usualFields(from) : this.#usualValue(value, 0, this.#heads.followed!);
    return at < 0 ? -1 : this.#usualEnd(from, at, now);
  }

  /** Where the fields end of a point that followed the last one the time before, or -1. */
  #usualFields(from: number): number {
    const bytes = this.#bytes;
    let at = this.#points.follow(this.#view, from);
    if (at < 0 || bytes[at] !== SPACE) return -1;
    const { keys, texts } = this.#points.followed!;
    let c: number | undefined = COMMA;
    for (let field = 0; c === COMMA; field++) {
      if (field === keys.length) return -1;
      const key = at + 1;
      const equals = key + keys[field]!.length;
      if (!same(keys[field]!, bytes, key, equals) || bytes[equals] !== EQUALS) return -1;
      at = this.#usualValue(equals + 1, field, texts[field]!);
      if (at < 0) return -1;
      c = bytes[at];
    }
    return at;
  }

  /** Where the number of a field ends that is plain, or an integer; else -1. */
  #usualValue(from: number, field: number, text: string): number {
    const at = this.#plain.read(this.#bytes, from, this.#bytes.length);
    if (at < 0) return -1;
    this.#texts[field] = text;
    this.#values[field] = this.#plain.value;
    this.#count = field + 1;
    return this.#bytes[at] === INTEGER && this.#plain.whole ? at + 1 : at;
  }

  /** Where a line ends whose fields end at `at`, or -1. */
  #usualEnd(from: number, end: number, now: Time): number {
    const bytes = this.#bytes;
    let at = end;
    this.#time = now;
    if (bytes[at] === SPACE) {
      at = this.#usualTimestamp(at + 1, now);
      if (at < 0) return -1;
    }
    return (at === bytes.length || bytes[at] === LINE_FEED) && at - from <= MAX_LINE_BYTES ? at : -1;
  }

  /** Where the timestamp at `from` ends, or -1. Lines of one payload mostly have the same. */
  #usualTimestamp(from: number, now: Time): number {
    const bytes = this.#bytes;
    const again = from + this.#stampEnd - this.#stamp;
    if (again > from && again <= bytes.length && sameBytes(this.#view, this.#stamp, from, again) && !isDigit(bytes[again])) {
      this.#time = this.#stampTime;
      return again;
    }
    let at = from + 1;
    while (at < bytes.length && isDigit(bytes[at])) at += 1;
    if (!this.#timestamp(from, at, now)) return -1;
    this.#stamp = from;
    this.#stampEnd = at;
    this.#stampTime = this.#time;
    return at;
  }

  #line(from: number, now: Time): boolean {
    const bytes = this.#bytes;
    let end = this.#trimmedEnd(from);
    let at = from;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at += 1;
    if (at === end || bytes[at] === HASH) return true;
    if (end - from > MAX_LINE_BYTES) return this.#wrong(`the line is ${end - from} bytes long, at most ${MAX_LINE_BYTES} are taken`, from);
    const start = at;
    while (at < end && !(bytes[at] === SPACE && bytes[at - 1] !== BACKSLASH)) at += 1;
    if (at === start) return this.#wrong('no measurement', at);
    if (at === end) return this.#wrong('no fields: expected a space and field=value after the measurement and its tags', at);
    const point = this.#points.find(this.#view, start, at) ?? this.#point(start, at);
    if (point === undefined) return false;
    at = this.#skipSpaces(at, end);
    let value = at;
    for (let field = 0; ; field++) {
      const key = at;
      for (; ; at++) {
        if (at === end) return this.#wrong('expected field=value', key);
        const c = bytes[at]!;
        if ((c === EQUALS || c === COMMA || c === SPACE) && bytes[at - 1] !== BACKSLASH) break;
      }
      if (bytes[at] !== EQUALS) return this.#wrong('expected = after the field key', at);
      if (at === key) return this.#wrong('the field key is empty', at);
      const keyEnd = at;
      at += 1;
      if (bytes[at] === QUOTE && at < end) {
        at = this.#stringEnd(at, from);
        if (at < 0) return false;
        end = this.#trimmedEnd(at);
        this.#strings += 1;
      } else {
        value = at;
        while (at < end && bytes[at] !== COMMA && bytes[at] !== SPACE) at += 1;
        const number = this.#number(value, at);
        if (Number.isNaN(number)) return false;
        const text = this.#text(point, field, key, keyEnd);
        if (text === undefined) return false;
        this.#texts[this.#count] = text;
        this.#values[this.#count] = number;
        this.#count += 1;
      }
      if (at === end || bytes[at] !== COMMA) break;
      at += 1;
    }
    if (at < end && bytes[at] !== SPACE) return this.#wrong('expected a comma or a space after the string', at);
    if (this.#count === 1 && this.#strings === 0 && this.#heads.find(this.#view, start, value) === undefined) this.#heads.keep(this.#view, start, value, this.#texts[0]!);
    at = this.#skipSpaces(at, end);
    if (at === end) return true;
    const stamp = at;
    while (at < end && bytes[at] !== SPACE) at += 1;
    if (this.#skipSpaces(at, end) !== end) return this.#wrong('expected the end of the line after the timestamp', at);
    return this.#timestamp(stamp, at, now);
  }

  /** Where the line ends without a carriage return. */
  #trimmedEnd(from: number): number {
    return this.#end > from && this.#bytes[this.#end - 1] === RETURN ? this.#end - 1 : this.#end;
  }

  #skipSpaces(at: number, end: number): number {
    while (at < end && this.#bytes[at] === SPACE) at += 1;
    return at;
  }

  /** After the closing quote of the string that begins at `open`, or -1; moves the end of the line where line feeds are in the string. */
  #stringEnd(open: number, from: number): number {
    const bytes = this.#bytes;
    const most = Math.min(bytes.length, from + MAX_LINE_BYTES);
    for (let at = open + 1; at < most; at++) {
      const c = bytes[at];
      if (c === BACKSLASH) at += bytes[at + 1] === QUOTE || bytes[at + 1] === BACKSLASH ? 1 : 0;
      else if (c === QUOTE) {
        if (at > this.#end) {
          const feed = bytes.indexOf(LINE_FEED, at);
          this.#end = feed < 0 ? bytes.length : feed;
          if (this.#end - from > MAX_LINE_BYTES) {
            this.#wrong(`the line with its strings is ${this.#end - from} bytes long, at most ${MAX_LINE_BYTES} are taken`, from);
            return -1;
          }
        }
        return at + 1;
      }
    }
    this.#wrong('the string is not closed by a quote', open);
    return -1;
  }

  #point(from: number, to: number): Point | undefined {
    const bytes = this.#bytes;
    if (!isUtf8(bytes.subarray(from, to))) return this.#none('the measurement or a tag is not UTF-8', from);
    let at = this.#unescaped(COMMA, from, to);
    const measurement = this.#unescape(from, at);
    const labels = Object.create(null) as Record<string, string>;
    while (at < to) {
      const key = at + 1;
      const next = this.#unescaped(COMMA, key, to);
      const equals = this.#unescaped(EQUALS, key, next);
      if (equals === next) return this.#none('a tag has no =', key);
      if (equals === key) return this.#none('a tag key is empty', key);
      if (this.#unescaped(EQUALS, equals + 1, next) < next) return this.#none('a second = in a tag: write \\= in keys and values', key);
      const name = this.#unescape(key, equals);
      if (name in labels) return this.#none(`tag ${name} comes twice`, key);
      labels[name] = this.#unescape(equals + 1, next);
      at = next;
    }
    const problem = seriesProblem(measurement, labels);
    if (problem !== undefined) return this.#none(problem, from);
    const point: Point = { measurement, labels, keys: [], texts: [] };
    this.#points.keep(this.#view, from, to, point);
    return point;
  }

  /** Canonical text of the `field`-th field of the line. Lines of a point mostly have their fields in the same order. */
  #text(point: Point, field: number, from: number, to: number): string | undefined {
    const bytes = this.#bytes;
    const { keys, texts, measurement, labels } = point;
    if (field < keys.length && same(keys[field]!, bytes, from, to)) return texts[field]!;
    for (let i = 0; i < keys.length; i++) if (same(keys[i]!, bytes, from, to)) return texts[i]!;
    if (!isUtf8(bytes.subarray(from, to))) return this.#none('the field key is not UTF-8', from);
    const key = this.#unescape(from, to);
    const name = key === 'value' ? measurement : `${measurement}_${key}`;
    const problem = seriesProblem(name, labels);
    if (problem !== undefined) return this.#none(problem, from);
    const text = seriesText(name, labels);
    if (keys.length < KEPT_FIELDS) {
      keys.push(bytes.toString('latin1', from, to));
      texts.push(text);
    }
    return text;
  }

  /** The value of a field that is no string, or NaN with the reason. */
  #number(from: number, to: number): number {
    const bytes = this.#bytes;
    if (from === to) return this.#nan('the field has no value', from);
    const last = bytes[to - 1]!;
    // i, u
    if (last === 105 || last === 117) return this.#integer(from, to - 1, last === 117);
    const value = parseDecimal(bytes, from, to);
    if (Number.isFinite(value)) return value;
    if (!Number.isNaN(value)) return this.#nan('the number is too large for a float64', from);
    const text = bytes.toString('latin1', from, Math.min(to, from + 40));
    return BOOLEANS[text] ?? this.#nan(`${JSON.stringify(text)} is no number, integer (1i), unsigned integer (1u), boolean or "string"`, from);
  }

  #integer(from: number, to: number, unsigned: boolean): number {
    const bytes = this.#bytes;
    const negative = bytes[from] === 45;
    const first = negative && !unsigned ? from + 1 : from;
    let value = 0;
    for (let at = first; at < to; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return this.#nan(unsigned ? 'not an unsigned integer: digits and u' : 'not an integer: digits and i', at);
      value = value * 10 + digit;
    }
    if (first === to) return this.#nan('an integer without digits', from);
    if (value > Number.MAX_SAFE_INTEGER) {
      const exact = BigInt(bytes.toString('latin1', first, to));
      if (exact > (unsigned ? 0xffff_ffff_ffff_ffffn : negative ? 0x8000_0000_0000_0000n : 0x7fff_ffff_ffff_ffffn)) return this.#nan('the integer does not fit in 64 bits', from);
      value = Number(exact);
    }
    return negative ? -value : value;
  }

  #timestamp(from: number, to: number, now: Time): boolean {
    const bytes = this.#bytes;
    const precision = this.#precision;
    const negative = bytes[from] === 45;
    const first = negative ? from + 1 : from;
    const cut = Math.max(first, to - DIGITS_BELOW[precision]);
    let units = 0;
    let rest = 0;
    for (let at = first; at < to; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return this.#wrong('the timestamp is not an integer', at);
      if (at < cut) units = units * 10 + digit;
      else rest += digit;
    }
    if (first === to) return this.#wrong('the timestamp is not an integer', from);
    // Towards the earlier millisecond, before 1970 too.
    if (negative) units = rest > 0 ? -units - 1 : -units;
    const time = units * UNIT_MS[precision] + 0;
    if (Math.abs(time) > 8.64e15) return this.#wrong(`the timestamp is not a time in ${precision}: check the precision`, from);
    if (time > now + MAX_FUTURE_MS) {
      return this.#wrong(`timestamp ${new Date(time).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check the precision, which is ${precision} here, and the clock of the publisher`, from);
    }
    this.#time = time;
    return true;
  }

  /** The first `c` in `[from, to)` that no backslash precedes, or `to`. */
  #unescaped(c: number, from: number, to: number): number {
    for (let at = from; at < to; at++) if (this.#bytes[at] === c && (at === from || this.#bytes[at - 1] !== BACKSLASH)) return at;
    return to;
  }

  /** A backslash counts only before a comma, an equals sign or a space. */
  #unescape(from: number, to: number): string {
    const text = this.#bytes.toString('utf8', from, to);
    return text.includes('\\') ? text.replaceAll(/\\([,= ])/g, '$1') : text;
  }

  #wrong(reason: string, at: number): false {
    this.#reason = reason;
    this.#reasonAt = at;
    return false;
  }

  #none(reason: string, at: number): undefined {
    this.#wrong(reason, at);
  }

  #nan(reason: string, at: number): number {
    this.#wrong(reason, at);
    return NaN;
  }
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 48 && c <= 57;
}
