import { DRIFT_MS } from './limits.js';
import { meetings } from './meetings.js';
import type { Plan } from './plan.js';
import type { Staging } from './staging.js';

/**
 * Which sources are too far ahead of others that they meet at an operator with bounded room: these wait, and keep their place, as one
 * that catches up after an outage would otherwise bring rows for which there is none. Nobody waits for a source that is idle, that has
 * ended, or that can't be heard: it holds back what needs it, not what does not.
 */
export class Drift {
  readonly #meets: ReadonlyMap<Staging, readonly Staging[]>;

  constructor(plan: Plan, all: readonly Staging[]) {
    this.#meets = meetings(all, plan.operators.filter(({ bounded }) => bounded).map(({ origins }) => origins));
  }

  /** Its next row has to wait. */
  holds(staging: Staging): boolean {
    return this.waitsFor(staging).length > 0;
  }

  /** Those that are too far behind its next row. By their next rows, where these are known: whoever is first goes, however far that is. */
  waitsFor(staging: Staging): Staging[] {
    if (!staging.staged) return [];
    const { next } = staging;
    return this.#meets.get(staging)!.filter((other) => !other.planned.quiet && !other.idle && !other.waits && other.watermark.time !== Infinity && other.source.hears?.() !== false && next > other.next + DRIFT_MS);
  }
}
