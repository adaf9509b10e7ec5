import { isAlias, isMap, isScalar, isSeq, parse, parseDocument, type Document as YamlDocument, type ParsedNode, type YAMLError } from 'yaml';
import type { Diagnostic, Place } from './diagnostic.js';
import { replaceVariables, type Environment } from './variables.js';

export type Path = readonly (string | number)[];
export type PlaceOf = 'key' | 'value';

/** A text that values come from. */
export interface Origin {
  /** Where the value at `path` stands, or its key; of what is not there, where it would belong. `offset`: characters into the value. */
  place(path: Path, of: PlaceOf, offset?: number): Place;
  /** What came from the environment at `path`. */
  inserted(path: Path): Inserted | undefined;
}

/** A value whose text came from the environment: it has no type of its own until a schema asks for one. */
export interface Inserted {
  readonly names: readonly string[];
  readonly text: string;
  /** It refers to what is not there, which has been told. */
  readonly unresolved: boolean;
}

type Range = readonly [start: number, end: number];

/** Bounds against texts that are made to hurt: a config of thousands of nodes has a hundredth of that. */
const MOST_CHARACTERS = 4 * 1024 * 1024;
const MOST_VALUES = 200_000;
const DEEPEST = 64;
const MOST_SYNTAX_ERRORS = 5;

/** A YAML text, read: plain data, the place of every value, and what is wrong with it as YAML. */
export class YamlText implements Origin {
  readonly file: string;
  readonly data: unknown;
  readonly diagnostics: Diagnostic[] = [];
  /** It is not YAML: what was read of it means nothing. */
  readonly broken: boolean = false;
  readonly #inserted = new Map<string, Inserted>();
  readonly #text: string;
  /** Offset of each line. The parser's own counter loses lines in texts that are broken. */
  readonly #lines: readonly number[];
  readonly #places = new Map<string, { readonly key?: Range; readonly value: Range }>();
  readonly #env: Environment;
  /** The text has characters of the veil itself. */
  readonly #bare: boolean;
  #values = 0;

  constructor(file: string, text: string, env: Environment) {
    this.file = file;
    this.#text = text;
    this.#env = env;
    this.#bare = text.search(VEILED) >= 0;
    this.#lines = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
    if (text.length > MOST_CHARACTERS) {
      this.#refuse([0, 0], `this is larger than a config can be (${MOST_CHARACTERS} characters)`);
      this.broken = true;
      return;
    }
    const veiled = this.#bare ? text : veil(text);
    let document: YamlDocument.Parsed;
    try {
      document = parseDocument(veiled, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#refuse([0, 0], 'this is nested too deeply');
      this.broken = true;
      return;
    }
    for (const problem of [...document.errors, ...document.warnings]) this.#refuseSyntax(problem, document);
    if (this.diagnostics.length > 0) {
      this.broken = true;
      return;
    }
    this.data = document.contents === null ? undefined : this.#read(document.contents, [], document, undefined);
  }

  place(path: Path, of: PlaceOf, offset = 0): Place {
    const exact = this.#places.get(pathKey(path));
    if (exact !== undefined) {
      if (of === 'key' && exact.key !== undefined) return this.#at(exact.key);
      const [start, end] = exact.value;
      if (offset === 0) return this.#at(of === 'key' ? [start, start + 1] : exact.value);
      // Only where nothing is escaped or folded is a character of the value one of the text.
      const quote = /["']/.test(this.#text[start] ?? '') ? 1 : 0;
      const plain = !/[\n\\]|''/.test(this.#text.slice(start, end));
      return this.#at(plain ? [Math.min(start + quote + offset, end - 1), end - quote] : exact.value);
    }
    // What is missing belongs to the nearest that is there.
    for (let length = path.length - 1; length > 0; length--) {
      const around = this.#places.get(pathKey(path.slice(0, length)));
      if (around === undefined) continue;
      // One value where a list may stand, too.
      if (length === path.length - 1 && path[length] === 0) return this.#at(around.value);
      return this.#at(around.key ?? [around.value[0], around.value[0] + 1]);
    }
    return this.#at([0, 0]);
  }

  inserted(path: Path): Inserted | undefined {
    return this.#inserted.get(pathKey(path));
  }

  /** Plain data of a node; notes the place of everything in it. */
  #read(node: ParsedNode | null, path: Path, document: YamlDocument.Parsed, key: Range | undefined, above: readonly unknown[] = []): unknown {
    this.#values += 1;
    if (this.#values > MOST_VALUES || path.length > DEEPEST || above.includes(node)) {
      this.#refuse(key ?? [0, 0], above.includes(node) ? 'this contains itself' : 'this is nested too deeply or has too many values');
      return undefined;
    }
    const range: Range = node === null ? (key ?? [0, 0]) : [node.range[0], node.range[1]];
    const known = this.#places.get(pathKey(path));
    if (known === undefined) this.#places.set(pathKey(path), { ...(key === undefined ? {} : { key }), value: range });
    if (node === null) return null;
    if (isAlias(node)) {
      const target = node.resolve(document) as ParsedNode | undefined;
      if (target === undefined) this.#refuse(range, `there is no anchor &${node.source}`);
      return target === undefined ? undefined : this.#read(target, path, document, key, [...above, node]);
    }
    if (isScalar(node)) return this.#scalar(node, path);
    if (isSeq(node)) return node.items.map((item, i) => this.#read(item as ParsedNode, [...path, i], document, undefined, [...above, node]));
    if (isMap(node)) {
      const map: Record<string, unknown> = {};
      for (const { key: name, value } of node.items) {
        const nameRange: Range = [name.range[0], name.range[1]];
        const text = isScalar(name) && name.value !== null ? this.#unveil(String(name.value as string | number | boolean)) : undefined;
        if (text === undefined || text === '__proto__') {
          this.#refuse(nameRange, 'a key must be a name');
        } else if (Object.hasOwn(map, text)) {
          const first = this.#places.get(pathKey([...path, text]))!.key!;
          this.#refuse(nameRange, `${text} is here already, in line ${this.#at(first).line}`);
        } else {
          map[text] = this.#read(value as ParsedNode | null, [...path, text], document, nameRange, [...above, node]);
        }
      }
      return map;
    }
    return undefined;
  }

  #scalar(node: { value: unknown; range: readonly number[]; source?: string }, path: Path): unknown {
    if (typeof node.value !== 'string') return node.value;
    const text = this.#unveil(node.value);
    if (!text.includes('${')) return text;
    const replaced = replaceVariables(text, this.#env);
    const [start = 0, end = 0] = node.range;
    for (const { at, length, message, suggestion } of replaced.problems) {
      const begins = this.#text.slice(start, end).indexOf(text.slice(at, at + length));
      const range: Range = begins < 0 ? [start, end] : [start + begins, start + begins + length];
      this.#refuse(range, message, suggestion);
    }
    const unresolved = replaced.problems.length > 0;
    if (replaced.names.length > 0 || unresolved) this.#inserted.set(pathKey(path), { names: replaced.names, text: replaced.text, unresolved });
    return replaced.text;
  }

  #unveil(text: string): string {
    return this.#bare ? text : text.replaceAll(VEILED, (char) => MEANT[char.charCodeAt(0) - FIRST_VEIL]!);
  }

  #at([start, end]: Range): Place {
    let [line, after] = [0, this.#lines.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (this.#lines[middle]! <= start) line = middle;
      else after = middle;
    }
    const begin = this.#lines[line]!;
    const text = this.#text.slice(begin, this.#lines[line + 1] ?? this.#text.length).replace(/\r?\n$/, '');
    const column = Math.min(start - begin, text.length) + 1;
    return { file: this.file, line: line + 1, column, length: Math.max(1, Math.min(end - start, text.length - column + 1)), text };
  }

  #refuse(range: Range, message: string, suggestion?: string): void {
    this.diagnostics.push({ severity: 'error', place: this.#at(range), message, ...(suggestion === undefined ? {} : { suggestion }) });
  }

  /** One a line, and few: what follows the first is often its echo. */
  #refuseSyntax(error: YAMLError, document: YamlDocument.Parsed): void {
    const { message, range } = explainSyntax(error, this.#text, document);
    const { line } = this.#at(range);
    if (this.diagnostics.length < MOST_SYNTAX_ERRORS && this.diagnostics.every(({ place }) => place.line !== line)) this.#refuse(range, message);
  }
}

/** The value that a text of the environment has by itself: `8080` is a number, `true` is true, `[a, b]` a list. */
export function valueOf(text: string): unknown {
  try {
    return parse(text, { prettyErrors: false, logLevel: 'silent' }) as unknown;
  } catch {
    return text;
  }
}

export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** What YAML's errors mean for someone who writes a config. */
function explainSyntax({ code, message, pos: [start, end] }: YAMLError, text: string, document: YamlDocument.Parsed): { message: string; range: Range } {
  const range: Range = [start, end];
  switch (code) {
    case 'TAB_AS_INDENT':
      return { range, message: 'lines are indented by spaces, not by tabs' };
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return { range: [start, lineEnd(text, start)], message: 'a `key: value` can\'t stand here: indent it like the keys beside it, or put a text that has ": " in it into quotes' };
    case 'UNEXPECTED_TOKEN':
      return { range: [start, Math.max(end, lineEnd(text, start))], message: 'this can\'t follow what is before it: check the indentation, the brackets, and quotes that close too early' };
    case 'BAD_SCALAR_START':
      return { range, message: `a text can't begin with ${text.slice(start, start + 1)}: put it into quotes` };
    case 'TAG_RESOLVE_FAILED':
      return { range, message: `${text.slice(start, end)} is not known: a config has no tags` };
    case 'MULTIPLE_DOCS':
      return { range, message: 'a second document begins here: a config is one document' };
    case 'BAD_INDENT':
    case 'MISSING_CHAR': {
      const open = unclosed(text, start, document);
      if (open !== undefined) return { range: [open, open + 1], message: `this ${text[open]} is not closed` };
      break;
    }
    default:
  }
  return { range, message: `not YAML: ${message}` };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** The bracket or quote that is open at an offset: quoted scalars are taken from the document, brackets counted around them. */
function unclosed(text: string, to: number, document: YamlDocument.Parsed): number | undefined {
  const quoted: Range[] = [];
  const visit = (node: unknown): void => {
    if (isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') && node.range) quoted.push([node.range[0], node.range[1]]);
    else if (isSeq(node)) node.items.forEach(visit);
    else if (isMap(node)) for (const { key, value } of node.items) [key, value].forEach(visit);
  };
  visit(document.contents);
  for (const [start, end] of quoted) if (end >= to && (end - start < 2 || text[end - 1] !== text[start])) return start;
  let depth = 0;
  for (let i = to - 1; i >= 0; i--) {
    if (quoted.some(([start, end]) => i >= start && i < end)) continue;
    if (text[i] === '}' || text[i] === ']') depth += 1;
    if ((text[i] === '{' || text[i] === '[') && depth-- === 0) return i;
  }
  return undefined;
}

/** Characters that mean something to YAML inside a `${...}`, and what stands for them while it reads, one for one, so that places stay. */
const MEANT = '{}[],:#';
const FIRST_VEIL = 0xe000;
const VEILED = new RegExp(`[${String.fromCharCode(FIRST_VEIL)}-${String.fromCharCode(FIRST_VEIL + MEANT.length - 1)}]`, 'g');

/** So that `{ port: ${PORT:-8080} }` needs no quotes. */
function veil(text: string): string {
  return text.replaceAll(/\$\{[^{}"'\n]*\}/g, (reference) => reference.replaceAll(/[{}[\],:#]/g, (char) => String.fromCharCode(FIRST_VEIL + MEANT.indexOf(char))));
}
