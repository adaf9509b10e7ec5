import { runJobs } from '../job.js';
import { sliding } from './sliding.js';
import { tumbling } from './tumbling.js';

await runJobs(
  'd2ts',
  (job) => {
    if (job.workload === 'W1') return tumbling(job);
    if (job.workload === 'W2') return sliding(job);
    throw new Error(`there is no workload ${job.workload}; there are: W1, W2`);
  },
  ['@electric-sql/d2ts'],
);
