import { parentPort, workerData } from 'node:worker_threads';
import { sinceEpoch } from '../job.js';
import { PacedRing, PER_MS, type Shared } from './paced-ring.js';

const shared = workerData as Shared;
const ring = new PacedRing(shared);
const never = new Int32Array(new SharedArrayBuffer(4));

function sleepUntil(due: number): void {
  const left = due - sinceEpoch(performance.now());
  if (left > 0) Atomics.wait(never, 0, 0, left);
}

parentPort!.postMessage('ready');
/** Each ms those that are due in it; where that is late, all that are due at once. */
for (let i = 0, ms = 0; i < shared.samples; ms++) {
  const due = shared.start + ms;
  sleepUntil(due);
  ring.produced[ms] = sinceEpoch(performance.now());
  for (const to = Math.min(i + PER_MS, shared.samples); i < to; i++) {
    const h = Math.imul(i, 2654435761) >>> 0;
    const at = i % ring.rows;
    ring.series[at] = i % shared.series;
    ring.time[at] = h % 20 === 0 ? due - 1000 * (1 + ((i >>> 3) % 5)) : due;
    ring.value[at] = (h % 1000) / 10;
  }
  ring.handOn(i);
}
