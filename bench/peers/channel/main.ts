import { runJobs, type Job, type Told } from '../job.js';
import { channel } from './channel.js';
import { posted } from './post-message.js';

const forms: Readonly<Record<string, (job: Job) => Promise<Told>>> = { channel: ({ samples }) => channel(samples), 'post-message': ({ samples }) => posted(samples) };

const form = process.argv[2] ?? '';
const run = forms[form];
if (run === undefined) throw new Error(`there is no way ${form}; there are ${Object.keys(forms).join(', ')}`);
await runJobs(form, run);
