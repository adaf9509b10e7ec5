import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Loaded } from '../config/load.js';
import { readDeadLetters, type LetterQuery, type StoredLetter } from '../engine/dead-letter-files.js';
import type { Resubmission } from '../engine/resubmission-file.js';
import { engineAddress } from './engine-address.js';
import { CommandError } from './exit-codes.js';

/** A running engine answers in milliseconds; one that doesn't is not asked. */
const ANSWER_MS = 2_000;
/** A letter that is sent in again is on disk, or with its server, before the answer. */
const RESUBMIT_MS = 30_000;

/** Times are text in what the API answers. */
type Told<T extends { readonly at: number }> = Omit<T, 'at'> & { readonly at: string };
type ToldLetter = Told<Omit<StoredLetter, 'resubmission'>> & { readonly resubmission?: Told<Resubmission> };

/** What became of a letter that was sent in again; `status` of the answer where it was not taken. */
export type Outcome = { readonly state: 'taken'; readonly at: string } | { readonly state: 'not taken'; readonly status: number; readonly reason: string };

/** The dead letters of a config: those of its running engine, else those that lie on disk. */
export class LetterClient {
  readonly #config: Loaded;
  readonly address: string;

  constructor(config: Loaded) {
    this.#config = config;
    this.address = engineAddress(config);
  }

  /** Only the running engine knows what it has not written yet. */
  async list(query: LetterQuery): Promise<readonly StoredLetter[]> {
    const told = await this.#ask(query);
    if (told !== undefined) return told;
    const folder = join(this.#config.folder, 'dead-letters');
    return existsSync(folder) ? readDeadLetters(folder, query) : [];
  }

  async get(id: number): Promise<StoredLetter | undefined> {
    const [letter] = await this.list({ limit: 1, before: id + 1 });
    return letter?.id === id ? letter : undefined;
  }

  /** Fails where no engine runs. */
  async mustRun(): Promise<void> {
    if ((await this.#ask({ limit: 1 })) === undefined) throw new CommandError(`no engine of this config answers at ${this.address}: a dead letter is sent in again to the engine that refused it, so start it first`);
  }

  async resubmit(id: number, edited: Uint8Array | undefined): Promise<Outcome> {
    let response: Response;
    try {
      response = await fetch(`${this.address}/api/dead-letters/${id}/resubmit`, { method: 'POST', signal: AbortSignal.timeout(RESUBMIT_MS), ...(edited !== undefined && { body: edited }) });
    } catch {
      throw new CommandError(`the engine at ${this.address} does not answer any more; what became of dead letter ${id} is in \`millrace dead-letters show ${id}\` when it runs again`);
    }
    const told = (await response.json()) as { resubmission?: Told<Resubmission>; detail?: string };
    if (response.ok && told.resubmission !== undefined) return { state: 'taken', at: told.resubmission.at };
    return { state: 'not taken', status: response.status, reason: told.detail ?? `the engine answered ${response.status}` };
  }

  async #ask(query: LetterQuery): Promise<readonly StoredLetter[] | undefined> {
    const url = new URL(`${this.address}/api/dead-letters`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (!response.ok) return undefined;
      const { dead_letters: letters } = (await response.json()) as { dead_letters: readonly ToldLetter[] };
      return letters.map(({ at, resubmission, ...letter }) => ({ ...letter, at: Date.parse(at), ...(resubmission !== undefined && { resubmission: { ...resubmission, at: Date.parse(resubmission.at) } }) }));
    } catch {
      // It does not run, or something else answers there.
      return undefined;
    }
  }
}

/** A letter for programs, as the API tells it. */
export function plainLetter({ at, resubmission, ...letter }: StoredLetter): object {
  if (resubmission === undefined) return { ...letter, at: new Date(at).toISOString() };
  const { edited: _, ...told } = resubmission;
  return { ...letter, at: new Date(at).toISOString(), resubmission: { ...told, at: new Date(told.at).toISOString() } };
}
