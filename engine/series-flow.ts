import type { Registry } from './graph.js';
import type { Derived } from './operator.js';
import type { Plan, PlannedOperator } from './plan.js';
import { makeSeries, seriesText, type Series } from './series.js';

/** What a series becomes at a node, by the port that it comes to. */
export type Derive = (of: Series, port: number) => readonly Derived[];

/** Undefined where every series stays what it is. */
export function deriveOf(node: PlannedOperator, registry: Registry): Derive | undefined {
  const definition = registry.operators.find((d) => d.name === node.spec.type)!;
  const own = definition.series?.(node.spec.config);
  if (own !== undefined) return own;
  if (node.route !== 'one') return undefined;
  const group = makeSeries(node.spec.name);
  return (of) => [{ series: group, member: seriesText(of.name, of.labels) }];
}

/** The nodes and ports that a source's or operator's rows come to. */
export function consumers(plan: Plan, name: string): { node: number; port: number }[] {
  return plan.operators.flatMap((node) => node.inputs.flatMap((input, port) => (input.rows && (input.text === name || input.text === `${name}.late`) ? [{ node: node.index, port }] : [])));
}
