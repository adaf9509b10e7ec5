import type { Diagnostic, Place } from './diagnostic.js';
import { pathKey, type Inserted, type Origin, type Path, type PlaceOf } from './document.js';
import type { ConfigProblem } from './issues.js';
import { nearest } from './nearest.js';
import { isSecret } from './variables.js';

/** A setting that a variable of the environment gave. */
export class VariableText implements Origin {
  readonly #name: string;
  readonly #value: string;
  constructor(name: string, value: string) {
    this.#name = name;
    this.#value = value;
  }

  place(_path: Path, of: PlaceOf, offset = 0): Place {
    const value = isSecret(this.#name) ? '***' : this.#value.split('\n', 1)[0]!;
    const text = `${this.#name}=${value}`;
    const column = of === 'key' ? 1 : this.#name.length + 2 + Math.min(offset, Math.max(0, value.length - 1));
    return { file: 'environment', line: 1, column, length: of === 'key' ? this.#name.length : Math.max(1, text.length - column + 1), text };
  }
}

/** Which text each part of a config comes from. */
export class Origins {
  readonly #main: Origin & { readonly inserted: ReadonlyMap<string, Inserted> };
  readonly #parts: { readonly under: Path; readonly origin: Origin; readonly at: Path }[] = [];
  readonly #inserted = new Map<string, Inserted>();

  constructor(main: Origin & { readonly inserted: ReadonlyMap<string, Inserted> }) {
    this.#main = main;
  }

  /** What is at or under the path comes from another text, or from another place of the main one. */
  add(under: Path, at: Path, origin: Origin & { readonly inserted?: ReadonlyMap<string, Inserted> } = this.#main): void {
    this.#parts.push({ under, origin, at });
    for (const [key, inserted] of origin.inserted ?? []) {
      const path = JSON.parse(key) as Path;
      if (startsWith(path, at)) this.#inserted.set(pathKey([...under, ...path.slice(at.length)]), inserted);
    }
  }

  /** A variable set the value at the path. */
  set(path: Path, name: string, value: string): void {
    this.#parts.push({ under: path, origin: new VariableText(name, value), at: [] });
    this.#inserted.set(pathKey(path), { names: [name], text: value, unresolved: false });
  }

  /** What came from the environment at the path. */
  inserted(path: Path): Inserted | undefined {
    const key = pathKey(path);
    return this.#inserted.get(key) ?? this.#main.inserted.get(key);
  }

  place(path: Path, of: PlaceOf, offset?: number): Place {
    const part = this.#parts.findLast(({ under }) => startsWith(path, under));
    return part === undefined ? this.#main.place(path, of, offset) : part.origin.place([...part.at, ...path.slice(part.under.length)], of, offset);
  }

  diagnostic(problem: ConfigProblem): Diagnostic {
    const { path, of = 'value', offset, candidates, hint, warning } = problem;
    const place = this.place(path, of, offset);
    const from = this.inserted(path);
    let { message } = problem;
    if (from !== undefined) {
      if (from.text !== '' && from.names.some(isSecret)) message = message.replaceAll(from.text, '***');
      if (place.file !== 'environment') message += ` (the value of ${from.names.join(' and ')})`;
    }
    const suggestion = hint ?? this.#meant(problem, candidates);
    return { severity: warning === true ? 'warning' : 'error', place, message, ...(suggestion === undefined ? {} : { suggestion }) };
  }

  #meant(problem: ConfigProblem, candidates: readonly string[] | undefined): string | undefined {
    if (candidates === undefined || candidates.length === 0) return undefined;
    const place = this.place(problem.path, problem.of ?? 'value');
    const written = problem.of === 'key' ? String(problem.path.at(-1)) : place.text.slice(place.column - 1, place.column - 1 + place.length).replaceAll(/^["']|["']$/g, '');
    const meant = nearest(written, candidates);
    if (meant !== undefined) return `did you mean ${meant}?`;
    if (candidates.length > 16 || candidates.every((of) => problem.message.includes(of))) return undefined;
    return problem.of === 'key' ? `it has ${candidates.join(', ')}` : `there is ${candidates.join(', ')}`;
  }
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => key === path[i]);
}
