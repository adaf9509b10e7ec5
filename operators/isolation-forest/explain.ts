import { rounded } from '../anomaly/wording.js';

/** One number of a vector, for people. */
export interface Part {
  readonly name: string;
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
  /** Of the forest score, 0 to 1. */
  readonly share: number;
}

export interface Told {
  /** Canonical text of the series or group. */
  readonly series: string;
  readonly raw: number;
  /** The highest so far. */
  readonly highest: number;
  readonly median: number;
  readonly edge: number;
  readonly vectors: number;
  /** What contributes most, the most first. */
  readonly parts: readonly Part[];
}

/** `cpu_usage{host="a"} is unlike its last 1017 vectors: forest score 0.74, usually 0.44 and up to 0.70; step 47.2 makes 41 % of it (-2.1 to 2.3 is usual), ...` */
export function explainOutside(told: Told): string {
  return `${told.series} is unlike the ${told.vectors} vectors that its forest knows: forest score ${told.raw.toFixed(2)}, usually ${told.median.toFixed(2)} and up to ${told.edge.toFixed(2)}${made(told.parts)}`;
}

/** @param after `20s`: how long the anomaly was open */
export function explainClosed(told: Told, after: string): string {
  return `${told.series} is as usual again after ${after}: forest score ${told.raw.toFixed(2)}, at its furthest ${told.highest.toFixed(2)}, usually ${told.median.toFixed(2)} and up to ${told.edge.toFixed(2)}`;
}

export function explainAdapted(told: Told, vectors: number, after: string): string {
  return `${told.series} has stayed unlike what its forest knows for ${vectors} vectors (${after}), at its furthest by a forest score of ${told.highest.toFixed(2)}: that is its new normal, and its history begins anew${made(told.parts)}`;
}

function made(parts: readonly Part[]): string {
  const texts = parts.map(({ name, value, lower, upper, share }, i) => `${name} ${rounded(value, upper - lower)} makes ${Math.round(100 * share)} %${i === 0 ? ' of it' : ''} (${rounded(lower, upper - lower)} to ${rounded(upper, upper - lower)} is usual)`);
  return texts.length === 0 ? '; no number does it by itself, but all together' : `; ${texts.join(', ')}`;
}
