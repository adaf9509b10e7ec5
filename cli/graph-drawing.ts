import { reference, type GraphSpec, type NodeSpec } from '../engine/graph.js';
import { registry } from '../config/registry.js';

/** Who reads whom, one node a line in the order of the flow, with what each gives. */
export function drawText(graph: GraphSpec, removed: readonly string[]): string {
  const width = Math.max(...[...graph.sources, ...graph.operators, ...graph.sinks].map(({ name }) => name.length));
  const types = Math.max(...[...graph.sources, ...graph.operators, ...graph.sinks].map(({ type }) => type.length));
  const line = ({ name, type, from }: NodeSpec, gives: string): string => `  ${name.padEnd(width)}  ${type.padEnd(types)}  ${from.length === 0 ? '' : `<- ${from.join(', ')}  `}${gives}`.trimEnd();
  const lines = ['sources', ...graph.sources.map((node) => line(node, '')), 'operators', ...graph.operators.map((node) => line(node, givenBy(node))), 'sinks', ...graph.sinks.map((node) => line(node, ''))];
  if (graph.operators.length === 0) lines.splice(lines.indexOf('operators'), 1);
  if (removed.length > 0) lines.push(`left out: ${removed.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function givenBy({ type, config }: NodeSpec): string {
  const { output } = registry.operators.find(({ name }) => name === type)!.ports(config);
  const parts = [...(output.rows === undefined ? [] : output.rows.map((column) => `+${column}`)), ...(output.findings ?? []).map((kind) => `!${kind}`)];
  return parts.length === 0 ? '' : `[${parts.join(' ')}]`;
}

/** As a flowchart of Mermaid: sources round, sinks as stores. Late rows are dotted. */
export function drawMermaid(graph: GraphSpec): string {
  const shape = (node: NodeSpec, [open, close]: readonly [string, string]): string => `  ${node.name}${open}"${node.name}<br/>${node.type}"${close}`;
  const edges = [...graph.operators, ...graph.sinks].flatMap((to) =>
    to.from.map((text) => {
      const { node, outlet } = reference(text);
      return outlet === 'late' ? `  ${node} -. late .-> ${to.name}` : `  ${node} --> ${to.name}`;
    }),
  );
  const nodes = [...graph.sources.map((node) => shape(node, ['([', '])'])), ...graph.operators.map((node) => shape(node, ['[', ']'])), ...graph.sinks.map((node) => shape(node, ['[(', ')]']))];
  return `${['flowchart LR', ...nodes, ...edges].join('\n')}\n`;
}

/** In the language of Graphviz. */
export function drawDot(graph: GraphSpec): string {
  const node = (shape: string) => ({ name, type }: NodeSpec): string => `  "${name}" [label="${name}\\n${type}", shape=${shape}];`;
  const edges = [...graph.operators, ...graph.sinks].flatMap((to) =>
    to.from.map((text) => {
      const from = reference(text);
      return `  "${from.node}" -> "${to.name}"${from.outlet === 'late' ? ' [label=late, style=dashed]' : ''};`;
    }),
  );
  return `${['digraph millrace {', '  rankdir=LR;', ...graph.sources.map(node('ellipse')), ...graph.operators.map(node('box')), ...graph.sinks.map(node('cylinder')), ...edges, '}'].join('\n')}\n`;
}
