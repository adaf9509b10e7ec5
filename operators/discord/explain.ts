export interface ToldShape {
  readonly series: string;
  /** Samples of a shape, and of the history. */
  readonly length: number;
  readonly history: number;
  /** Of the shape furthest from all others, with the nearest of them; and what is usual. */
  readonly correlation: number;
  readonly usual: number;
}

/** `heart_rate: the shape of the last 48 samples is like none of the last 2000: it correlates 0.312 with the nearest, 0.93 is usual` */
export function explainUnlike(told: ToldShape): string {
  return `${told.series}: the shape of the last ${told.length} samples is like none of the last ${told.history}: it correlates ${number(told.correlation)} with the nearest, ${number(told.usual)} is usual`;
}

/** @param after `20m`: how long the anomaly was open */
export function explainAlike(told: ToldShape, after: string): string {
  return `${told.series} has a shape again that it had before, after ${after}; that furthest from all others correlated ${number(told.correlation)} with the nearest, ${number(told.usual)} is usual`;
}

function number(correlation: number): string {
  return String(Number(correlation.toFixed(3)));
}
