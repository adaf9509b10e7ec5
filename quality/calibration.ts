import type { Scores } from './labelled.js';

/** How often, where nothing is unusual, a score may lie above 1 - p: p, give or take half of it and three standard deviations of such a count. */
export const tails = [0.1, 0.01, 0.001] as const;
const TOLERANCE = 0.5;
const DEVIATIONS = 3;

/** The share of scores above 1 - p. Rows that were not judged are not above. */
export function shareAbove(scores: Scores, p: number): number {
  let above = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > 1 - p) above += 1;
  return above / scores.length;
}

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Of the share of `rows` scores that may lie above 1 - p. */
export function bounds(p: number, rows: number): Bounds {
  const slack = TOLERANCE * p + DEVIATIONS * Math.sqrt((p * (1 - p)) / rows);
  return { least: Math.max(0, p - slack), most: p + slack };
}
