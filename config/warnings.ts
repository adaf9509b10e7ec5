import { resolve } from 'node:path';
import type { GraphSpec, NodeSpec } from '../engine/graph.js';
import type { ConfigProblem } from './issues.js';
import { componentTypes, type Section, type Settings } from './schema.js';

/** What parses but can't be meant. `graph` as written, before anything was left out; nothing is said of what is `broken` anyway. */
export function warningsOf(settings: Settings, written: GraphSpec, base: string, broken: ReadonlySet<string>): ConfigProblem[] {
  const sound = (nodes: readonly NodeSpec[]): NodeSpec[] => nodes.filter(({ name }) => !broken.has(name));
  const graph = { ...written, sources: sound(written.sources), operators: sound(written.operators), sinks: sound(written.sinks) };
  return [...serverWarnings(settings), ...componentWarnings(settings, written), ...nodeWarnings(graph), ...fileWarnings(graph, base)].map((problem) => ({ warning: true, ...problem }));
}

function serverWarnings({ server, checkpoint }: Settings): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  if (server.port === 0) warnings.push({ path: ['server', 'port'], message: 'port 0 is another free port at each start: clients must be told it from the log' });
  if (server.api_port === server.port) warnings.push({ path: ['server', 'api_port'], message: `port ${server.port} serves the API already: leave \`api_port\` out` });
  if (server.shards !== undefined && server.shards > server.partitions) warnings.push({ path: ['server', 'shards'], message: `with ${server.partitions} partitions only ${server.partitions} of ${server.shards} shards have work` });
  if (checkpoint.interval < 1_000) warnings.push({ path: ['checkpoint', 'interval'], message: 'a checkpoint more often than each second costs more than it saves' });
  if (checkpoint.interval > 3_600_000) warnings.push({ path: ['checkpoint', 'interval'], message: 'after a crash everything since the last checkpoint is read again: more than an hour of it' });
  return warnings;
}

function componentWarnings({ components }: Settings, graph: GraphSpec): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  for (const [component, type] of Object.entries(componentTypes)) {
    const settings = components[component as keyof typeof componentTypes];
    if (settings === undefined) continue;
    const nodes = graph.operators.filter((node) => node.type === type);
    if (nodes.length === 0) warnings.push({ path: ['components', component], of: 'key', message: `this changes nothing: the graph has no operator of type ${type}` });
    if (settings.enabled) continue;
    for (const { name } of nodes) warnings.push({ path: ['operators', name], of: 'key', message: `${name} does not run: components.${component}.enabled is false` });
  }
  return warnings;
}

function nodeWarnings(graph: GraphSpec): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  const about = (section: Section, node: NodeSpec, key: string | undefined, message: string): void =>
    void warnings.push({ path: key === undefined ? [section, node.name] : [section, node.name, key], of: key === undefined ? 'key' : 'value', message });
  for (const node of graph.operators) {
    const config = node.config as Readonly<Record<string, unknown>>;
    const number = (key: string): number => (typeof config[key] === 'number' ? config[key] : Number.NaN);
    switch (node.type) {
      case 'select':
        if (config['where'] === undefined && config['rename'] === undefined && Object.keys((config['labels'] ?? {}) as object).length === 0) about('operators', node, undefined, `${node.name} passes everything on as it is: give it \`where\`, \`rename\` or \`labels\``);
        break;
      case 'detect':
        if (number('sensitivity') < 2) about('operators', node, 'sensitivity', 'a band of less than 2 deviations marks one value in twenty as unusual');
        break;
      case 'window':
        if (number('lateness') > 10 * number('size') || number('lateness') > 10 * number('gap')) about('operators', node, 'lateness', 'a window waits more than ten times its own length: nothing comes out until then');
        break;
      case 'forecast':
        if (number('horizon') > 20 * number('history')) about('operators', node, 'horizon', 'a forecast of more than 20 times its history is a guess');
        if (number('every') > number('horizon')) about('operators', node, 'every', 'each forecast is over before the next is made: `every` is longer than `horizon`');
        break;
      case 'correlate':
        if (number('duplicates') > number('window') * 144) about('operators', node, 'duplicates', 'an alert that stays open that long says little about now');
        break;
      default:
    }
  }
  for (const node of graph.sources) {
    const config = node.config as Readonly<Record<string, unknown>>;
    if (node.type === 'generate' && typeof config['rate'] === 'number' && config['rate'] > 10_000_000) about('sources', node, 'rate', 'no single machine takes that many samples a second');
  }
  return warnings;
}

/** Two nodes with one file between them: one of them loses. */
function fileWarnings(graph: GraphSpec, base: string): ConfigProblem[] {
  const writers = new Map<string, string>();
  const pathOf = ({ config }: NodeSpec): string | undefined => {
    const path = (config as { path?: unknown }).path;
    return typeof path === 'string' ? resolve(base, path) : undefined;
  };
  const warnings: ConfigProblem[] = [];
  for (const node of graph.sinks) {
    const path = node.type === 'live' ? undefined : pathOf(node);
    if (path === undefined) continue;
    const other = writers.get(path);
    if (other !== undefined) warnings.push({ path: ['sinks', node.name, 'path'], message: `${other} writes this file too: one overwrites the other`, warning: false });
    writers.set(path, node.name);
  }
  for (const node of graph.sources) {
    const path = pathOf(node);
    if (path !== undefined && writers.has(path)) warnings.push({ path: ['sources', node.name, 'path'], message: `${writers.get(path)} writes the file that ${node.name} reads`, warning: false });
  }
  return warnings;
}
