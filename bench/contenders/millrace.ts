
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';
import { parse } from 'yaml';
import { totals, type Totals } from '../../connectors/count/sink.js';
import { sinks, sources } from '../../connectors/list.js';
import { systemClock } from '../../engine/clock.js';
import { checkGraph, type GraphSpec, type NodeSpec, type Registry } from '../../engine/graph.js';
import { MAX_SERIES, PARTITIONS } from '../../engine/limits.js';
import { seeded } from '../../engine/random.js';
import { Runtime } from '../../engine/runtime.js';
import { operators } from '../far-out.js';
import type { Outcome } from '../samples.js';

const registry: Registry = { operators, sources, sinks };
const modules = { operators: new URL('../far-out.js', import.meta.url).href, sources: new URL('../../connectors/local.js', import.meta.url).href };
/** Where npm runs scripts: the root of the project. */
const root = pathToFileURL(`${process.cwd()}/`);

/** A graph of the folder `graphs`, with some fields of its source set otherwise. */
function load(name: string, source: Readonly<Record<string, unknown>>): GraphSpec {
  const config = parse(readFileSync(new URL(`bench/graphs/${name}.yml`, root), 'utf8')) as Record<'sources' | 'operators' | 'sinks', Record<string, { type: string; from?: string }>>;
  const nodes = (section: 'sources' | 'operators' | 'sinks'): NodeSpec[] =>
    Object.entries(config[section]).map(([node, { type, from, ...rest }]) => {
      const known: readonly { name: string; config: { parse(value: unknown): unknown } }[] = registry[section];
      return { name: node, type, from: from === undefined ? [] : [from], config: known.find((d) => d.name === type)!.config.parse(section === 'sources' ? { ...rest, ...source } : rest) };
    });
  const graph = { sources: nodes('sources'), operators: nodes('operators'), sinks: nodes('sinks'), partitions: PARTITIONS, maxSeries: 2 * MAX_SERIES, seed: 1 };
  const problems = checkGraph(graph, registry);
  if (problems.length > 0) throw new Error(problems.map((p) => p.message).join('; '));
  return graph;
}

export interface MillraceOutcome extends Outcome {
  readonly checkpoints?: { readonly taken: number; readonly ms: number; readonly bytes: number };
  /** Of the main thread's event loop, ms. */
  readonly loopDelay: { readonly p99: number; readonly max: number };
}

/** Runs a graph to its end. `checkpointMs`: takes checkpoints meanwhile, in a folder of its own. */
export async function millrace(name: string, samples: number, options: { shards: number; series?: number; checkpointMs?: number }): Promise<MillraceOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  try {
    const graph = load(name, { count: samples, ...(options.series === undefined ? {} : { series: options.series }) });
    const runtime = await Runtime.start({
      graph,
      registry,
      modules,
      shards: options.shards,
      replay: true,
      clock: systemClock,
      random: seeded(1),
      log: pino({ level: 'warn' }),
      base: folder,
      folder,
      ...(options.checkpointMs === undefined ? {} : { checkpoint: { intervalMs: options.checkpointMs, folder: join(folder, 'checkpoints') } }),
    });
    delay.enable();
    const began = performance.now();
    await runtime.finished;
    const seconds = (performance.now() - began) / 1000;
    delay.disable();
    const [total] = [...totals('out').values()] as [Totals];
    const column = (column: string): number => total.columns[column]?.sum ?? 0;
    const last = runtime.status().checkpoint;
    return {
      samples,
      seconds,
      check: { results: total.rows, counts: column('count'), means: name === 'w3' ? NaN : column('mean'), deviations: column('stddev') },
      loopDelay: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
      ...(last === undefined ? {} : { checkpoints: { taken: last.number, ms: last.ms, bytes: last.bytes } }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
