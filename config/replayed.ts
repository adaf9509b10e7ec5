import type { GraphSpec, NodeSpec } from '../engine/graph.js';
import type { ConfigProblem } from './issues.js';
import { prune } from './prune.js';
import { registry } from './registry.js';

/** Sources that a replay reads from the start and as fast as it goes, though they may be live otherwise. */
const REPLAYED = new Set(['file', 'generate']);

function isReplayed({ type, config }: NodeSpec): boolean {
  return REPLAYED.has(type) || (type === 'feedback' && (config as { path?: string }).path !== undefined);
}

/** The graph for a replay: without the sources that only exist now, and without what reads only these. */
export function forReplay(graph: GraphSpec): { graph: GraphSpec; removed: ReadonlySet<string>; problems: readonly ConfigProblem[] } {
  const live = graph.sources.filter((spec) => !isReplayed(spec) && registry.sources.find(({ name }) => name === spec.type)?.live(spec.config) !== false);
  const endless = graph.sources.filter(({ type, config }) => {
    const { count, duration, spec } = config as { count?: number; duration?: number; spec?: string };
    return type === 'generate' && count === undefined && duration === undefined && spec === undefined;
  });
  const problems: ConfigProblem[] = endless.map(({ name }) => ({ path: ['sources', name], of: 'key', message: `${name} never ends, so it can't be replayed: give it \`count\` or \`duration\`` }));
  const gone = live.map(({ name }) => name);
  const without = prune(graph, gone);
  // What was kept in a sink that is not there now.
  const storeless = without.graph.sources.filter(({ type, config }) => {
    const store = registry.sources.find(({ name }) => name === type)?.store?.(config);
    return store !== undefined && without.removed.has(store);
  });
  const rest = storeless.length === 0 ? without : prune(graph, [...gone, ...storeless.map(({ name }) => name)]);
  // These tell nothing by themselves.
  const silent = ({ type, config }: NodeSpec): boolean => type === 'feedback' || registry.sources.find(({ name }) => name === type)?.teaches?.(config) === true;
  if (rest.graph.sources.every(silent) && live.length > 0) {
    problems.push({ path: ['sources'], of: 'key', message: `nothing here can be replayed: ${live.map(({ name, type }) => `${name} (${type})`).join(', ')} can't be read again`, hint: 'a replay reads sources of type file and generate' });
  }
  return { ...rest, problems };
}
