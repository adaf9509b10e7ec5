import type { Shape } from './shape.js';

/** Time of the first step, ms. */
export const SPEC_START = 1_700_000_000_000;
/** Samples come at most this much out of order. */
export const SPEC_DISORDER_MS = 5_000;

/** Series and samples of the benchmark's workloads. */
export const workloads = {
  W1: { series: 10_000, count: 20_000_000 },
  W2: { series: 1_000, count: 2_000_000 },
  W3: { series: 10_000, count: 20_000_000 },
} as const;
export type Workload = keyof typeof workloads;

/** (h mod 1000) / 10, divided once. */
const VALUES = Float64Array.from({ length: 1_000 }, (_, i) => i / 10);

/**
 * The samples of the engine comparison (bench/): with i = step * series + s and h = (i * 2654435761) mod 2^32,
 * time = 1700000000000 + step * 1000, less 1000 * (1 + (i >>> 3) mod 5) where h mod 20 = 0, and value = (h mod 1000) / 10.
 * All integers are unsigned, of 32 bits.
 */
export function specShape(series: number, count: number): Shape {
  return {
    series,
    count,
    disorder: SPEC_DISORDER_MS,
    timeOf: (step) => SPEC_START + step * 1_000,
    fill(step, own, from, to, time, value, at) {
      const base = SPEC_START + step * 1_000;
      const first = (step * series) >>> 0;
      for (let j = from; j < to; j++, at++) {
        const i = (first + own[j]!) >>> 0;
        const h = Math.imul(i, 2_654_435_761) >>> 0;
        time[at] = h % 20 === 0 ? base - 1_000 * (1 + ((i >>> 3) % 5)) : base;
        value[at] = VALUES[h % 1_000]!;
      }
    },
  };
}
