import type { Job, Told } from '../peers/job.js';
import { withStore } from '../questdb/store.js';
import { loadGraph, registry } from './graph.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';

/**
 * The samples into a QuestDB by the sink as shipped: from the first sample made to the last row that QuestDB shows. `further`:
 * rows a second up to QuestDB's last answer, and by the processor time of this process (source, shard, sink; the server is a
 * process of its own).
 */
export function stored(encoder: 'client' | 'binary', job: Job): Promise<Told> {
  const { samples, series, threads } = job;
  return inScratchFolder((folder) =>
    withStore(job, async (store) => {
      const { url, prefix } = store;
      const vary = { url, encoder, prefix };
      const graph = loadGraph('questdb', { count: samples, series }, registry, ({ sinks }) => void Object.assign(sinks['kept']!, vary));
      const { runtime, begin } = await startRun(graph, { threads, folder });
      const before = process.cpuUsage();
      const began = performance.now();
      begin();
      // The sink has waited for QuestDB's answer to the last row.
      await runtime.finished;
      const accepted = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(before);
      const check = await store.visible(`${prefix}samples`);
      const seconds = (performance.now() - began) / 1000;
      return { seconds, check, further: { accepted_rows_per_second: samples / accepted, rows_per_core_second: samples / ((user + system) / 1e6) } };
    }),
  );
}
