import { totals, type Totals } from '../../connectors/count/sink.js';
import type { GraphSpec } from '../../engine/graph.js';
import type { Check, WorkloadName } from '../engine.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import { loadGraph, registry } from './graph.js';
import { newResultTimes } from './timed-count.js';
import { variants } from './variants.js';

/** The check of a workload from the totals of the node that its sink counts. */
export const checks: Readonly<Record<'W1' | 'W2' | 'W3' | 'windows', () => Check>> = {
  W1: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean'), deviations: sum('win', 'stddev') }),
  windows: () => ({ results: count('win').rows, counts: sum('win', 'count') }),
  W2: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean') }),
  // Rows without z are those that tell the last mean and variance.
  W3: () => ({ results: count('far').rows - (count('far').columns['z']?.missing ?? 0), z: sum('far', 'z'), means: sum('far', 'mean'), variances: sum('far', 'variance') }),
};

const count = (node: string): Totals => totals('out').get(node) ?? { rows: 0, columns: {}, findings: {} };
const sum = (node: string, column: string): number => count(node).columns[column]?.sum ?? 0;

function graphOf(engine: string, workload: WorkloadName, source: Readonly<Record<string, unknown>>): GraphSpec {
  if (engine === 'millrace') return loadGraph(workload.toLowerCase(), source);
  const variant = variants[workload]?.find(({ name }) => name === engine);
  if (variant === undefined) throw new Error(`${engine} does not run ${workload}`);
  return loadGraph(variant.graph, source, registry, variant.vary);
}

/** W1 to W3 and their variants: an ordinary graph from its YAML, run to its end by a runtime of its own; `threads` are shards, each of which reads its part of the source. */
export function runToEnd(engine: string, workload: keyof typeof checks, { samples, series, threads }: Job): Promise<Told> {
  return inScratchFolder(async (folder) => {
    const times = newResultTimes();
    const { runtime, begin } = await startRun(graphOf(engine, workload, { count: samples, series }), { threads, folder });
    const began = performance.now();
    begin();
    await runtime.finished;
    return {
      seconds: (times.end! - began) / 1000,
      ...(times.first === undefined ? {} : { first_result_at: sinceEpoch(times.first) }),
      check: checks[workload](),
    };
  });
}
