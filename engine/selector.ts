import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { z } from 'zod';
import type { Series } from './series.js';

/** `=` equal, `!=` not equal, `=~` matches the whole value, `!~` does not. */
export type MatchOp = '=' | '!=' | '=~' | '!~';

export interface Matcher {
  readonly label: string;
  readonly op: MatchOp;
  readonly value: string;
}

/** A selector of Prometheus as plain data; `metric` undefined: any name. */
export interface Selector {
  readonly metric?: string;
  readonly matchers: readonly Matcher[];
}

/** A mistake in PromQL text. `message` says the offset and what was expected. */
export class PromqlError extends SyntaxError {
  /** Characters before the mistake. */
  readonly offset: number;
  constructor(offset: number, what: string) {
    super(`at offset ${offset}: ${what}`);
    this.offset = offset;
  }
}

/** The syntax tree of a PromQL expression, in Prometheus' own grammar. Throws a `PromqlError` at the first mistake. */
export function parsePromql(text: string): Tree {
  const tree = parser.parse(text);
  tree.iterate({
    enter(node) {
      if (node.name === 'StringLiteral') readString(node.node, text);
      if (node.type.isError) throw new PromqlError(node.from, `expected ${expectedAt(node.node, text)}, found ${found(text, node.from)}`);
    },
  });
  return tree;
}

/** `cpu_usage{mode!="idle",host=~"a.*"}`, `{mode="idle"}`, `cpu_usage`, `{"cpu.usage"}`. Throws a `PromqlError`. */
export function parseSelector(text: string): Selector {
  const top = parsePromql(text).topNode.firstChild!;
  if (top.name !== 'VectorSelector') {
    throw new PromqlError(top.from, `expected a selector such as cpu_usage{mode!="idle"}, found ${kindOf(top)}`);
  }
  return readSelector(top, text);
}

/** A config field that takes a selector. */
export function selector() {
  return z
    .string()
    .meta({ examples: ['cpu_usage{mode!="idle"}', '{job=~"api|web"}'] })
    .transform((text, context): Selector => {
      try {
        return parseSelector(text);
      } catch (error) {
        if (!(error instanceof PromqlError)) throw error;
        context.addIssue({ code: 'custom', message: `selector ${text}: ${error.message}` });
        return z.NEVER;
      }
    });
}

/** The selector of a `VectorSelector` node of a tree without mistakes. */
export function readSelector(node: SyntaxNode, text: string): Selector {
  const source = (of: SyntaxNode): string => text.slice(of.from, of.to);
  const name = node.getChild('Identifier');
  let metric = name === null ? undefined : source(name);
  const matchers: Matcher[] = [];
  for (let child = node.getChild('LabelMatchers')?.firstChild ?? null; child !== null; child = child.nextSibling) {
    if (child.name === 'QuotedLabelName') {
      if (metric !== undefined) throw new PromqlError(child.from, `the metric name is already ${metric}`);
      metric = readString(child.getChild('StringLiteral')!, text);
    } else if (child.name === 'UnquotedLabelMatcher' || child.name === 'QuotedLabelMatcher') {
      const quoted = child.getChild('QuotedLabelName');
      const label = quoted === null ? source(child.getChild('LabelName')!) : readString(quoted.getChild('StringLiteral')!, text);
      const op = source(child.getChild('MatchOp')!) as MatchOp;
      const literal = child.getChild('StringLiteral')!;
      const value = readString(literal, text);
      if (op === '=~' || op === '!~') compileRegex(value, literal.from + 1);
      matchers.push({ label, op, value });
    }
  }
  return metric === undefined ? { matchers } : { metric, matchers };
}

/** Whether a series is selected. A label that a series lacks equals `""`; `__name__` is the metric name. */
export function compileMatchers({ metric, matchers }: Selector): (series: Series) => boolean {
  const tests = matchers.map(({ label, op, value }) => ({ label, accepts: compileMatcher(op, value) }));
  return (series) => {
    if (metric !== undefined && series.name !== metric) return false;
    return tests.every(({ label, accepts }) => accepts(label === '__name__' ? series.name : labelOf(series, label)));
  };
}

function labelOf(series: Series, label: string): string {
  return Object.hasOwn(series.labels, label) ? series.labels[label]! : '';
}

function compileMatcher(op: MatchOp, value: string): (text: string) => boolean {
  switch (op) {
    case '=':
      return (text) => text === value;
    case '!=':
      return (text) => text !== value;
    case '=~': {
      const regex = compileRegex(value, 0);
      return (text) => regex.test(text);
    }
    case '!~': {
      const regex = compileRegex(value, 0);
      return (text) => !regex.test(text);
    }
    default:
      return op satisfies never;
  }
}

/** Sequences that JavaScript understands otherwise than RE2, the regular expressions of Prometheus, or not at all. */
const NOT_RE2 = /\\(?![dDwWsSbBnrtfv]|x[0-9a-fA-F]{2}|[^a-zA-Z0-9])|\(\?(?!:|P?<[A-Za-z_])|\[\[:/y;

/** Anchored at both ends; `.` matches a newline too, as in Prometheus. `at`: where the pattern begins, for the error. */
function compileRegex(pattern: string, at: number): RegExp {
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const skipped = flags?.[0].length ?? 0;
  for (const { index } of pattern.slice(skipped).matchAll(/\\[\s\S]?|[\s\S]/g)) {
    NOT_RE2.lastIndex = skipped + index;
    if (NOT_RE2.test(pattern)) {
      throw new PromqlError(at + skipped + index, `${pattern.slice(skipped + index, skipped + index + 3)} in a regular expression is not supported`);
    }
  }
  try {
    return new RegExp(`^(?:${pattern.slice(skipped).replaceAll('(?P<', '(?<')})$`, flags?.[1]?.includes('i') === true ? 'is' : 's');
  } catch (error) {
    const reason = (error as Error).message.split(': ').at(-1)!;
    throw new PromqlError(at, `${JSON.stringify(pattern)} is not a regular expression: ${reason}`);
  }
}

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS_MS = [31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1];

/**
 * Milliseconds of a duration of PromQL (`5m`, `1h30m`, or a number of seconds), as in the range of a
 * `MatrixSelector`. Throws a `PromqlError` where the node is an expression or not above zero.
 */
export function readDuration(node: SyntaxNode, text: string): number {
  const literal = text.slice(node.from, node.to);
  const parts = DURATION.exec(literal);
  const seconds = Number(literal.replaceAll('_', ''));
  let ms = 0;
  if (parts === null) ms = seconds * 1_000;
  else for (let i = 0; i < UNITS_MS.length; i++) ms += Number(parts[i + 1] ?? 0) * UNITS_MS[i]!;
  if (!(ms > 0 && ms < Infinity)) throw new PromqlError(node.from, `expected a duration above zero such as 5m or 1h30m, found ${literal}`);
  return ms;
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' };
const CODE_POINT = /^(?:x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([01][0-7]{2}))/;

/** The value of a `StringLiteral` node: `"..."` and `'...'` with Go's escapes, or a raw string in backquotes. */
export function readString(node: SyntaxNode, text: string): string {
  const quote = text[node.from]!;
  let value = '';
  let at = node.from + 1;
  for (; ; at++) {
    const c = text[at];
    if (at >= node.to || c === undefined) throw new PromqlError(node.from, `the string is not closed: expected ${quote}`);
    if (c === quote) break;
    if (c !== '\\' || quote === '`') {
      value += c;
      continue;
    }
    const escaped = text[at + 1];
    const simple = escaped === quote ? quote : ESCAPES[escaped ?? ''];
    if (simple !== undefined) {
      value += simple;
      at += 1;
      continue;
    }
    const match = CODE_POINT.exec(text.slice(at + 1, at + 10));
    const code = match === null ? NaN : match[4] === undefined ? parseInt(match[1] ?? match[2] ?? match[3]!, 16) : parseInt(match[4], 8);
    if (!(code <= 0x10ffff)) throw new PromqlError(at, `expected an escape such as \\n, \\\\, \\${quote} or \\u00e9, found \\${escaped ?? ''}`);
    value += String.fromCodePoint(code);
    at += match![0].length;
  }
  return value;
}

const MATCH_OPS = 'one of = != =~ !~';

function expectedAt(error: SyntaxNode, text: string): string {
  const parent = error.parent;
  switch (parent?.name) {
    case 'LabelMatchers': {
      const before = error.prevSibling?.name;
      if (before?.endsWith('Matcher') === true || before === 'QuotedLabelName') return 'a comma or }';
      return 'a matcher such as mode="idle", or }';
    }
    case 'MatchOp':
      return MATCH_OPS;
    case 'UnquotedLabelMatcher':
    case 'QuotedLabelMatcher': {
      const op = parent.getChild('MatchOp');
      return op === null || op.to === op.from ? MATCH_OPS : 'a value in quotes';
    }
    case 'FunctionCallBody':
      return 'an expression, a comma or )';
    default: {
      if (text.slice(0, error.from).trimEnd().endsWith('[')) return 'a duration such as 5m';
      if (text.trim() === '') return 'a selector or an expression';
      const name = /[\w:][\w:.\-/]*$/.exec(text.slice(0, error.from + 1))?.[0];
      if (name !== undefined && /[.\-/]$/.test(name)) {
        const rest = /^[\w:.\-/]*/.exec(text.slice(error.from + 1))![0];
        return `an operator or the end (a name with other characters than letters, digits, _ and : is written {"${name}${rest}"})`;
      }
      return 'an operator or the end';
    }
  }
}

function found(text: string, at: number): string {
  return at >= text.length ? 'the end' : JSON.stringify(text.slice(at, at + 10));
}

function kindOf(node: SyntaxNode): string {
  return `a ${node.name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()}`;
}
