import { readFileSync } from 'node:fs';
import { nearest } from './nearest.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Something wrong with a reference: where it begins in the text and how long it is. */
export interface VariableProblem {
  readonly at: number;
  readonly length: number;
  readonly message: string;
  readonly suggestion?: string;
}

/** A scalar with its variables replaced. */
export interface Replaced {
  readonly text: string;
  /** Names of the variables whose values are in it. */
  readonly names: readonly string[];
  readonly problems: readonly VariableProblem[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (which also stands for an empty variable); `$${` is a literal
 * `${`. Where NAME is not set but NAME_FILE is, the value is what that file holds.
 */
export function replaceVariables(text: string, env: Environment): Replaced {
  const names: string[] = [];
  const problems: VariableProblem[] = [];
  const replaced = text.replaceAll(REFERENCE, (whole: string, inner: string | undefined, end: string, at: number) => {
    if (inner === undefined) return '${';
    const refuse = (message: string, suggestion?: string): string => {
      problems.push({ at, length: whole.length, message, ...(suggestion === undefined ? {} : { suggestion }) });
      return whole;
    };
    const match = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(inner);
    if (match === null || end === '') return refuse(`${JSON.stringify(whole)} is not a variable: write \${NAME} or \${NAME:-default}, and $\${ for a literal \${`);
    const [, name = '', fallback] = match;
    const found = lookUp(name, env);
    if (found?.problem !== undefined) return refuse(found.problem);
    if (found?.value !== undefined && (found.value !== '' || fallback === undefined)) {
      names.push(found.from);
      return found.value;
    }
    if (fallback !== undefined) {
      names.push(name);
      return fallback;
    }
    const meant = nearest(name, Object.keys(env));
    return refuse(`the variable ${name} is not set and has no default: set it, or write \${${name}:-default}`, meant === undefined ? undefined : `did you mean ${meant}?`);
  });
  return { text: replaced, names, problems };
}

/** The value of a variable, from itself or from the file that NAME_FILE names. */
export function lookUp(name: string, env: Environment): { value?: string; from: string; problem?: string } | undefined {
  const value = env[name];
  if (value !== undefined) return { value, from: name };
  const file = env[`${name}_FILE`];
  if (file === undefined) return undefined;
  return readSecret(`${name}_FILE`, file);
}

/** What the file holds that the variable `from` names, without the line break at its end. */
export function readSecret(from: string, file: string): { value?: string; from: string; problem?: string } {
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, ''), from };
  } catch (error) {
    return { from, problem: `${from} names the file ${file}, which can't be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` };
  }
}

/** Whether the value of a variable of this name must not be shown. */
export function isSecret(name: string): boolean {
  return /SECRET|PASS|TOKEN|KEY|CREDENTIAL|WEBHOOK|_URL|DSN|_FILE$/i.test(name);
}
