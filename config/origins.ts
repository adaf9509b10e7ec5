import type { Diagnostic, Place } from './diagnostic.js';
import type { Inserted, Origin, Path, PlaceOf } from './document.js';
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

  inserted(path: Path): Inserted | undefined {
    return path.length === 0 ? { names: [this.#name], text: this.#value, unresolved: false } : undefined;
  }
}

/** Which text each part of a config comes from. */
export class Origins {
  readonly #main: Origin;
  readonly #parts: { readonly under: Path; readonly at: Path; readonly origin: Origin }[] = [];

  constructor(main: Origin) {
    this.#main = main;
  }

  /** What is at or under the path comes from another text, or from another place of the main one. */
  add(under: Path, at: Path, origin: Origin = this.#main): void {
    this.#parts.push({ under, at, origin });
  }

  /** What came from the environment at the path. */
  inserted(path: Path): Inserted | undefined {
    const { origin, at } = this.#find(path);
    return origin.inserted(at);
  }

  place(path: Path, of: PlaceOf, offset?: number): Place {
    const { origin, at } = this.#find(path);
    return origin.place(at, of, offset);
  }

  /** What was said last of a path counts; of another place of the main text more may have been said before. */
  #find(path: Path, before = this.#parts.length): { readonly origin: Origin; readonly at: Path } {
    const index = this.#parts.findLastIndex(({ under }, i) => i < before && startsWith(path, under));
    const part = this.#parts[index];
    if (part === undefined) return { origin: this.#main, at: path };
    const at = [...part.at, ...path.slice(part.under.length)];
    return part.origin === this.#main ? this.#find(at, index) : { origin: part.origin, at };
  }

  diagnostic(problem: ConfigProblem): Diagnostic {
    const { path, of = 'value', offset, candidates, hint, warning } = problem;
    const place = this.place(path, of, offset);
    const from = this.inserted(path);
    let { message } = problem;
    if (from !== undefined) {
      if (from.text !== '' && from.names.some(isSecret)) message = message.replaceAll(from.text, '***');
      if (place.file !== 'environment' && of === 'value') message += ` (the value of ${from.names.join(' and ')})`;
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
