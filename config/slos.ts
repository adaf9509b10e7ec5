import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { YamlText, type Path } from './document.js';
import type { Diagnostic } from './diagnostic.js';
import type { ConfigProblem } from './issues.js';
import type { Origins } from './origins.js';
import type { Environment } from './variables.js';

/** Reads files of SLOs, each once. */
export class SloFiles {
  readonly diagnostics: Diagnostic[] = [];
  readonly #folder: string;
  /** As it is shown in messages. */
  readonly #shown: (path: string) => string;
  readonly #env: Environment;
  readonly #origins: Origins;
  readonly #read = new Map<string, YamlText>();

  constructor(folder: string, shown: (path: string) => string, env: Environment, origins: Origins) {
    this.#folder = folder;
    this.#shown = shown;
    this.#env = env;
    this.#origins = origins;
  }

  /** Puts the `slos` of the file that `config.file` names into the config of the operator at `at`; undefined: there is no such file to read. */
  include(config: Record<string, unknown>, at: Path): ConfigProblem[] | undefined {
    const { file, slos } = config;
    if (typeof file !== 'string' || file === '') return undefined;
    const path = [...at, 'file'];
    if (slos !== undefined) return [{ path, message: 'the SLOs come from a file or stand here: not both, `file` and `slos`' }];
    const full = resolve(this.#folder, file);
    let text = this.#read.get(full);
    if (text === undefined) {
      try {
        text = new YamlText(this.#shown(full), readFileSync(full, 'utf8'), this.#env);
      } catch (error) {
        return [{ path, message: `the file ${this.#shown(full)} can't be read: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is none' : String(error)}` }];
      }
      this.#read.set(full, text);
      this.diagnostics.push(...text.diagnostics);
    }
    // What is wrong with it has been told as its own.
    if (text.broken) return [];
    const data = text.data;
    const lost = (message: string, key?: string): void => void this.diagnostics.push({ severity: 'error', place: text.place(key === undefined ? [] : [key], 'key'), message });
    if (typeof data !== 'object' || data === null || !('slos' in data)) {
      lost('a file of SLOs has the key `slos`, a list');
      return [];
    }
    for (const key of Object.keys(data)) if (key !== 'slos') lost(`a file of SLOs has nothing but \`slos\`, not ${key}`, key);
    config['slos'] = data.slos;
    this.#origins.add([...at, 'slos'], ['slos'], text);
    return [];
  }
}
