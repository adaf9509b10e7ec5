import type { Action } from './advice.js';

export interface Told {
  readonly series: string;
  readonly current: number;
  readonly predicted: number;
  readonly lower95: number;
  readonly upper95: number;
  readonly horizon: number;
  /** ms from now; Infinity: not within the horizon. */
  readonly warningAfter: number;
  readonly criticalAfter: number;
  readonly warning: number | undefined;
  readonly critical: number | undefined;
  readonly action: Action;
}

const ADVICE: Record<Action, string> = {
  immediate_scale_up_required: 'scale up at once',
  plan_scale_up: 'plan to scale up',
  monitor_closely: 'monitor it closely',
  consider_scale_down: 'consider to scale down',
  maintain_current_capacity: 'capacity is right',
};

/** `disk_used is 65.5 and heads for 98.2 in 30d (95.1 to 101, 95 %); it passes critical 90 in 22d and passes warning 80 in 13d: plan to scale up` */
export function explain(told: Told): string {
  const breaches = [breach('critical', told.critical, told.criticalAfter), breach('warning', told.warning, told.warningAfter)].filter((text) => text !== '');
  const passes = breaches.length === 0 ? '' : `; it ${breaches.join(' and ')}`;
  return (
    `${told.series} is ${rounded(told.current)} and heads for ${rounded(told.predicted)} in ${roughly(told.horizon)} ` +
    `(${rounded(told.lower95)} to ${rounded(told.upper95)}, 95 %)${passes}: ${ADVICE[told.action]}`
  );
}

function breach(name: string, threshold: number | undefined, after: number): string {
  if (threshold === undefined || after === Infinity) return '';
  return after === 0 ? `is past ${name} ${rounded(threshold)}` : `passes ${name} ${rounded(threshold)} in ${roughly(after)}`;
}

/** Three significant digits; whole numbers keep all theirs. */
function rounded(value: number): string {
  return String(Math.abs(value) >= 100 && Math.abs(value) < 1e15 ? Math.round(value) : Number(value.toPrecision(3)));
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** The largest unit of which there are at least two. */
export function roughly(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= 2 * size) return `${Math.round(ms / size)}${unit}`;
  return `${Math.round(ms)}ms`;
}
