import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { sources } from '../../connectors/list.js';
import type { GraphSpec, NodeSpec, Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { MAX_SERIES, PARTITIONS } from '../../engine/limits.js';
import { operators } from './far-out.js';
import { sinks } from './timed-count.js';

export const registry: Registry = { operators, sources, sinks };
export const modules = { operators: new URL('far-out.js', import.meta.url).href, sources: new URL('gated-sources.js', import.meta.url).href };

/** Where npm runs scripts: the root of the project. */
const root = pathToFileURL(`${process.cwd()}/`);

type Section = 'sources' | 'operators' | 'sinks';

/** A graph as its YAML says it. */
export type RawGraph = Record<Section, Record<string, { type: string; from?: string | string[]; [field: string]: unknown }>>;

/** A graph of the folder `graphs`, with some fields of its sources set otherwise, and otherwise varied by `vary`. */
export function loadGraph(name: string, source: Readonly<Record<string, unknown>>, types: Registry = registry, vary: (graph: RawGraph) => void = () => {}): GraphSpec {
  const config = parse(readFileSync(new URL(`bench/graphs/${name}.yml`, root), 'utf8')) as RawGraph;
  for (const each of Object.values(config.sources)) Object.assign(each, source);
  vary(config);
  const nodes = (section: Section): NodeSpec[] =>
    Object.entries(config[section]).map(([node, { type, from = [], ...rest }]) => {
      const known: readonly { name: string; config: { parse(value: unknown): unknown } }[] = types[section];
      return { name: node, type, from: [from].flat(), config: known.find((d) => d.name === type)!.config.parse(rest) };
    });
  const graph = { sources: nodes('sources'), operators: nodes('operators'), sinks: nodes('sinks'), partitions: PARTITIONS, maxSeries: 2 * MAX_SERIES, seed: 1 };
  const problems = checkGraph(graph, types);
  if (problems.length > 0) throw new Error(problems.map((p) => p.message).join('; '));
  return graph;
}
