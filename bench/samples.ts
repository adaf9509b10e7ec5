/**
 * The samples of the workloads, as every contender in this process makes them: by formula, inside the job.
 * Sample i: h = (i * 2654435761) mod 2^32; series i mod S; time T0 + floor(i / S) s, every twentieth by h
 * up to 5 s earlier; value (h mod 1000) / 10. The watermark is the largest time less 5 s.
 */
export const T0 = 1_700_000_000_000;
export const DISORDER_MS = 5_000;

export interface Sample {
  readonly series: number;
  readonly time: number;
  readonly value: number;
}

/** Calls back for each sample, with plain numbers. */
export function forEachSample(count: number, series: number, take: (series: number, time: number, value: number) => void): void {
  for (let i = 0, s = 0, step = 0; i < count; i++) {
    const h = Math.imul(i, 2654435761) >>> 0;
    let time = T0 + step * 1000;
    if (h % 20 === 0) time -= 1000 * (1 + ((i >>> 3) % 5));
    take(s, time, (h % 1000) / 10);
    s += 1;
    if (s === series) {
      s = 0;
      step += 1;
    }
  }
}

/** What every contender must agree on. */
export interface Check {
  results: number;
  counts: number;
  means: number;
  deviations: number;
}

export interface Outcome {
  /** Samples put through. */
  readonly samples: number;
  /** Of the job, without start-up. */
  readonly seconds: number;
  readonly check: Check;
}
