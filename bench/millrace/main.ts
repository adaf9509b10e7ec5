import type { WorkloadName } from '../engine.js';
import type { Form } from '../nats/messages.js';
import type { PostedForm } from '../posts/bodies.js';
import { runJobs, type Job, type Told } from '../peers/job.js';
import { closeThreads } from './threads.js';

const engine = process.argv[2]!;

/** Loaded when it is run: the start of one workload is not that of all. */
const workloads: Readonly<Partial<Record<WorkloadName, (job: Job) => Promise<Told>>>> = {
  W1: async (job) => (await import('./run.js')).runToEnd(engine, 'W1', job),
  W2: async (job) => (await import('./run.js')).runToEnd(engine, 'W2', job),
  W3: async (job) => (await import('./run.js')).runToEnd(engine, 'W3', job),
  windows: async (job) => (await import('./run.js')).runToEnd(engine, 'windows', job),
  W4: async (job) => (await import('./w4.js')).latency(job),
  W5: async (job) => (await import('./w5.js')).mission(job),
  W6: async (job) => (await import('./w6.js')).checkpointed(job, engine === 'millrace'),
  W7: async (job) => (await import('./w7.js')).subscribed('W7', job),
  posts: async (job) => (await import('./posts.js')).posted(engine.slice('millrace-posts-'.length) as PostedForm, job),
  decoders: async (job) => (await import('./decoders.js')).decode(engine.slice('millrace-decode-'.length) as PostedForm, job),
  nats: async (job) => (await import('./nats.js')).streamed(engine.slice('millrace-'.length) as Form, job),
  questdb: async (job) => (await import('./questdb.js')).stored(engine === 'millrace-client-encoder' ? 'client' : 'binary', job),
  W8: async (job) => (await import('./w7.js')).subscribed('W8', job),
};

/** `main.js ENGINE WORKLOAD --samples N --series S --threads T --jobs J` */
await runJobs(
  engine,
  (job) => {
    const run = workloads[job.workload];
    if (run === undefined) throw new Error(`there is no workload ${job.workload}; there are: ${Object.keys(workloads).join(', ')}`);
    return run(job);
  },
  ['millrace'],
);
await closeThreads();
