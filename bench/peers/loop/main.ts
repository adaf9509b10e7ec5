import { runJobs, type Job, type Told } from '../job.js';
import { latency } from './latency.js';
import { newLoop, run, type PartResult } from './part.js';
import { Threads } from './threads.js';

/** Kept for all jobs, so that the later ones find compiled code there, as they do on one thread. */
let threads: Threads | undefined;

await runJobs('loop', async (job) => {
  if (job.workload === 'W4') return latency(job);
  return job.threads === 1 ? onThisThread(job) : onThreads(job);
});
await threads?.stop();

function onThisThread(job: Job): Told {
  const part = { ...job, part: 0, parts: 1 };
  const loop = newLoop(part);
  const began = performance.now();
  return told(began, [run(loop, part)]);
}

async function onThreads(job: Job): Promise<Told> {
  threads ??= await Threads.start(job.threads);
  await threads.prepare(job);
  const began = performance.now();
  return told(began, await threads.run());
}

/** Sums of the parts. */
function told(began: number, parts: readonly PartResult[]): Told {
  const seconds = (performance.now() - began) / 1000;
  const first = Math.min(...parts.map((part) => part.first ?? Infinity));
  const check: Record<string, number> = {};
  for (const part of parts) for (const [name, sum] of Object.entries(part.check as Record<string, number>)) check[name] = (check[name] ?? 0) + sum;
  return { seconds, ...(first === Infinity ? {} : { first_result_at: first }), check };
}
