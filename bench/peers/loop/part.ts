import type { Check, WorkloadName } from '../../engine.js';
import { Keyed } from './keyed.js';
import { Sliding } from './sliding.js';
import { Tumbling } from './tumbling.js';

/**
 * A workload over part of the series: those of number `part` modulo `parts`. `step` is a function of its own so
 * that it is called often enough to be compiled as a whole, not in the middle of its loop.
 */
export interface Loop {
  /** `performance.now()` at the first result. */
  first: number | undefined;
  /** Makes and takes samples `from` to `to` (exclusive) of a second of event time: of each series one at most, in their order. */
  step(second: number, from: number, to: number): void;
  /** No sample comes any more. */
  end(): Check;
}

/** The part of a job that one thread does. */
export interface Part {
  readonly workload: WorkloadName;
  readonly samples: number;
  readonly series: number;
  readonly part: number;
  readonly parts: number;
}

export interface PartResult {
  readonly check: Check;
  /** ms since the epoch. */
  readonly first: number | undefined;
}

const loops: Readonly<Partial<Record<WorkloadName, new (part: Part) => Loop>>> = { W1: Tumbling, W2: Sliding, W3: Keyed };

export function newLoop(part: Part): Loop {
  const Loop = loops[part.workload];
  if (Loop === undefined) throw new Error(`there is no workload ${part.workload}; there are: ${Object.keys(loops).join(', ')}`);
  return new Loop(part);
}

export function run(loop: Loop, { samples, series }: Part): PartResult {
  for (let second = 0, from = 0; from < samples; second++, from += series) loop.step(second, from, Math.min(from + series, samples));
  const check = loop.end();
  return { check, first: loop.first === undefined ? undefined : performance.timeOrigin + loop.first };
}
