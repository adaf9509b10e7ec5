import type { AnySource } from './connector.js';
import { reference, type GraphSpec, type NodeSpec, type Problem, type Registry } from './graph.js';

/** What is wrong with how sources wait for each other (`after`), read stores, and only teach. */
export function checkPast(graph: GraphSpec, registry: Registry): Problem[] {
  const definitions = new Map(graph.sources.map((spec) => [spec.name, registry.sources.find((d) => d.name === spec.type)]));
  return [...checkAfter(graph, definitions), ...checkStores(graph, registry, definitions), ...checkTaught(graph, definitions)];
}

type Definitions = ReadonlyMap<string, AnySource | undefined>;

function checkAfter({ sources }: GraphSpec, definitions: Definitions): Problem[] {
  const problems: Problem[] = [];
  const byName = new Map(sources.map((spec) => [spec.name, spec]));
  for (const { name, after = [] } of sources) {
    for (const [i, other] of after.entries()) {
      const path = ['sources', name, 'after', i];
      const definition = definitions.get(other);
      if (!byName.has(other)) problems.push({ path, message: `there is no source ${other}`, candidates: [...byName.keys()].filter((of) => of !== name) });
      else if (after.indexOf(other) !== i) problems.push({ path, message: `${other} is named twice` });
      else if (definition?.live?.(byName.get(other)!.config) === true) problems.push({ path, message: `${other} never ends: ${name} would never be read` });
      else {
        const way = wayBack(other, name, byName);
        if (way !== undefined) problems.push({ path, message: `sources wait for each other: ${[name, ...way].join(' -> ')}` });
      }
    }
  }
  return problems;
}

/** From a source over those that it waits for to `to`. */
function wayBack(from: string, to: string, byName: ReadonlyMap<string, NodeSpec>, seen = new Set<string>()): string[] | undefined {
  if (from === to) return [from];
  if (seen.has(from)) return undefined;
  seen.add(from);
  for (const next of byName.get(from)?.after ?? []) {
    const way = wayBack(next, to, byName, seen);
    if (way !== undefined) return [from, ...way];
  }
  return undefined;
}

function checkStores(graph: GraphSpec, registry: Registry, definitions: Definitions): Problem[] {
  const keeps = graph.sinks.filter(({ type }) => registry.sinks.find((d) => d.name === type)?.keeps === true);
  return graph.sources.flatMap((spec): Problem[] => {
    const store = definitions.get(spec.name)?.store?.(spec.config);
    if (store === undefined || keeps.some(({ name }) => name === store)) return [];
    const path = ['sources', spec.name, 'store'];
    const sink = graph.sinks.find(({ name }) => name === store);
    if (sink === undefined) return [{ path, message: `there is no sink ${store}`, candidates: keeps.map(({ name }) => name) }];
    return registry.sinks.some((d) => d.name === sink.type) ? [{ path, message: `${store} (${sink.type}) keeps nothing that can be read back: name a sink of type ${registry.sinks.filter((d) => d.keeps).map((d) => d.name).join(' or ')}` }] : [];
  });
}

/** Whatever an operator gets beside rows that only teach comes after them: else nobody could say what comes of which. */
function checkTaught(graph: GraphSpec, definitions: Definitions): Problem[] {
  const teaches = graph.sources.filter(({ name, config }) => definitions.get(name)?.teaches?.(config) === true).map(({ name }) => name);
  const problems: Problem[] = [];
  if (teaches.length === 0) return problems;
  for (const sink of graph.sinks) {
    for (const [i, text] of sink.from.entries()) if (teaches.includes(text)) problems.push({ path: ['sinks', sink.name, 'from', i], message: `${text} only teaches: no row of it reaches a sink` });
  }
  const told = new Set<string>();
  for (const { name } of graph.operators) {
    const origins = originsOf(name, graph);
    const past = teaches.filter((source) => origins.has(source));
    for (const source of graph.sources) {
      if (!origins.has(source.name) || teaches.includes(source.name) || definitions.get(source.name)?.findings !== undefined) continue;
      const missing = past.filter((of) => source.after?.includes(of) !== true);
      // A name in it that is wrong is told already.
      if (missing.length === 0 || told.has(source.name) || source.after?.some((of) => !definitions.has(of)) === true) continue;
      told.add(source.name);
      problems.push({ path: ['sources', source.name], message: `${name} learns from ${missing.join(', ')} first: give ${source.name} \`after: [${missing.join(', ')}]\`` });
    }
  }
  return problems;
}

function originsOf(name: string, graph: GraphSpec, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const text of graph.operators.find((spec) => spec.name === name)?.from ?? []) originsOf(reference(text).node, graph, seen);
  return seen;
}
