import { totals } from '../../connectors/count/sink.js';
import type { Check } from '../engine.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { loadGraph } from './graph.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import { newResultTimes } from './timed-count.js';

/** `results`: findings of all kinds. `counts`: rows of all nodes. `means`: what was expected of each sample; `z`: the scores. */
function check(): Check {
  const nodes = totals('out');
  let findings = 0;
  let rows = 0;
  for (const node of nodes.values()) {
    rows += node.rows;
    for (const count of Object.values(node.findings)) findings += count;
  }
  const odd = nodes.get('odd')!;
  return { results: findings, counts: rows, means: odd.columns['expected']!.sum, z: odd.columns['score']!.sum };
}

/** W5: what Millrace is for, as fast as it goes; `further` has the findings of each kind. */
export function mission({ samples, series, threads }: Job): Promise<Told> {
  return inScratchFolder(async (folder) => {
    const times = newResultTimes();
    const { runtime, begin } = await startRun(loadGraph('w5', { count: samples, series }), { threads, folder });
    const began = performance.now();
    begin();
    await runtime.finished;
    const found: Record<string, number> = {};
    for (const { findings } of totals('out').values()) for (const [kind, count] of Object.entries(findings)) found[`${kind}_findings`] = count;
    return { seconds: (times.end! - began) / 1000, first_result_at: sinceEpoch(times.first!), check: check(), further: found };
  });
}
