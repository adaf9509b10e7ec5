import { rounded, times } from '../anomaly/wording.js';

export interface ToldWindow {
  readonly series: string;
  /** Samples of the window, and windows remembered. */
  readonly rows: number;
  readonly windows: number;
  readonly mean: number;
  readonly deviation: number;
  /** Distance to the nearest windows, in reaches. */
  readonly ratio: number;
}

/** `queue: 10 samples of mean 3.1 and spread 2.4 are like none of 300 such windows before: the nearest are 3.2 times as far as those of one kind are apart` */
export function explainNoise({ series, rows, windows, mean, deviation, ratio }: ToldWindow): string {
  return `${series}: ${rows} samples of mean ${rounded(mean, Math.max(deviation, Math.abs(mean) / 50))} and spread ${rounded(deviation, deviation)} are like none of ${windows} such windows before: the nearest are ${times(ratio)} as far as those of one kind are apart`;
}

/** @param after `20m`: how long the anomaly was open */
export function explainKnown({ series, ratio }: ToldWindow, after: string): string {
  return `${series} is again as it was before, after ${after}; at its furthest the nearest windows were ${times(ratio)} as far as those of one kind are apart`;
}
