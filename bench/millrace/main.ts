import type { WorkloadName } from '../engine.js';
import { runJobs, type Job, type Told } from '../peers/job.js';
import { closeThreads } from './threads.js';

/** Loaded when it is run: the start of one workload is not that of all. */
const workloads: Readonly<Partial<Record<WorkloadName, (job: Job) => Promise<Told>>>> = {
  W1: async (job) => (await import('./run.js')).runToEnd('W1', job),
  W2: async (job) => (await import('./run.js')).runToEnd('W2', job),
  W3: async (job) => (await import('./run.js')).runToEnd('W3', job),
  W4: async (job) => (await import('./w4.js')).latency(job),
  W5: async (job) => (await import('./w5.js')).mission(job),
  W6: async (job) => (await import('./w6.js')).checkpointed(job, process.argv[2] === 'millrace'),
  W7: async (job) => (await import('./w7.js')).subscribed(job),
};

/** `main.js ENGINE WORKLOAD --samples N --series S --threads T --jobs J` */
await runJobs(
  process.argv[2]!,
  (job) => {
    const run = workloads[job.workload];
    if (run === undefined) throw new Error(`there is no workload ${job.workload}; there are: ${Object.keys(workloads).join(', ')}`);
    return run(job);
  },
  ['millrace'],
);
await closeThreads();
