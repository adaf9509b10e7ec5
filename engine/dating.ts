import type { Time } from './clock.js';
import type { Finding } from './finding.js';
import type { Decision, Journal } from './journal.js';
import { WATERMARK_STEP_MS } from './limits.js';
import { meetings } from './meetings.js';
import type { Plan } from './plan.js';
import type { Staging } from './staging.js';

type Dated = Extract<Decision, { type: 'dated' }>;

/**
 * Findings of sources that give no rows are dated when they are handed on: ahead of every watermark that their readers have been told, also
 * by a run before a crash, which may have come further. So each is received between the same two rows, however long it was on its way, and
 * after a crash, too: the date is in the journal first.
 */
export class Dating {
  readonly #journal: Journal | undefined;
  /** By such a source: those that it comes together with at an operator. */
  readonly #meets: ReadonlyMap<Staging, readonly Staging[]>;
  /** Of a run before a crash, by what is dated. */
  readonly #decided = new Map<string, Dated>();

  constructor(plan: Plan, all: readonly Staging[], journal: Journal | undefined) {
    this.#journal = journal;
    const meets = meetings(all, plan.operators.map(({ origins }) => origins));
    this.#meets = new Map(all.filter(({ planned }) => planned.quiet).map((one) => [one, meets.get(one)!.filter(({ planned }) => !planned.quiet)]));
    for (const decision of journal?.decisions ?? []) if (decision.type === 'dated') this.#decided.set(keyOf(decision), decision);
  }

  /** Just ahead of all that its readers have been told; -Infinity where they have been told nothing. */
  ahead(staging: Staging): Time {
    return Math.max(this.#journal?.horizon ?? -Infinity, ...this.#meets.get(staging)!.map(({ watermark }) => watermark.reached)) + WATERMARK_STEP_MS;
  }

  /** Something of this source was dated before a crash, and has not been handed on again. */
  waits({ name }: Staging): boolean {
    return [...this.#decided.values()].some(({ source }) => source === name);
  }

  /** What was dated is not there any more. */
  forget({ name }: Staging): void {
    for (const decision of this.#decided.values()) if (decision.source === name) this.#done(decision);
  }

  /** The finding with its date; `record` writes a decision down. */
  async date(staging: Staging, finding: Finding, record: (decision: Decision) => Promise<void>): Promise<Finding> {
    const { id, revision } = finding;
    const decided = this.#decided.get(keyOf({ source: staging.name, id, revision }));
    if (decided !== undefined) {
      this.#done(decided);
      return { ...finding, time: decided.time };
    }
    const time = Math.max(finding.time, this.ahead(staging));
    await record({ type: 'dated', source: staging.name, id, revision, time });
    return { ...finding, time };
  }

  #done(decision: Dated): void {
    this.#decided.delete(keyOf(decision));
    this.#journal?.repeated(decision);
  }
}

function keyOf({ source, id, revision }: Pick<Dated, 'source' | 'id' | 'revision'>): string {
  return `${source} ${id} ${revision}`;
}
