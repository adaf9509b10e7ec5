import type { Trend } from './trend.js';

/** When capacity is short, and what counts as much and little growth. */
export interface Rules {
  readonly warning: number | undefined;
  readonly critical: number | undefined;
  /** 1: too much is bad; -1: too little is. */
  readonly side: 1 | -1;
  readonly horizon: number;
  /** A critical breach within this time needs capacity at once, ms. */
  readonly immediate: number;
  /** Growth over the horizon to keep an eye on, as a share of the current value. */
  readonly growth: number;
  /** Share of the warning threshold below which capacity lies idle. */
  readonly idle: number;
}

export type Action = 'immediate_scale_up_required' | 'plan_scale_up' | 'monitor_closely' | 'consider_scale_down' | 'maintain_current_capacity';

/** Ms from now until the trend's line is at or past a threshold; `Infinity` when not within the horizon. */
export function breachAfter(trend: Trend, threshold: number | undefined, rules: Rules): number {
  if (threshold === undefined) return Infinity;
  const missing = rules.side * (threshold - trend.level);
  if (missing <= 0) return 0;
  const speed = rules.side * trend.slope;
  const after = speed > 0 ? Math.ceil(missing / speed) : Infinity;
  return after <= rules.horizon ? after : Infinity;
}

/** What is larger says no more, and infinity can't be sent. */
const LARGEST_GROWTH = 1e9;

/** (predicted - current) / |current|; 0 where the current value is 0, of which there is no share. */
export function growthOf(current: number, predicted: number): number {
  if (current === 0) return 0;
  return Math.max(-LARGEST_GROWTH, Math.min(LARGEST_GROWTH, (predicted - current) / Math.abs(current)));
}

/** @param upper the upper end of the 95 % interval where it is highest: now or at the horizon, for it is convex between */
export function adviseOn(warningAfter: number, criticalAfter: number, growth: number, upper: number, rules: Rules): Action {
  if (criticalAfter <= rules.immediate) return 'immediate_scale_up_required';
  if (criticalAfter <= rules.horizon) return 'plan_scale_up';
  if (warningAfter <= rules.horizon || rules.side * growth > rules.growth) return 'monitor_closely';
  if (rules.side === 1 && rules.warning !== undefined && upper < rules.idle * rules.warning) return 'consider_scale_down';
  return 'maintain_current_capacity';
}

/** The most urgent first. */
export const actions: readonly Action[] = ['immediate_scale_up_required', 'plan_scale_up', 'monitor_closely', 'consider_scale_down', 'maintain_current_capacity'];

/**
 * 0 to 1: the share of the history that has values, divided by 1 + half the width of the 80 % interval
 * in units of the larger of current and predicted value. So a steady series is forecast with confidence,
 * which R² alone would not say.
 */
export function confidenceOf(covered: number, history: number, half80: number, current: number, predicted: number): number {
  const share = Math.min(1, covered / history);
  const size = Math.max(Math.abs(current), Math.abs(predicted));
  return half80 === 0 ? share : share / (1 + half80 / size);
}

/** Has a date of breach moved by more than a tenth of the horizon? None counts as the end of the horizon. */
export function hasMoved(told: number, at: number, now: number, horizon: number): boolean {
  if (told === at) return false;
  return Math.abs(Math.min(told, now + horizon) - Math.min(at, now + horizon)) > horizon / 10;
}
