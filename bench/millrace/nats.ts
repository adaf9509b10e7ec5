import { fillStream } from '../nats/filled-stream.js';
import type { Form } from '../nats/messages.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { allJudged } from './all-judged.js';
import { loadGraph } from './graph.js';
import { checks } from './run.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import { newResultTimes } from './timed-count.js';

const CHECKPOINT_MS = 1_000;

/**
 * A stream that was filled before, read to its end by a live graph with a checkpoint a second: from the start of the graph,
 * which reads at once, to the last result. `further` has the speed by the processor time of this process (client, decoding,
 * shard, sink and checkpoints; the server is a process of its own).
 */
export function streamed(form: Form, { samples, series, threads }: Job): Promise<Told> {
  return inScratchFolder((folder) =>
    inScratchFolder(async (store) => {
      const stream = await fillStream(store, form, samples, series);
      try {
        const times = newResultTimes();
        const before = process.cpuUsage();
        const began = performance.now();
        const { runtime, begin } = await startRun(loadGraph('nats', { servers: stream.url }), { threads, folder, live: true, checkpointMs: CHECKPOINT_MS });
        begin();
        const failed = runtime.finished.then(() => {
          throw new Error('the graph ended before it had read the stream');
        });
        await Promise.race([allJudged(samples), failed]);
        const seconds = (performance.now() - began) / 1000;
        const { user, system } = process.cpuUsage(before);
        failed.catch(() => undefined);
        const check = checks.W1();
        await runtime.drain();
        return {
          seconds,
          ...(times.first === undefined ? {} : { first_result_at: sinceEpoch(times.first) }),
          check,
          further: { samples_per_core_second: samples / ((user + system) / 1e6), messages_per_second: stream.messages / seconds, message_bytes: stream.bytes / stream.messages },
        };
      } finally {
        await stream.close();
      }
    }),
  );
}
