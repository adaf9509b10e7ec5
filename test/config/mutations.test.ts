import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { formatDiagnostic, type Diagnostic } from '../../config/diagnostic.js';
import { readConfigText } from '../../config/load.js';
import { seeded, type Random } from '../../engine/random.js';
import { root } from './root.js';

const SEED = Number(process.env['SEED'] ?? 20240115);
const EACH = 120;
const LEAST_INVALID = 150;

const shipped = ['millrace.yml', 'examples/csv-anomalies.yml', 'examples/http-metrics.yml', 'examples/generate.yml', 'examples/slo.yml'];

type Mutation = (text: string, pick: (n: number) => number) => string;

const lineOf = (text: string, pick: (n: number) => number): [string[], number] => {
  const lines = text.split('\n');
  return [lines, pick(lines.length)];
};
/** Another text in the place of one match. */
const replaceOne = (pattern: RegExp, by: (match: RegExpExecArray, pick: (n: number) => number) => string): Mutation => (text, pick) => {
  const matches = [...text.matchAll(pattern)];
  const match = matches[pick(Math.max(1, matches.length))];
  return match === undefined ? text : text.slice(0, match.index) + by(match, pick) + text.slice(match.index + match[0].length);
};
const oneOf = (texts: readonly string[], pick: (n: number) => number): string => texts[pick(texts.length)]!;
const KEY = /^( *)([a-z_]+)(?=:)|(?<=[{,] )([a-z_]+)(?=: )/gm;
const VALUE = /(?<=: )[\w.]+(?=[ ,}\n])/g;
const WORDS = ['null', '~', '[]', '{}', 'true', '-1', '0', '1e999', '.nan', '"x"', '[a, [b]]', '{a: 1}', '10', '10s', '9'.repeat(40), 'x'.repeat(5_000), '*anchor', '!tag x', '"\\u0000"', '${UNSET}', '${', '$${x}', 'é', '\u202e', '2024-01-15'];

/** What people do to a config, and what files go through. */
const mutations: Readonly<Record<string, Mutation>> = {
  'a character less': (text, pick) => { const at = pick(text.length); return text.slice(0, at) + text.slice(at + 1); },
  'a character more': (text, pick) => { const at = pick(text.length); return text.slice(0, at) + oneOf('{}[]:,#&*!|>%@`"\'\t-?\u0000x '.split(''), pick) + text.slice(at); },
  'two characters swapped': (text, pick) => { const at = pick(text.length - 1); return text.slice(0, at) + text[at + 1]! + text[at]! + text.slice(at + 2); },
  'a line less': (text, pick) => { const [lines, at] = lineOf(text, pick); return lines.toSpliced(at, 1).join('\n'); },
  'a line twice': (text, pick) => { const [lines, at] = lineOf(text, pick); return lines.toSpliced(at, 0, lines[at]!).join('\n'); },
  'a line elsewhere': (text, pick) => { const [lines, at] = lineOf(text, pick); const [line = ''] = lines.splice(at, 1); return lines.toSpliced(pick(lines.length), 0, line).join('\n'); },
  'a line further in': (text, pick) => { const [lines, at] = lineOf(text, pick); return lines.with(at, oneOf(['  ', ' ', '\t'], pick) + lines[at]!).join('\n'); },
  'a line further out': (text, pick) => { const [lines, at] = lineOf(text, pick); return lines.with(at, lines[at]!.replace(/^ {1,2}/, '')).join('\n'); },
  'cut off': (text, pick) => text.slice(0, pick(text.length)),
  'a key misspelt': replaceOne(KEY, ([key], pick) => { const at = pick(key.length); return key.slice(0, at) + oneOf(['', 'x', key[at]! + key[at]!], pick) + key.slice(at + 1); }),
  'another value': replaceOne(VALUE, (_, pick) => oneOf(WORDS, pick)),
  'a value misspelt': replaceOne(VALUE, ([value], pick) => { const at = pick(value.length); return value.slice(0, at) + value.slice(at + 1); }),
  'no type': replaceOne(/type: [a-z-]+,? ?/g, () => ''),
  'another type': replaceOne(/(?<=type: )[a-z-]+/g, (_, pick) => oneOf(['file', 'detect', 'correlate', 'window', 'live', 'select', 'http', 'nothing', '5'], pick)),
  'other line ends': (text) => text.replaceAll('\n', '\r\n').replace('type:', 'typ:'),
  'another file': (_, pick) => oneOf(['', '\n', '\ufeff', 'null', '5', '- a\n- b\n', '{"sources": 5}', '\u0000\u0001', '<xml/>', '---\na: 1\n---\nb: 2\n', '[[[[[[[[', '{{{{', '&a [*a]', 'sources: &a {x: *a}', 'a: '.repeat(50), '['.repeat(20_000), 'sources: {}\nsinks: {}\n', '? {a: 1}\n: 2\n', 'sources: {__proto__: {type: file}, constructor: {type: host}}'], pick),
};

function mutate(random: Random, text: string): { what: string; text: string } {
  const pick = (n: number): number => Math.floor(random() * n);
  const names = Object.keys(mutations);
  const what = oneOf(names, pick);
  return { what, text: mutations[what]!(text, pick) };
}

/** Undefined where a diagnostic is as it should be. */
function flaw({ place, message, suggestion }: Diagnostic, texts: ReadonlyMap<string, string>): string | undefined {
  const shown = formatDiagnostic({ severity: 'error', place, message, ...(suggestion === undefined ? {} : { suggestion }) });
  if (/\n\s+at |undefined|\[object |Invalid input|_zod/.test(`${message} ${suggestion ?? ''}`)) return `is not for people: ${message} ${suggestion ?? ''}`;
  if (place.line < 1 || place.column < 1 || place.length < 1) return `has no place: ${shown}`;
  const text = texts.get(place.file);
  if (text === undefined) return `is in a file that nobody wrote: ${place.file}`;
  const line = text.split('\n')[place.line - 1]?.replace(/\r$/, '');
  if (line !== place.text) return `shows another line than that of its place: ${shown}`;
  if (place.column > line.length + 1) return `is past the end of its line: ${shown}`;
  const [head = '', , caret = ''] = shown.split('\n');
  if (!/^[^\n]+:\d+:\d+: error: \S/.test(head) || !caret.includes('^')) return `is not shown as usual: ${shown}`;
  return undefined;
}

t.test(`every config that is changed at random is read, or answered with a place (SEED=${SEED})`, async (t) => {
  const folder = t.testdir({});
  const slos = readFileSync(join(root, 'config/slos.yml'), 'utf8');
  writeFileSync(join(folder, 'slos.yml'), slos);
  const random = seeded(SEED);
  const kinds = new Set<string>();
  let invalid = 0;
  const flaws: string[] = [];
  const judge = (what: string, file: string, text: string, texts: ReadonlyMap<string, string>): void => {
    try {
      const { config, diagnostics } = readConfigText(file, text, {});
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      if (config === undefined) {
        invalid += 1;
        kinds.add(what);
        if (errors.length === 0) flaws.push(`${what}: refused without a reason\n${text}`);
      }
      for (const diagnostic of diagnostics) {
        const found = flaw(diagnostic, texts);
        if (found !== undefined) flaws.push(`${what}: ${found}`);
      }
    } catch (error) {
      flaws.push(`${what}: threw ${(error as Error).stack}\n${text.slice(0, 2_000)}`);
    }
  };
  for (const name of shipped) {
    const original = readFileSync(join(root, 'config', name), 'utf8');
    const file = join(folder, 'mine.yml');
    for (let i = 0; i < EACH; i++) {
      const { what, text } = mutate(random, original);
      judge(what, file, text, new Map([[file, text], [join(folder, 'slos.yml'), slos]]));
    }
  }
  // The same for the file of SLOs beside it.
  const config = readFileSync(join(root, 'config/millrace.yml'), 'utf8');
  const file = join(folder, 'mine.yml');
  for (let i = 0; i < EACH; i++) {
    const { what, text } = mutate(random, slos);
    writeFileSync(join(folder, 'slos.yml'), text);
    judge(`slos: ${what}`, file, config, new Map([[file, config], [join(folder, 'slos.yml'), text]]));
  }
  t.strictSame(flaws.slice(0, 5), [], `${flaws.length} flaws`);
  t.ok(invalid >= LEAST_INVALID, `${invalid} of ${EACH * (shipped.length + 1)} were invalid`);
  const never = Object.keys(mutations).filter((what) => !kinds.has(what) && !kinds.has(`slos: ${what}`));
  t.strictSame(never, [], 'each kind of change made at least one invalid config');
});
