import type { RawGraph } from './graph.js';
import type { WorkloadName } from '../engine.js';

/** A graph in which one thing differs from that of a workload, measured as an engine of its own. */
export interface Variant {
  readonly name: string;
  readonly title: string;
  readonly graph: string;
  readonly vary?: (graph: RawGraph) => void;
}

/** Windows that a sample is in; each sample has one result, whatever the number. */
const overlaps = [1, 2, 6, 30, 60].map((windows): Variant => ({
  name: `millrace-windows-${windows}`,
  title: `Millrace, windows of ${windows} s every second`,
  graph: 'w2',
  vary: ({ operators }) => void (operators['win']!['size'] = `${windows}s`),
}));

/** Nodes of which a sample knows nothing: they have a source of their own, with few samples. */
const bystanders = [0, 10, 50].map((nodes): Variant => ({
  name: `millrace-nodes-${nodes}`,
  title: `Millrace, with ${nodes} nodes not on the way of a sample`,
  graph: 'w1',
  vary: ({ sources, operators, sinks }) => {
    if (nodes === 0) return;
    sources['aside'] = { type: 'generate', series: 10, count: 1_000 };
    for (let n = 0; n < nodes; n++) operators[`aside${n}`] = { type: 'window', from: 'aside', size: '10s' };
    sinks['unseen'] = { type: 'count', from: Array.from({ length: nodes }, (_, n) => `aside${n}`) };
  },
}));

/** Every kind of windows that have each sample once, over the same samples. */
const kinds: readonly Variant[] = [
  { name: 'millrace-tumbling', title: 'Millrace, windows of 10 s', graph: 'w1' },
  { name: 'millrace-session', title: 'Millrace, sessions that 2 s of silence end', graph: 'session' },
  { name: 'millrace-rows', title: 'Millrace, windows of 10 rows', graph: 'count-window' },
];

export const variants: Readonly<Partial<Record<WorkloadName, readonly Variant[]>>> = {
  W1: [{ name: 'millrace-exchange', title: 'Millrace, half of the rows change threads between source and window', graph: 'w1-exchange' }, ...bystanders],
  W2: overlaps,
  windows: kinds,
};

/** Names and titles of the engines that are variants. */
export const variantNames: readonly { readonly name: string; readonly title: string }[] = Object.values(variants)
  .flat()
  .map(({ name, title }) => ({ name, title }));
