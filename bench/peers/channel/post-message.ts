import { Worker } from 'node:worker_threads';
import { sinceEpoch, type Told } from '../job.js';

export interface Row {
  readonly time: number;
  readonly slot: number;
  readonly value: number;
}

/** Rows from a worker to this thread by `postMessage`, as objects: what one would do without a channel. */
export async function posted(rows: number): Promise<Told> {
  const worker = new Worker(new URL('post-message-sender.js', import.meta.url), { workerData: { rows } });
  await new Promise((resolve) => worker.once('message', resolve));
  let received = 0;
  let sum = 0;
  let first: number | undefined;
  const began = performance.now();
  await new Promise<void>((resolve) => {
    worker.on('message', (batch: readonly Row[]) => {
      first ??= performance.now();
      for (const row of batch) sum += row.value;
      received += batch.length;
      if (received >= rows) resolve();
    });
    worker.postMessage('go');
  });
  const seconds = (performance.now() - began) / 1000;
  await worker.terminate();
  return { seconds, ...(first !== undefined && { first_result_at: sinceEpoch(first) }), check: { results: received, counts: sum } };
}
