import { isUtf8 } from 'node:buffer';
import type { Time } from '../../engine/clock.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import { parseDecimal } from './decimal.js';
import { asBuffer, MAX_LINE_BYTES, NO_BYTES, NO_VIEW, textStart, viewOf, type Decoded, type PayloadDecoder, type Problem, type Samples } from './decoding.js';
import { RawSeries } from './raw-series.js';

/** Prometheus text format 0.0.4, or OpenMetrics text 1.0. */
export type ExpositionForm = 'prometheus' | 'openmetrics';

const TYPES: Readonly<Record<ExpositionForm, readonly string[]>> = {
  prometheus: ['counter', 'gauge', 'histogram', 'summary', 'untyped'],
  openmetrics: ['counter', 'gauge', 'histogram', 'gaugehistogram', 'stateset', 'info', 'summary', 'unknown'],
};

/** Values that are no decimals, in lower case. */
const SPECIAL: Readonly<Record<string, number>> = {
  nan: NaN,
  inf: Infinity,
  '+inf': Infinity,
  '-inf': -Infinity,
  infinity: Infinity,
  '+infinity': Infinity,
  '-infinity': -Infinity,
};

const [LINE_FEED, RETURN, TAB, SPACE, QUOTE, HASH, COMMA, EQUALS, OPEN, BACKSLASH, CLOSE] = [10, 13, 9, 32, 34, 35, 44, 61, 123, 92, 125];

/**
 * Decodes the text a Prometheus exporter shows. Histograms and summaries are the series they consist of;
 * metadata is checked and dropped, exemplars are dropped.
 */
export class Exposition implements PayloadDecoder {
  readonly #form: ExpositionForm;
  readonly #series = new RawSeries<string>((text) => text.length);
  #bytes = NO_BYTES;
  #view = NO_VIEW;
  #text = '';
  #value = 0;
  #time = 0;
  #ended = false;
  #reason = '';
  #reasonAt = 0;

  constructor(form: ExpositionForm) {
    this.#form = form;
  }

  decode(payload: Uint8Array, now: Time, into: Samples, tell: (problem: Problem) => void): Decoded {
    const bytes = (this.#bytes = asBuffer(payload));
    this.#view = viewOf(bytes);
    const { length } = bytes;
    const openMetrics = this.#form === 'openmetrics';
    let [added, refused, bad] = [0, 0, 0];
    let line = 1;
    this.#ended = false;
    for (let from = textStart(bytes); from < length; line++) {
      const feed = bytes.indexOf(LINE_FEED, from);
      const end = feed < 0 ? length : feed;
      let good: boolean;
      if (this.#ended) {
        good = this.#wrong('text after # EOF', from);
      } else {
        this.#text = '';
        this.#time = now;
        good = this.#line(from, end > from && bytes[end - 1] === RETURN ? end - 1 : end, now);
        // Without its line feed the last number may be cut off.
        if (good && openMetrics && feed < 0 && this.#text !== '') good = this.#wrong('the last line is cut off: it has no line feed', end);
      }
      if (!good) {
        bad += 1;
        const after = this.#ended ? length : end;
        tell({ reason: this.#reason, offset: this.#reasonAt, line, from, to: after });
        if (this.#ended) break;
      } else if (this.#text !== '') {
        if (into.add(this.#time, this.#text, this.#value, 0)) added += 1;
        else refused += 1;
      }
      from = end + 1;
    }
    if (openMetrics && !this.#ended) {
      bad += 1;
      tell({ reason: 'no # EOF at the end: the exposition is cut off; what came is taken', offset: length, line, from: length, to: length });
    }
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
    return { added, refused, skipped: 0, bad };
  }

  /** Of a sample, sets text, value and time. */
  #line(from: number, end: number, now: Time): boolean {
    const bytes = this.#bytes;
    let at = this.#skipBlanks(from, end);
    if (at === end) return true;
    if (end - from > MAX_LINE_BYTES) return this.#wrong(`the line is ${end - from} bytes long, at most ${MAX_LINE_BYTES} are taken`, from);
    if (bytes[at] === HASH) return this.#metadata(at, end);
    at = this.#seriesEnd(at, end);
    if (at < 0) return false;
    const value = this.#skipBlanks(at, end);
    if (value === end) return this.#wrong('no value', end);
    at = this.#tokenEnd(value, end);
    if (!this.#number(value, at)) return false;
    const stamp = this.#skipBlanks(at, end);
    if (stamp < end && !this.#exemplar(stamp)) {
      at = this.#tokenEnd(stamp, end);
      if (!this.#timestamp(stamp, at, now)) return false;
      const rest = this.#skipBlanks(at, end);
      if (rest < end && !this.#exemplar(rest)) return this.#wrong('expected the end of the line after the timestamp', rest);
    }
    return true;
  }

  /** Where the series at `start` ends, or -1; sets its text. */
  #seriesEnd(start: number, end: number): number {
    const bytes = this.#bytes;
    let at = this.#series.follow(this.#view, start);
    // A name may be the beginning of another, or have labels here.
    if (at >= 0 && at < end && (bytes[at - 1] === CLOSE || (isBlank(bytes[at]!) && bytes[this.#skipBlanks(at, end)] !== OPEN))) {
      this.#text = this.#series.followed!;
      return at;
    }
    at = start;
    let brace = -1;
    for (; at < end; at++) {
      const c = bytes[at]!;
      if (c === OPEN) {
        brace = at;
        break;
      }
      if (isBlank(c)) {
        const next = this.#skipBlanks(at, end);
        if (bytes[next] === OPEN && next < end) brace = next;
        break;
      }
    }
    const nameEnd = at;
    if (brace >= 0) {
      let quoted = false;
      for (at = brace; at < end; at++) {
        const c = bytes[at]!;
        if (c === QUOTE) quoted = !quoted;
        else if (c === CLOSE && !quoted) break;
        else if (c === BACKSLASH && quoted && at + 1 < end) at += 1;
      }
      if (at === end) {
        this.#wrong(quoted ? 'a label value is not closed by a quote' : 'the labels are not closed by }', brace);
        return -1;
      }
      at += 1;
    }
    const text = this.#series.find(this.#view, start, at) ?? this.#parse(start, nameEnd, brace, at);
    if (text === undefined) return -1;
    this.#text = text;
    return at;
  }

  #exemplar(at: number): boolean {
    return this.#form === 'openmetrics' && this.#bytes[at] === HASH;
  }

  /** `# HELP name text`, `# TYPE name type`, `# UNIT name unit`, `# EOF`; in the Prometheus format all else is a comment. */
  #metadata(from: number, end: number): boolean {
    const openMetrics = this.#form === 'openmetrics';
    const [, keyword = '', name, ...rest] = this.#bytes.toString('latin1', from, end).trimEnd().split(/[ \t]+/);
    if (openMetrics && keyword === 'EOF' && name === undefined) this.#ended = true;
    else if (keyword === 'TYPE') {
      if (name === undefined || rest.length !== 1) return this.#wrong('expected # TYPE name type', from);
      if (!TYPES[this.#form].includes(rest[0]!)) return this.#wrong(`unknown type ${JSON.stringify(rest[0]!.slice(0, 40))}, expected ${TYPES[this.#form].join(', ')}`, from);
    } else if (keyword === 'HELP' || (openMetrics && keyword === 'UNIT')) {
      if (name === undefined) return this.#wrong(`expected a metric name after # ${keyword}`, from);
    } else if (openMetrics) return this.#wrong('expected # HELP, # TYPE, # UNIT or # EOF: OpenMetrics has no comments', from);
    return true;
  }

  #parse(from: number, nameEnd: number, brace: number, to: number): string | undefined {
    const bytes = this.#bytes;
    if (!isUtf8(bytes.subarray(from, to))) return this.#none('the series is not UTF-8', from);
    const name = bytes.toString('utf8', from, nameEnd);
    const labels = Object.create(null) as Record<string, string>;
    if (brace >= 0) {
      let at = this.#skipBlanks(brace + 1, to);
      while (bytes[at] !== CLOSE) {
        let equals = at;
        while (equals < to && bytes[equals] !== EQUALS) equals += 1;
        if (equals >= to) return this.#none('expected label="value"', at);
        const label = bytes.toString('utf8', at, equals).trimEnd();
        const open = this.#skipBlanks(equals + 1, to);
        if (bytes[open] !== QUOTE) return this.#none(`expected a quoted value of label ${label.slice(0, 40)}`, open);
        let close = open + 1;
        while (close < to && bytes[close] !== QUOTE) close += bytes[close] === BACKSLASH ? 2 : 1;
        if (close >= to) return this.#none(`the value of label ${label.slice(0, 40)} is not closed by a quote`, open);
        if (label in labels) return this.#none(`label ${label.slice(0, 40)} comes twice`, at);
        labels[label] = unescape(bytes.toString('utf8', open + 1, close));
        at = this.#skipBlanks(close + 1, to);
        if (bytes[at] === COMMA) at = this.#skipBlanks(at + 1, to);
        else if (bytes[at] !== CLOSE) return this.#none('expected , or } after a label', at);
      }
    }
    const problem = seriesProblem(name, labels);
    if (problem !== undefined) return this.#none(problem, from);
    const text = seriesText(name, labels);
    this.#series.keep(this.#view, from, to, text);
    return text;
  }

  #number(from: number, to: number): boolean {
    const bytes = this.#bytes;
    this.#value = parseDecimal(bytes, from, to);
    if (Number.isFinite(this.#value)) return true;
    if (!Number.isNaN(this.#value)) return this.#wrong('the value is too large for a float64', from);
    const text = bytes.toString('latin1', from, Math.min(to, from + 40));
    const special = SPECIAL[text.toLowerCase()];
    if (special === undefined) return this.#wrong(`${JSON.stringify(text)} is not a number`, from);
    this.#value = special;
    return true;
  }

  /** Milliseconds, an integer; in OpenMetrics seconds, rounded to the millisecond. */
  #timestamp(from: number, to: number, now: Time): boolean {
    const number = parseDecimal(this.#bytes, from, to);
    const openMetrics = this.#form === 'openmetrics';
    const time = openMetrics ? Math.round(number * 1_000) : number;
    if (!Number.isInteger(time) || Math.abs(time) > 8.64e15) return this.#wrong(openMetrics ? 'the timestamp is not a time in seconds' : 'the timestamp is not a time in whole milliseconds', from);
    if (time > now + MAX_FUTURE_MS) {
      return this.#wrong(`timestamp ${new Date(time).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check its unit (${openMetrics ? 'seconds' : 'milliseconds'}) and the clock of the publisher`, from);
    }
    this.#time = time + 0;
    return true;
  }

  #skipBlanks(at: number, end: number): number {
    while (at < end && (this.#bytes[at] === SPACE || this.#bytes[at] === TAB)) at += 1;
    return at;
  }

  #tokenEnd(at: number, end: number): number {
    while (at < end && this.#bytes[at] !== SPACE && this.#bytes[at] !== TAB) at += 1;
    return at;
  }

  #wrong(reason: string, at: number): false {
    this.#reason = reason;
    this.#reasonAt = at;
    return false;
  }

  #none(reason: string, at: number): undefined {
    this.#wrong(reason, at);
  }
}

/** `\\`, `\"` and `\n`; another backslash stands for itself. */
function unescape(value: string): string {
  return value.includes('\\') ? value.replaceAll(/\\([\\"n])/g, (_, c: string) => (c === 'n' ? '\n' : c)) : value;
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB;
}
