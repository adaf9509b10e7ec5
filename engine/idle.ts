import type { Clock, Time } from './clock.js';
import { IDLE_AFTER_MS, WATERMARK_STEP_MS } from './limits.js';
import { meetings } from './meetings.js';
import type { Plan } from './plan.js';
import type { Staging } from './staging.js';

/** How far behind those that it meets an idle source may be, and for how long: each move waits for the journal, and they may be reading what is hours old. */
const BEHIND_MS = 10_000;
const BEHIND_FOR_MS = 20;

export interface Move {
  readonly staging: Staging;
  readonly watermark: Time;
}

/**
 * Live sources that are silent. One holds nobody back: its watermark follows the clock, and where that is behind, the
 * sources that it meets. Nothing downstream knows of it: were it left out there instead, its first row after the silence
 * would find what it comes to further on by one way than by another.
 */
export class IdleSources {
  readonly #all: readonly Staging[];
  readonly #clock: Clock;
  /** By source: those that it comes together with at an operator, or in a sink that puts rows in order. */
  readonly #meets: ReadonlyMap<Staging, readonly Staging[]>;
  #moved = -Infinity;

  constructor(plan: Plan, all: readonly Staging[], clock: Clock) {
    this.#all = all;
    this.#clock = clock;
    this.#meets = meetings(all, [...plan.operators, ...plan.sinks.filter(({ ordered }) => ordered)].map(({ origins }) => origins));
  }

  get some(): boolean {
    return this.#all.some((staging) => staging.idle);
  }

  /** Looks who has been silent for long. */
  look(): void {
    for (const staging of this.#all) {
      if (!staging.live) continue;
      // Whoever is not read yet, can't hear, or is behind, has not been silent.
      if (staging.waits || staging.source.hears?.() === false) staging.heard = this.#clock.elapsed();
      staging.idle = !staging.ended && this.#clock.elapsed() - staging.heard >= IDLE_AFTER_MS;
    }
    this.#moved = -Infinity;
  }

  /** What is to be moved now, and where to. */
  moves(): Move[] {
    const soon = this.#clock.elapsed() - this.#moved < BEHIND_FOR_MS;
    const moves: Move[] = [];
    for (const staging of this.#all) {
      if (!staging.idle) continue;
      const watermark = this.#reaches(staging);
      const by = watermark - staging.watermark.time;
      if (by > 0 && !(soon && by < BEHIND_MS)) moves.push({ staging, watermark });
    }
    if (moves.length > 0) this.#moved = this.#clock.elapsed();
    return moves;
  }

  #reaches(staging: Staging): Time {
    const clock = Math.floor((this.#clock.now() - staging.planned.disorder - IDLE_AFTER_MS) / WATERMARK_STEP_MS) * WATERMARK_STEP_MS;
    const active = this.#meets.get(staging)!.filter((other) => !other.idle && other.watermark.time !== Infinity);
    return active.length === 0 ? clock : Math.max(clock, Math.min(...active.map(({ watermark }) => watermark.time)));
  }
}
