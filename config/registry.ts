import { sinks, sources } from '../connectors/list.js';
import type { Registry } from '../engine/graph.js';
import { operators } from '../operators/list.js';

/** Everything that a graph may name. */
export const registry: Registry = { operators, sources, sinks };

/** From where shards import what they run. */
export const modules = {
  operators: new URL('../operators/list.js', import.meta.url).href,
  sources: new URL('../connectors/local.js', import.meta.url).href,
};
