import { MAX_LABELS, MAX_SERIES_TEXT } from './limits.js';
import { hash32 } from './random.js';

/** A metric name with its labels. Labels are sorted by name. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The slot that no series has. */
export const NO_SLOT = 0xffffffff;

/**
 * The canonical text of a series, its identity everywhere outside a process:
 * `name{a="x",b="y"}`, labels sorted by name, `\`, `"` and newline escaped as in the Prometheus
 * text format. Without labels just `name`. Empty label values mean "no such label", as in Prometheus.
 */
export function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
  const keys = Object.keys(labels);
  if (keys.length === 0) return name;
  if (keys.length > 1) keys.sort();
  let text = '';
  for (const key of keys) {
    const value = labels[key]!;
    if (value === '') continue;
    text += `${text === '' ? '' : ','}${key}="${ESCAPED.test(value) ? escapeValue(value) : value}"`;
  }
  return text === '' ? name : `${name}{${text}}`;
}

const ESCAPED = /[\\"\n]/;

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** A series from a name and labels in any order. */
export function makeSeries(name: string, labels: Readonly<Record<string, string>> = {}): Series {
  const sorted: Record<string, string> = {};
  for (const key of Object.keys(labels).sort()) if (labels[key] !== '') sorted[key] = labels[key]!;
  return { name, labels: sorted };
}

/**
 * Reads a canonical text back. Throws a `SyntaxError` that names the offset where the text is not
 * canonical.
 */
export function parseSeries(text: string): Series {
  const brace = text.indexOf('{');
  if (brace < 0) return { name: text, labels: {} };
  const labels: Record<string, string> = {};
  let at = brace + 1;
  while (text[at] !== '}') {
    const equals = text.indexOf('="', at);
    if (equals < 0) throw new SyntaxError(`series ${text}: expected label="value" at offset ${at}`);
    const key = text.slice(at, equals);
    let value = '';
    at = equals + 2;
    for (; ; at++) {
      const c = text[at];
      if (c === undefined) throw new SyntaxError(`series ${text}: value of ${key} is not closed`);
      if (c === '"') break;
      if (c !== '\\') value += c;
      else {
        at += 1;
        value += text[at] === 'n' ? '\n' : (text[at] ?? '');
      }
    }
    labels[key] = value;
    at += 1;
    if (text[at] === ',') at += 1;
    else if (text[at] !== '}') throw new SyntaxError(`series ${text}: expected , or } at offset ${at}`);
  }
  if (at !== text.length - 1) throw new SyntaxError(`series ${text}: text after } at offset ${at + 1}`);
  return { name: text.slice(0, brace), labels };
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:.\-/]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_.\-/]*$/;

/**
 * Why a name with labels can't be a series, as a sentence for the publisher; `undefined` when it can.
 * Names are those of Prometheus and also `.`, `-` and `/`, as StatsD and OTLP send them.
 */
export function seriesProblem(name: string, labels: Readonly<Record<string, unknown>>): string | undefined {
  if (!NAME.test(name)) return `metric name ${JSON.stringify(name.slice(0, 80))} does not match ${NAME.source}`;
  const keys = Object.keys(labels);
  if (keys.length > MAX_LABELS) return `${keys.length} labels, at most ${MAX_LABELS} are allowed`;
  let length = name.length;
  for (const key of keys) {
    if (!LABEL.test(key) || key === '__proto__') return `label name ${JSON.stringify(key.slice(0, 80))} does not match ${LABEL.source}`;
    const value = labels[key];
    if (typeof value !== 'string') return `label ${key} must be a string, not ${value === null ? 'null' : typeof value}`;
    length += key.length + value.length + 4;
  }
  if (length > MAX_SERIES_TEXT) return `name and labels are ${length} characters long, at most ${MAX_SERIES_TEXT} are allowed`;
  return undefined;
}

/** The partition that a canonical text hashes to. */
export function partitionOf(text: string, partitions: number): number {
  return hash32(text) % partitions;
}
