import type { z } from 'zod';
import type { Problem } from '../engine/graph.js';
import { pathKey, valueOf, type Inserted, type Path, type PlaceOf } from './document.js';
import { nearest } from './nearest.js';
import { alternatives, descriptionOf, expectedName, fieldAt, keysAt, typeName } from './fields.js';

/** Something wrong in a config: where to look, by the path into it. */
export interface ConfigProblem extends Problem {
  /** Default: the value. */
  readonly of?: PlaceOf;
  /** Characters into the value. */
  readonly offset?: number;
  /** What may have been meant, where it is not the nearest of `candidates`. */
  readonly hint?: string;
}

export interface Judged<T> {
  readonly value?: T;
  readonly problems: readonly ConfigProblem[];
}

type Issue = z.core.$ZodIssue;

/**
 * Parses a value by a schema. `whose` names it in messages (`detect`, `server`); paths of problems begin
 * with `at`. A text that came from the environment is taken as the number, truth or list that it spells
 * where the schema asks for one.
 */
export function judge<T>(schema: z.ZodType<T>, value: unknown, whose: string, at: Path, inserted?: (path: Path) => Inserted | undefined): Judged<T> {
  let parsed = schema.safeParse(value);
  if (!parsed.success && inserted !== undefined) {
    const spelled = spellOut(value, parsed.error.issues, (path) => inserted([...at, ...path]));
    if (spelled !== undefined) [value, parsed] = [spelled, schema.safeParse(spelled)];
  }
  if (parsed.success) return { value: parsed.data, problems: [] };
  const { issues } = parsed.error;
  const problems = withoutEchoes(issues.flatMap((issue) => explain(issue, schema, value, whose)));
  return { problems: problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] })) };
}

/** A key that is missing because it is misspelt is told once, as misspelt. */
function withoutEchoes(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const meant = problems.flatMap(({ path, of, candidates }) => {
    const key = of === 'key' && candidates !== undefined ? nearest(String(path.at(-1)), candidates) : undefined;
    return key === undefined ? [] : [pathKey([...path.slice(0, -1), key])];
  });
  return problems.filter(({ path, of, candidates }) => of !== 'key' || candidates !== undefined || !meant.includes(pathKey(path)));
}

/** The value with the texts at fault that came from the environment replaced by what they spell; undefined: there are none. */
function spellOut(value: unknown, issues: readonly Issue[], inserted: (path: Path) => Inserted | undefined): unknown {
  let result: unknown;
  const done = new Set<string>();
  for (const issue of issues) {
    const path = issue.path as Path;
    const from = inserted(path);
    if (from === undefined || done.has(pathKey(path))) continue;
    done.add(pathKey(path));
    const spelled = valueOf(from.text);
    if (typeof spelled === 'string') continue;
    result ??= structuredClone(value);
    result = withValue(result, path, spelled);
  }
  return result;
}

function withValue(value: unknown, path: Path, replacement: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return replacement;
  (valueAt(value, path.slice(0, -1)) as Record<string | number, unknown>)[last] = replacement;
  return value;
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  return at;
}

function explain(issue: Issue, schema: z.ZodType, value: unknown, whose: string): ConfigProblem[] {
  const path = issue.path as Path;
  const found = valueAt(value, path);
  const key = nameOf(path);
  const subject = key === undefined ? whose : `\`${key}\``;
  const told = (message: string, more: Omit<ConfigProblem, 'path' | 'message'> = {}): ConfigProblem[] => [{ path, message, ...more }];
  const field = fieldAt(schema, path);
  const missing = (): ConfigProblem[] => {
    const description = field === undefined ? undefined : descriptionOf(field);
    const around = nameOf(path.slice(0, -1)) ?? whose;
    return told(`${around} needs ${subject}${description === undefined ? '' : `: ${firstSentence(description)}`}`, { of: 'key' });
  };
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined && key !== undefined) return missing();
      if (issue.expected === 'int' && typeof found === 'number') return told(`${subject} must be a whole number, not ${show(found)}`);
      return told(`${subject} must be ${field === undefined ? expectedName(issue.expected) : wanted(field, issue.expected)}, not ${show(found)}`);
    case 'unrecognized_keys':
      return issue.keys.map((unknown) => {
        const around = nameOf(path) ?? whose;
        return { path: [...path, unknown], message: `${around} has no setting \`${unknown}\``, of: 'key', candidates: keysAt(schema, path) };
      });
    case 'invalid_value': {
      if (found === undefined) return missing();
      const values = issue.values.map(String);
      return told(`${subject} must be ${oneOf(values)}, not ${show(found)}`, { candidates: values });
    }
    case 'invalid_union': {
      if (found === undefined && key !== undefined) return missing();
      const members = field === undefined ? [] : alternatives(field);
      // The alternatives that such a value was meant for are those that do not refuse it as a whole.
      const meant = issue.errors.filter((issues) => issues.every(({ path: inside, code }) => inside.length > 0 || (code !== 'invalid_type' && code !== 'invalid_union')));
      const [closest] = meant.toSorted((a, b) => a.length - b.length);
      if (closest === undefined) return told(`${subject} must be ${members.length === 0 ? 'something else' : typeName(field!)}, not ${show(found)}`);
      return closest.flatMap((inside) => explain({ ...inside, path: [...path, ...inside.path] } as Issue, schema, value, whose));
    }
    case 'too_small':
    case 'too_big': {
      const small = issue.code === 'too_small';
      const bound = Number(small ? issue.minimum : issue.maximum);
      const about = small ? 'at least' : 'at most';
      if (issue.origin === 'string') return told(small && bound === 1 ? `${subject} must not be empty` : `${subject} must have ${about} ${bound} characters`);
      if (issue.origin === 'array' || issue.origin === 'set') return told(small && bound === 1 ? `${subject} must not be empty` : `${subject} must have ${about} ${bound} entries`);
      const exclusive = issue.inclusive === false;
      return told(`${subject} must be ${exclusive ? (small ? 'greater than' : 'less than') : about} ${bound}, not ${show(found)}`);
    }
    case 'not_multiple_of':
      return told(`${subject} must be a multiple of ${String(issue.divisor)}, not ${show(found)}`);
    case 'invalid_format':
      if (issue.format === 'datetime') return told(`${subject} must be a time such as 2024-01-15T10:30:00Z, not ${show(found)}`);
      return told(issue.message.startsWith('Invalid') ? `${subject}: ${show(found)} does not have the form that is needed${issue.pattern === undefined ? '' : ` (${issue.pattern})`}` : sentence(subject, issue.message));
    case 'invalid_key':
      return told(`${subject}: ${show(nameOf(path))} can't be a key here`, { of: 'key' });
    case 'invalid_element':
      return issue.issues.flatMap((inside) => explain({ ...inside, path: [...path, ...inside.path] } as Issue, schema, value, whose));
    case 'custom': {
      const offset = offsetOf(issue, found);
      return told(sentence(subject, issue.message), offset === undefined ? {} : { offset });
    }
    default:
      return issue satisfies never;
  }
}

/** `must be ...` follows what it is about, other messages stand for themselves. */
function sentence(subject: string, message: string): string {
  return /^(must|can't|cannot|needs|is|has|would|may|does)\b/.test(message) ? `${subject} ${message}` : `${subject}: ${message}`;
}

/** Messages of PromQL say at which offset of the text they are. */
function offsetOf(issue: Extract<Issue, { code: 'custom' }>, found: unknown): number | undefined {
  if (typeof found !== 'string') return undefined;
  const offset = issue.params?.['offset'] ?? /\bat offset (\d+):/.exec(issue.message)?.[1];
  return offset === undefined ? undefined : Number(offset);
}

/** The last key of a path, with the index of what lies in a list. */
function nameOf(path: readonly PropertyKey[]): string | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  if (typeof last !== 'number') return String(last);
  const around = nameOf(path.slice(0, -1));
  return around === undefined ? `entry ${last + 1}` : `${around}[${last}]`;
}

function wanted(field: z.ZodType, expected: string): string {
  const name = typeName(field);
  return name.startsWith('one of') ? expectedName(expected) : name;
}

export function oneOf(values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

/** A value as a person would call it. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value as number | boolean);
  const text = JSON.stringify(value);
  return `the text ${text.length > 60 ? `${text.slice(0, 57)}..."` : text}`;
}

function firstSentence(text: string): string {
  const end = /[.;](\s|$)/.exec(text);
  const sentence = end === null ? text : text.slice(0, end.index);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
