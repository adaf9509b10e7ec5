// npm run simulate -- [--seeds 1000] [--from 0] [--seed N] [--mutant NAME]: seeds from one on, or one alone, on all cores; with a fault planted into the engine.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { mutants } from './mutants.js';
import type { Report } from './worker.js';

/** So many failures are shown whole, of the others the first line. */
const SHOWN = 3;

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '0' }, seed: { type: 'string' }, mutant: { type: 'string' } } });
if (values.mutant !== undefined && !mutants.some(({ name }) => name === values.mutant)) throw new Error(`no mutant ${values.mutant}; there are:\n${mutants.map(({ name, says }) => `  ${name}: ${says}`).join('\n')}`);
const first = wholeNumber('seed', values.seed ?? values.from);
const count = values.seed === undefined ? wholeNumber('seeds', values.seeds) : 1;

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, not ${text}`);
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const began = performance.now();
let next = first;
let steps = 0;
let failed = 0;

function hear({ seed, steps: more, failure }: Report): void {
  steps += more;
  if (failure === undefined) return;
  failed += 1;
  say(failed <= SHOWN ? `${failure}\n` : failure.split('\n', 2).join(' '));
  if (failed === SHOWN) say(`Of further seeds only what differs first; each is seen whole by --seed, as ${seed} is.`);
}

/** Takes seed after seed until there are no more. */
function work(): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: { mutant: values.mutant } });
    const give = (): void => {
      if (next < first + count) worker.postMessage(next++);
      else void worker.terminate().then(() => resolve());
    };
    worker.on('message', (report: Report) => {
      hear(report);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

await Promise.all(Array.from({ length: Math.min(count, availableParallelism()) }, work));
const seconds = (performance.now() - began) / 1_000;
say(`${count} seeds, ${failed} failed; ${steps} steps in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} seeds a second`);
process.exitCode = failed === 0 ? 0 : 1;
