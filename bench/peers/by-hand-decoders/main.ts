import type { PostedForm } from '../../posts/bodies.js';
import { timedReading } from '../../posts/reading.js';
import { runJobs } from '../job.js';
import { decoders } from '../nats-client/decoders.js';

const form = process.argv[2] as keyof typeof decoders & PostedForm;

await runJobs(`by-hand-${form}`, (job) => timedReading(form, job, decoders[form]));
