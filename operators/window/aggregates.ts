import { Counter } from './counter.js';
import { Ends } from './ends.js';
import { Extremes } from './extremes.js';
import { Growth } from './growth.js';
import { Moments } from './moments.js';
import { Quantiles, type AskedQuantile } from './quantiles.js';
import type { AggregateSchema, PaneColumn, Part, Places } from './state.js';
import { Sum } from './sum.js';

export const aggregateNames = ['count', 'sum', 'mean', 'stddev', 'variance', 'min', 'max', 'first', 'last', 'increase', 'rate'] as const;

/** `p50`, `p99.9`: the quantile in (0, 1), or undefined. */
export function quantileOf(name: string): number | undefined {
  const match = /^p(\d{1,2}(?:\.\d{1,6})?)$/.exec(name);
  const percent = match === null ? 0 : Number(match[1]);
  return percent > 0 ? percent / 100 : undefined;
}

/** What the aggregates need to keep. */
interface Needs {
  readonly sum: boolean;
  readonly extremes: boolean;
  readonly ends: boolean;
  readonly counter: boolean;
  readonly quantiles: boolean;
}

function needsOf(aggregates: readonly string[]): Needs {
  const some = (...names: string[]): boolean => names.some((name) => aggregates.includes(name));
  return {
    sum: some('sum'),
    extremes: some('min', 'max'),
    ends: some('first', 'last'),
    counter: some('increase', 'rate'),
    quantiles: aggregates.some((name) => quantileOf(name) !== undefined),
  };
}

/** Everything that computes the aggregates. */
export interface Parts {
  readonly all: readonly Omit<Part, 'append'>[];
  readonly moments: Moments;
  /** All but the moments. */
  readonly others: readonly Part[];
  /** Where rows come out of order. */
  readonly counter: Counter | undefined;
  readonly quantiles: Quantiles | undefined;
}

/** The columns that the aggregates need, with so many panes a series. */
export function aggregateColumns(aggregates: readonly string[], planes: number): AggregateSchema {
  const needs = needsOf(aggregates);
  const column = (per: number): PaneColumn => ({ type: 'f64', per, planes });
  const columns: Partial<AggregateSchema> = {
    moments: column(3),
    ...(needs.sum ? { sum: column(1) } : {}),
    ...(needs.extremes ? { extremes: column(2) } : {}),
    ...(needs.ends ? { ends: column(4) } : {}),
    ...(needs.counter ? { counter: column(5) } : {}),
  };
  // What is not asked for is not there, and no part reads it.
  return columns as AggregateSchema;
}

/** `order`: rows come in any order, or in order of time. */
export function partsOf(aggregates: readonly string[], places: Places, order: 'any' | 'time' = 'any'): Parts {
  const needs = needsOf(aggregates);
  const moments = new Moments();
  const others: Part[] = [];
  if (needs.sum) others.push(new Sum());
  if (needs.extremes) others.push(new Extremes());
  if (needs.ends) others.push(new Ends());
  const counter = needs.counter && order === 'any' ? new Counter(places) : undefined;
  if (needs.counter) others.push(counter ?? new Growth());
  const quantiles = needs.quantiles ? new Quantiles(places, askedQuantiles(aggregates)) : undefined;
  if (quantiles !== undefined) others.push(quantiles);
  return { all: [moments, ...others], moments, others, counter, quantiles };
}

function askedQuantiles(aggregates: readonly string[]): AskedQuantile[] {
  return aggregates.flatMap((name) => {
    const quantile = quantileOf(name);
    return quantile === undefined ? [] : [{ name, quantile }];
  });
}
