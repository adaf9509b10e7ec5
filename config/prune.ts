import { reference, type GraphSpec, type NodeSpec } from '../engine/graph.js';

/**
 * The graph without some nodes, without what then has nothing left to read, and without what was read
 * by these alone. Gives the names of all that are gone, too.
 */
export function prune(graph: GraphSpec, remove: Iterable<string>): { graph: GraphSpec; removed: ReadonlySet<string> } {
  const removed = new Set(remove);
  const nodes = [...graph.sources, ...graph.operators, ...graph.sinks];
  const sinks = new Set(graph.sinks.map(({ name }) => name));
  const readsOf = ({ from }: NodeSpec): string[] => from.map((text) => reference(text).node);
  for (let before = -1; before !== removed.size; ) {
    before = removed.size;
    for (const node of nodes) {
      const reads = readsOf(node);
      if (reads.length > 0 && reads.every((name) => removed.has(name))) removed.add(node.name);
      const readers = nodes.filter((reader) => readsOf(reader).includes(node.name));
      if (!sinks.has(node.name) && readers.length > 0 && readers.every(({ name }) => removed.has(name))) removed.add(node.name);
    }
  }
  const keep = (of: readonly NodeSpec[]): NodeSpec[] =>
    of.filter(({ name }) => !removed.has(name)).map(({ after, ...node }) => {
      const waits = after?.filter((name) => !removed.has(name)) ?? [];
      return { ...node, from: node.from.filter((text) => !removed.has(reference(text).node)), ...(waits.length === 0 ? {} : { after: waits }) };
    });
  return { graph: { ...graph, sources: keep(graph.sources), operators: keep(graph.operators), sinks: keep(graph.sinks) }, removed };
}
