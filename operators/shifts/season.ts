/**
 * What comes back each period: one level for each of at most PHASES phases, between whose centres is interpolated. A phase is
 * a robust mean of the values at that time, about as many periods as MEMORY. By the clock, so samples may be missing or uneven.
 */
export interface Season {
  readonly phase: Float64Array;
  readonly visits: Uint32Array;
  /** Sum of the levels of all phases that were visited, and how many that are. */
  readonly total: Float64Array;
  readonly visited: Uint32Array;
}

const MEMORY = 10;

export class Phases {
  readonly count: number;
  readonly #width: number;

  constructor(readonly period: number) {
    this.count = phasesOf(period);
    this.#width = period / this.count;
  }

  /** By how much the period lifts this time above its mean; 0 until all phases have been seen. */
  liftAt({ phase, visits, total, visited }: Season, slot: number, time: number): number {
    if (visited[slot]! < this.count) return 0;
    const place = this.#place(time);
    const here = Math.min(Math.floor(place), this.count - 1);
    const aside = place - here - 0.5;
    const next = (here + (aside > 0 ? 1 : this.count - 1)) % this.count;
    const first = slot * this.count;
    const level = phase[first + here]!;
    const between = visits[first + next] === 0 ? level : level + Math.abs(aside) * (phase[first + next]! - level);
    return between - total[slot]! / this.count;
  }

  /** Learns a value, as far as it is `off` what was expected then; in the first period: itself. @param share 0 to 1 */
  learn({ phase, visits, total, visited }: Season, slot: number, time: number, elapsed: number, value: number, off: number, share: number): void {
    const at = slot * this.count + Math.min(Math.floor(this.#place(time)), this.count - 1);
    const known = visited[slot]! === this.count;
    const seen = Math.min(visits[at]! + 1, 0xfffffffe);
    visits[at] = seen;
    const weight = Math.max(1 / seen, Math.min(1, elapsed / (MEMORY * this.#width)));
    const before = phase[at]!;
    phase[at] = before + (known ? share * weight * off : weight * (value - before));
    if (seen === 1) visited[slot] = visited[slot]! + 1;
    total[slot] = total[slot]! + phase[at] - before;
  }

  forget({ phase, visits, total, visited }: Season, slot: number): void {
    phase.fill(0, slot * this.count, (slot + 1) * this.count);
    visits.fill(0, slot * this.count, (slot + 1) * this.count);
    total[slot] = 0;
    visited[slot] = 0;
  }

  #place(time: number): number {
    const turns = time / this.period;
    return (turns - Math.floor(turns)) * this.count;
  }
}

const HOUR = 3_600_000;
const MOST_PHASES = 168;

/** An hour each, of a short period 24, of a long one 168 in all. */
export function phasesOf(period: number): number {
  return Math.max(24, Math.min(MOST_PHASES, Math.round(period / HOUR)));
}
