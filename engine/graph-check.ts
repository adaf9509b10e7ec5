import type { AnySource } from './connector.js';
import { passedColumns, reference, type GraphSpec, type NodeSpec, type Outlet, type Problem, type Registry } from './graph.js';
import type { AnyOperator, Ports, Route } from './operator.js';
import { checkPast } from './past.js';

/** What a node gives and takes, of whatever kind it is. */
interface Face {
  readonly section: 'sources' | 'operators' | 'sinks';
  readonly spec: NodeSpec;
  readonly ports: Ports;
  readonly route: Route;
}

/** A source gives samples and may give findings, or findings alone; a sink takes everything. */
const sourcePorts = ({ findings }: Pick<AnySource, 'findings'>): Ports => ({ input: {}, output: findings === undefined ? { rows: [] } : { findings } });
const SINK_PORTS: Ports = { input: {}, output: {} };

/** All that is wrong with a graph, at once; empty when it can be planned. */
export function checkGraph(graph: GraphSpec, registry: Registry): Problem[] {
  const problems: Problem[] = [];
  const faces = new Map<string, Face>();
  for (const section of ['sources', 'operators', 'sinks'] as const) {
    const known: readonly { name: string }[] = registry[section];
    for (const spec of graph[section]) {
      const path = [section, spec.name];
      if (!/^[a-zA-Z][a-zA-Z0-9_-]*$/.test(spec.name)) problems.push({ path, message: `the name ${JSON.stringify(spec.name)} is not letters, digits, - and _, beginning with a letter` });
      if (faces.has(spec.name)) problems.push({ path, message: `there is a node ${spec.name} already, in ${faces.get(spec.name)!.section}` });
      const definition = known.find((d) => d.name === spec.type);
      if (definition === undefined) {
        problems.push({ path: [...path, 'type'], message: `there is no ${section.slice(0, -1)} of type ${spec.type}`, candidates: known.map((d) => d.name) });
        continue;
      }
      const operator = section === 'operators' ? (definition as AnyOperator) : undefined;
      faces.set(spec.name, {
        section,
        spec,
        ports: operator?.ports(spec.config) ?? (section === 'sources' ? sourcePorts(definition as AnySource) : SINK_PORTS),
        route: operator?.route?.(spec.config) ?? 'series',
      });
    }
  }
  for (const face of faces.values()) problems.push(...checkInputs(face, faces));
  problems.push(...checkCycles(faces), ...checkRead(faces), ...checkPast(graph, registry));
  return problems;
}

function checkInputs(face: Face, faces: ReadonlyMap<string, Face>): Problem[] {
  const { section, spec, ports } = face;
  const problems: Problem[] = [];
  if (section === 'sources') return problems;
  if (spec.from.length === 0) problems.push({ path: [section, spec.name], message: `${spec.name} reads nothing: it needs \`from\`` });
  const seen = new Set<string>();
  for (const [i, text] of spec.from.entries()) {
    const path = [section, spec.name, 'from', i];
    if (seen.has(text)) problems.push({ path, message: `${text} is named twice` });
    seen.add(text);
    const { node, outlet } = reference(text);
    const from = faces.get(node);
    if (from === undefined) {
      problems.push({ path, message: `there is no node ${node}`, candidates: [...faces.values()].filter((f) => f.section !== 'sinks' && f !== face).map((f) => f.spec.name) });
      continue;
    }
    if (from.section === 'sinks') {
      problems.push({ path, message: `${node} is a sink: nothing can be read from it` });
      continue;
    }
    const output = from.ports.output;
    if (outlet === 'late' && output.late !== true) {
      problems.push({ path, message: `${node} (${from.spec.type}) has no late output` });
      continue;
    }
    if (section === 'sinks') continue;
    const { rows, findings } = ports.input;
    const given = columnsGiven(from, outlet, faces);
    const takesRows = rows !== undefined && given !== undefined;
    const kinds = outlet === 'late' ? [] : (output.findings ?? []);
    const takesFindings = findings !== undefined && (kinds.some((kind) => findings.includes(kind)) || (from.section === 'sources' && output.findings === undefined));
    if (!takesRows && !takesFindings) {
      problems.push({ path, message: `${spec.name} (${spec.type}) takes ${says(rows, findings)}, but ${text} gives ${says(given, kinds)}` });
      continue;
    }
    const missing = takesRows ? rows.filter((column) => !given.includes(column)) : [];
    if (missing.length > 0) problems.push({ path, message: `${spec.name} (${spec.type}) needs the columns ${missing.join(', ')}, which ${text} does not give` });
  }
  return problems;
}

/** The further columns of a node's rows; undefined: it gives none. */
function columnsGiven(face: Face, outlet: Outlet, faces: ReadonlyMap<string, Face>, way: readonly Face[] = []): readonly string[] | undefined {
  if (outlet === 'late') return [];
  const { rows, passes } = face.ports.output;
  if (rows === undefined || passes !== true || way.includes(face)) return rows;
  const inputs = face.spec.from.flatMap((text) => {
    const { node, outlet: from } = reference(text);
    const input = faces.get(node);
    const given = input === undefined ? undefined : columnsGiven(input, from, faces, [...way, face]);
    return given === undefined ? [] : [given];
  });
  return passedColumns(rows, inputs);
}

function says(rows: readonly string[] | undefined, findings: readonly string[] | undefined): string {
  const parts = [];
  if (rows !== undefined) parts.push('rows');
  if (findings !== undefined && findings.length > 0) parts.push(`findings (${findings.join(', ')})`);
  return parts.length === 0 ? 'nothing' : parts.join(' and ');
}

function checkCycles(faces: ReadonlyMap<string, Face>): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): void => {
    const face = faces.get(name);
    // That a sink is read from is told already.
    if (face === undefined || done.has(name) || (face.section === 'sinks' && way.length > 0)) return;
    const at = way.indexOf(name);
    if (at >= 0) {
      const cycle = [...way.slice(at), name];
      const last = faces.get(way.at(-1)!)!;
      problems.push({ path: [last.section, last.spec.name, 'from', last.spec.from.findIndex((text) => reference(text).node === name)], message: `the graph has a cycle: ${cycle.toReversed().join(' -> ')}` });
      return;
    }
    for (const text of face.spec.from) walk(reference(text).node, [...way, name]);
    done.add(name);
  };
  for (const name of faces.keys()) walk(name, []);
  return problems;
}

function checkRead(faces: ReadonlyMap<string, Face>): Problem[] {
  const read = new Set([...faces.values()].flatMap((face) => face.spec.from.map((text) => reference(text).node)));
  return [...faces.values()]
    .filter((face) => face.section !== 'sinks' && !read.has(face.spec.name))
    .map((face) => ({ path: [face.section, face.spec.name], message: `nobody reads ${face.spec.name}: name it in the \`from\` of an operator or a sink` }));
}
