import { totals, type Totals } from '../../connectors/count/sink.js';
import type { Check } from '../engine.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { loadGraph } from './graph.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import { newResultTimes } from './timed-count.js';

/** The check of a workload from the totals of the node that its sink counts. */
export const checks: Readonly<Record<'W1' | 'W2' | 'W3', () => Check>> = {
  W1: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean'), deviations: sum('win', 'stddev') }),
  W2: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean') }),
  // Rows without z are those that tell the last mean and variance.
  W3: () => ({ results: count('far').rows - (count('far').columns['z']?.missing ?? 0), z: sum('far', 'z'), means: sum('far', 'mean'), variances: sum('far', 'variance') }),
};

const count = (node: string): Totals => totals('out').get(node) ?? { rows: 0, columns: {}, findings: {} };
const sum = (node: string, column: string): number => count(node).columns[column]?.sum ?? 0;

/** W1 to W3: an ordinary graph from its YAML, run to its end by a runtime of its own; `threads` are shards, each of which reads its part of the source. */
export function runToEnd(workload: 'W1' | 'W2' | 'W3', { samples, series, threads }: Job): Promise<Told> {
  return inScratchFolder(async (folder) => {
    const times = newResultTimes();
    const { runtime, begin } = await startRun(loadGraph(workload.toLowerCase(), { count: samples, series }), { threads, folder });
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
