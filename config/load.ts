import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { checkGraph, type GraphSpec, type NodeSpec } from '../engine/graph.js';
import { registry } from './registry.js';
import { configSchema, type Settings } from './schema.js';

/** A config that can be run. */
export interface Loaded extends Settings {
  readonly graph: GraphSpec;
  readonly file: string;
  /** Folder of the config file, from which its relative paths start. */
  readonly base: string;
}

export class ConfigError extends Error {}

export async function loadConfig(file: string, _env: Readonly<Record<string, string | undefined>>, _options: { replay?: boolean } = {}): Promise<Loaded> {
  const text = await readFile(file, 'utf8');
  const { sources, operators, sinks, ...settings } = configSchema.parse(parse(text) ?? {});
  const nodes = (section: Record<string, Record<string, unknown>>, known: readonly { name: string; config: { parse(value: unknown): unknown } }[]): NodeSpec[] =>
    Object.entries(section).map(([name, { type, from = [], ...rest }]) => {
      const definition = known.find((d) => d.name === type);
      if (definition === undefined) throw new ConfigError(`${name}: there is no type ${String(type)}`);
      return { name, type: String(type), from: typeof from === 'string' ? [from] : (from as string[]), config: definition.config.parse(rest) };
    });
  const graph: GraphSpec = {
    sources: nodes(sources, registry.sources),
    operators: nodes(operators, registry.operators),
    sinks: nodes(sinks, registry.sinks),
    partitions: settings.server.partitions,
    maxSeries: settings.server.max_series,
    seed: settings.seed,
  };
  const problems = checkGraph(graph, registry);
  if (problems.length > 0) throw new ConfigError(problems.map((p) => `${p.path.join('.')}: ${p.message}`).join('\n'));
  return { ...settings, graph, file: resolve(file), base: dirname(resolve(file)) };
}
