import type { Clock } from './clock.js';
import type { DeadLetter, ResubmitAttempt } from './connector.js';
import { payloadFields, type StoredLetter } from './dead-letter-files.js';
import type { DeadLetters } from './dead-letters.js';
import { ResubmissionFile, type Resubmission } from './resubmission-file.js';
import { HttpError } from './routes.js';

/** Why a dead letter was not taken again. */
export class NotResubmitted extends Error {
  override readonly name = 'NotResubmitted';
  readonly why: 'unknown' | 'taken' | 'under way' | 'cut' | 'refused';
  constructor(why: NotResubmitted['why'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** Gives a letter to the connector that refused it. */
export type Take = (letter: DeadLetter, attempt: ResubmitAttempt) => Promise<void>;

/**
 * Sends dead letters in again, each until it is taken, and not once more. The intent is on disk before the connector
 * sees the letter, the result before anyone is told: what a crash leaves between is finished at the next start.
 */
export class Resubmissions {
  readonly #letters: DeadLetters;
  readonly #file: ResubmissionFile;
  readonly #clock: Clock;
  readonly #take: Take;
  readonly #underWay = new Map<number, Promise<unknown>>();

  private constructor(letters: DeadLetters, file: ResubmissionFile, clock: Clock, take: Take) {
    this.#letters = letters;
    this.#file = file;
    this.#clock = clock;
    this.#take = take;
  }

  static async open(letters: DeadLetters, clock: Clock, take: Take): Promise<Resubmissions> {
    return new Resubmissions(letters, await ResubmissionFile.open(letters.folder, letters.range), clock, take);
  }

  /** Resolves when the letter, with another payload if one is given, was taken. Rejects with `NotResubmitted`. */
  resubmit(id: number, edited?: Uint8Array): Promise<Resubmission> {
    if (this.#underWay.has(id)) return Promise.reject(new NotResubmitted('under way', `dead letter ${id} is being sent in again right now`));
    const done = this.#resubmit(id, edited).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, done.catch(() => {}));
    return done;
  }

  /** What was begun before a crash. `failed` hears of those that can't be finished now: they stay begun or refused, for another try. */
  async finish(failed: (message: string) => void): Promise<void> {
    for (const id of this.#file.begun()) await this.resubmit(id).catch((error: Error) => failed(`dead letter ${id} was being sent in again before the crash: ${error.message}`));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay.values());
    await this.#file.close();
  }

  async #resubmit(id: number, edited: Uint8Array | undefined): Promise<Resubmission> {
    const letter = await this.#letters.get(id);
    if (letter === undefined) throw new NotResubmitted('unknown', `there is no dead letter ${id}`);
    const before = this.#file.get(id);
    if (before?.state === 'taken') throw new NotResubmitted('taken', `dead letter ${id} was sent in again and taken at ${new Date(before.at).toISOString()}`);
    const begun: Resubmission = { state: 'begun', at: this.#clock.now(), ...this.#editedAs(letter, edited, before) };
    await this.#file.record(id, begun);
    try {
      const { node, origin, reason, headers, sequence, payload, encoding } = letter;
      const content = begun.edited ?? { payload, ...(encoding !== undefined && { encoding }) };
      await this.#take({ node, origin, reason, ...(headers !== undefined && { headers }), ...(sequence !== undefined && { sequence }), ...content }, { key: `dead-letter-${id}-${letter.at}`, repeated: before !== undefined });
    } catch (error) {
      const reason = error instanceof HttpError ? error.detail : (error as Error).message;
      await this.#file.record(id, { state: 'refused', at: this.#clock.now(), reason });
      throw new NotResubmitted('refused', reason, { cause: error });
    }
    const taken: Resubmission = { state: 'taken', at: this.#clock.now() };
    await this.#file.record(id, taken);
    return taken;
  }

  /** What a crash interrupted is finished with the payload it was begun with, unless there is another. */
  #editedAs(letter: StoredLetter, edited: Uint8Array | undefined, before: Resubmission | undefined): Pick<Resubmission, 'edited'> {
    if (edited !== undefined) return { edited: payloadFields(edited) };
    if (before?.edited !== undefined) return { edited: before.edited };
    if (letter.bytes === undefined) return {};
    throw new NotResubmitted('cut', `of the ${letter.bytes} bytes of dead letter ${letter.id} only the first are kept: give the whole payload`);
  }
}
