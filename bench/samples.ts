/**
 * The samples of the workloads, as every engine makes them: by formula, inside the job.
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
