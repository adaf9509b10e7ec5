import { parseArgs } from 'node:util';
import type { Outcome, WorkloadName } from '../engine.js';
import type { Job } from './run.js';

/** `main.js WORKLOAD --samples N --series S --threads T --jobs J`: a line of JSON on stdout after each job. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '20000000' },
    series: { type: 'string', default: '10000' },
    threads: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
  },
});

/** Loaded when it is run: start-up of one workload is not that of all. */
const workloads: Readonly<Partial<Record<WorkloadName, (job: Job) => Promise<Outcome>>>> = {
  W1: async (job) => (await import('./run.js')).runToEnd('W1', job),
  W2: async (job) => (await import('./run.js')).runToEnd('W2', job),
  W3: async (job) => (await import('./run.js')).runToEnd('W3', job),
};

const run = workloads[positionals[0] as WorkloadName];
if (run === undefined) throw new Error(`there is no workload ${positionals[0]}; there are: ${Object.keys(workloads).join(', ')}`);
for (let job = 0; job < Number(values.jobs); job++) {
  const outcome = await run({ samples: Number(values.samples), series: Number(values.series), threads: Number(values.threads) });
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
