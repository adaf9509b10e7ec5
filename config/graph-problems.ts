import { reference, type GraphSpec, type NodeSpec, type Problem, type Registry } from '../engine/graph.js';
import { checkGraph } from '../engine/graph-check.js';
import type { AnySink, AnySource } from '../engine/connector.js';
import { findingKinds } from '../engine/finding.js';
import type { AnyOperator } from '../engine/operator.js';
import type { ConfigProblem } from './issues.js';
import { nearest } from './nearest.js';
import { registry } from './registry.js';

const BROKEN = '(broken)';

/** Stands for what could not be read: takes everything and gives everything. */
const anything = {
  name: BROKEN,
  ports: () => ({ input: { rows: [], findings: findingKinds }, output: { rows: [], findings: findingKinds, late: true } }),
};
const withBroken: Registry = {
  operators: [...registry.operators, anything as unknown as AnyOperator],
  sources: [...registry.sources, anything as unknown as AnySource],
  sinks: [...registry.sinks, anything as unknown as AnySink],
};

/** What is wrong with how nodes are joined, as far as it does not follow from nodes that are broken themselves. */
export function graphProblems(graph: GraphSpec, broken: ReadonlySet<string>): ConfigProblem[] {
  const stand = (nodes: readonly NodeSpec[]): NodeSpec[] => nodes.map((node) => (broken.has(node.name) ? { ...node, type: BROKEN } : node));
  const problems = checkGraph({ ...graph, sources: stand(graph.sources), operators: stand(graph.operators), sinks: stand(graph.sinks) }, withBroken);

  const nodes = [...graph.operators, ...graph.sinks];
  const unsure = downstream(graph, broken);
  const blind = nodes.some(({ name, from }) => broken.has(name) && from.length === 0) || graph.sinks.length === 0;
  const meant = new Set(problems.flatMap((problem) => (problem.candidates === undefined ? [] : [nearest(referenceAt(problem, nodes), problem.candidates)])));
  return problems
    .filter(({ path, message, candidates }) => {
      const [, name, key, index] = path;
      const node = nodes.find((of) => of.name === name);
      if (key === 'from') return candidates !== undefined || node === undefined || !unsure.has(reference(node.from[Number(index)] ?? '').node);
      if (message.startsWith('nobody reads')) return !blind && !meant.has(String(name));
      return !(broken.has(String(name)) && message.includes('reads nothing'));
    })
    .map((problem) => (problem.path.length === 2 ? { ...problem, of: 'key' } : problem));
}

/** The node that a `from` at fault names. */
function referenceAt({ path: [, name, , index] }: Problem, nodes: readonly NodeSpec[]): string {
  return reference(nodes.find((node) => node.name === name)?.from[Number(index)] ?? '').node;
}

function downstream(graph: GraphSpec, of: ReadonlySet<string>): ReadonlySet<string> {
  const reached = new Set(of);
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const { name, from } of graph.operators) if (from.some((text) => reached.has(reference(text).node))) reached.add(name);
  }
  return reached;
}
