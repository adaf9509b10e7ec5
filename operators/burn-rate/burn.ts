import type { Events } from './event-windows.js';

/**
 * Multi-window, multi-burn-rate alerting as in the Site Reliability Workbook, chapter 5 ("Alerting on
 * SLOs"): an alert fires while the error budget burns faster than a threshold both over a long window,
 * which says that it matters, and over a short one, which says that it still goes on.
 */
export interface Pair {
  /** ms */
  readonly long: number;
  readonly short: number;
  readonly threshold: number;
  readonly severity: 'critical' | 'high' | 'medium';
}

/** Share of bad events; 0 without events. Good events beyond the total (a skew between two counters) are no credit. */
export function errorRatio({ good, total }: Events): number {
  return total > 0 ? Math.min(1, Math.max(0, total - good) / total) : 0;
}

/** Error ratio in multiples of what the target allows: at 1 the budget lasts exactly the period. `target` is a share below 1. */
export function burnRate(events: Events, target: number): number {
  return errorRatio(events) / (1 - target);
}

/** Whether a pair fires: it begins when both rates are above the threshold, and ends when the short one no longer is. */
export function fires(pair: Pair, fired: boolean, long: number, short: number): boolean {
  return short > pair.threshold && (fired || long > pair.threshold);
}
