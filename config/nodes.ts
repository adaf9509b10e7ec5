import type { GraphSpec, NodeSpec } from '../engine/graph.js';
import { valueOf } from './document.js';
import { fieldsOf } from './fields.js';
import { nearest } from './nearest.js';
import { judge, oneOf, show, type ConfigProblem } from './issues.js';
import type { Origins } from './origins.js';
import { registry } from './registry.js';
import { componentTypes, sections, type Section, type Settings } from './schema.js';
import type { SloFiles } from './slos.js';

export interface Nodes extends Pick<GraphSpec, Section> {
  readonly problems: readonly ConfigProblem[];
  /** Names of nodes with something wrong inside: they stand in the graph for what refers to them. */
  readonly broken: ReadonlySet<string>;
}

type Tree = Record<string, unknown>;

const DAY_MS = 86_400_000;

/** Reads sources, operators and sinks, each by the schema of its type. */
export function readNodes(config: Tree, settings: Partial<Settings>, origins: Origins, files: SloFiles): Nodes {
  const problems: ConfigProblem[] = [];
  const broken = new Set<string>();
  const nodes: Record<Section, NodeSpec[]> = { sources: [], operators: [], sinks: [] };
  for (const section of sections) {
    const entries = config[section];
    if (entries === undefined || entries === null) {
      if (section !== 'operators') problems.push({ path: [section], of: 'key', message: `a config needs \`${section}\`: ${section === 'sources' ? 'where samples come from' : 'where results go'}` });
      continue;
    }
    if (!isTree(entries)) {
      problems.push({ path: [section], message: `\`${section}\` must be a map of names to settings, not ${show(entries)}` });
      continue;
    }
    for (const [name, entry] of Object.entries(entries)) {
      const read = readNode(section, name, entry, settings, origins, files);
      problems.push(...read.problems);
      if (read.broken) broken.add(name);
      nodes[section].push(read.spec);
    }
  }
  return { ...nodes, problems, broken };
}

function readNode(section: Section, name: string, entry: unknown, settings: Partial<Settings>, origins: Origins, files: SloFiles): { spec: NodeSpec; problems: ConfigProblem[]; broken: boolean } {
  const path = [section, name];
  const empty: NodeSpec = { name, type: '', from: [], config: {} };
  const definitions = registry[section];
  const types = definitions.map((definition) => definition.name);
  const one = section.slice(0, -1);
  if (!isTree(entry)) return { spec: empty, broken: true, problems: [{ path, of: 'key', message: `${name} must be a map with the \`type\` of ${article(one)}, not ${show(entry)}`, hint: `as in ${name}: { type: ${types[0]} }` }] };
  const problems: ConfigProblem[] = [];
  const { type, from, after, ...settled } = withMisspelt(section, entry, path, problems, origins);
  const reads = readFrom(section, from, path, problems, origins);
  const waits = section === 'sources' && after !== undefined ? readNames('after', 'source', after, path, problems, origins) : undefined;
  const spec = { ...empty, from: reads, ...(waits === undefined ? {} : { after: waits }) };
  if (type === undefined) return { spec, broken: true, problems: [...problems, { path: [...path, 'type'], of: 'key', message: `${name} needs \`type\`: ${oneOf(types)}` }] };
  const definition = definitions.find((of) => of.name === type);
  if (definition === undefined) {
    const elsewhere = sections.find((other) => other !== section && registry[other].some((of) => of.name === type));
    const message = typeof type === 'string' ? `there is no ${one} of type ${type}` : `\`type\` must be the name of ${article(one)}, not ${show(type)}`;
    return { spec, broken: true, problems: [...problems, { path: [...path, 'type'], message, candidates: types, ...(elsewhere === undefined ? {} : { hint: `${type as string} is ${article(elsewhere.slice(0, -1))}: move ${name} to \`${elsewhere}\`` }) }] };
  }
  const written = withDefaults(section, name, definition.name, section === 'sources' || after === undefined ? settled : { ...settled, after }, definition.config, settings, origins);
  const included = definition.name === 'burn-rate' ? files.include(written, path) : undefined;
  const judged = judge(definition.config, written, definition.name, path, (at) => origins.inserted(at));
  // Without SLOs for a reason that is told already.
  const own = judged.problems.filter((problem) => included === undefined || written['slos'] !== undefined || problem.path[path.length] !== 'slos');
  problems.push(...(included ?? []), ...own.map((problem) => knownElsewhere(problem, definition.name)));
  return { spec: { ...spec, type: definition.name, config: judged.value ?? {} }, problems, broken: problems.length > 0 || judged.value === undefined };
}

/** `type` and `from` are read where they are misspelt, too, and told as that. */
function withMisspelt(section: Section, entry: Tree, path: readonly string[], problems: ConfigProblem[], origins: Origins): Tree {
  const known = new Set(registry[section].flatMap(({ config }) => Object.keys(fieldsOf(config) ?? {})));
  const mended = { ...entry };
  for (const key of section === 'sources' ? ['type', 'after'] : ['type', 'from']) {
    if (entry[key] !== undefined) continue;
    const written = Object.keys(entry).find((of) => !known.has(of) && nearest(of, [key]) !== undefined);
    if (written === undefined) continue;
    mended[key] = entry[written];
    delete mended[written];
    origins.add([...path, key], [...path, written]);
    problems.push({ path: [...path, written], of: 'key', message: `a node has no setting \`${written}\``, hint: `did you mean ${key}?` });
  }
  return mended;
}

/** A node's own settings over those that `components` and `global` give to all of its type. */
function withDefaults(section: Section, name: string, type: string, own: Tree, schema: (typeof registry)[Section][number]['config'], settings: Partial<Settings>, origins: Origins): Tree {
  const written: Tree = { ...own };
  const take = (key: string, value: unknown, at: readonly string[]): void => {
    if (Object.hasOwn(own, key)) return;
    written[key] = value;
    origins.add([section, name, key], at);
  };
  const component = section === 'operators' ? (Object.keys(componentTypes) as (keyof typeof componentTypes)[]).find((of) => componentTypes[of] === type) : undefined;
  if (component !== undefined) {
    const { enabled: _, ...shared } = settings.components?.[component] ?? { enabled: true };
    for (const [key, value] of Object.entries(shared)) take(key, value, ['components', component, key]);
  }
  const days = settings.global?.data_retention_days;
  if (days !== undefined && fieldsOf(schema)?.['retention'] !== undefined) take('retention', `${days * DAY_MS}ms`, ['global', 'data_retention_days']);
  return written;
}

function readFrom(section: Section, from: unknown, path: readonly string[], problems: ConfigProblem[], origins: Origins): readonly string[] {
  if (from === undefined) return [];
  if (section !== 'sources') return readNames('from', 'node', from, path, problems, origins);
  problems.push({ path: [...path, 'from'], of: 'key', message: 'a source reads from no other node: it has no `from`' });
  return [];
}

/** One name, or a list of them. */
function readNames(key: string, of: string, written: unknown, path: readonly string[], problems: ConfigProblem[], origins: Origins): readonly string[] {
  const at = [...path, key];
  // A variable may hold a list.
  const names = typeof written === 'string' && written.startsWith('[') && origins.inserted(at) !== undefined ? valueOf(written) : written;
  if (typeof names === 'string') return [names];
  if (!Array.isArray(names)) {
    problems.push({ path: at, message: `\`${key}\` must be the name of a ${of} or a list of names, not ${show(names)}` });
    return [];
  }
  return names.flatMap((name: unknown, i) => {
    if (typeof name === 'string') return [name];
    problems.push({ path: [...at, i], message: `\`${key}\` must be the name of a ${of} or a list of names, not ${show(name)}` });
    return [];
  });
}

/** A setting that another type has, and this one nothing like it: that is said instead. */
function knownElsewhere(problem: ConfigProblem, type: string): ConfigProblem {
  const key = problem.path.at(-1);
  if (problem.of !== 'key' || problem.candidates === undefined || problem.path.length !== 3 || nearest(String(key), problem.candidates) !== undefined) return problem;
  const others = [...new Set([...registry.sources, ...registry.operators, ...registry.sinks].filter((of) => of.name !== type && Object.hasOwn(fieldsOf(of.config) ?? {}, key!)).map((of) => of.name))];
  return others.length === 0 ? problem : { ...problem, hint: `it is a setting of ${oneOf(others)}` };
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
