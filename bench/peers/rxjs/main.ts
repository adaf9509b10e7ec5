import type { OperatorFunction } from 'rxjs';
import type { Sample } from '../../samples.js';
import { runJobs } from '../job.js';
import { Totals, type KeyedResult, type WindowResult } from '../totals.js';
import * as expert from './expert.js';
import * as operator from './operator.js';
import { Sliding } from './sliding.js';
import { samples } from './source.js';
import { Tumbling } from './tumbling.js';
import * as usual from './usual.js';

/** One way to write the workloads: operators from samples to results. */
interface Form {
  readonly W1: (series: number) => OperatorFunction<Sample, WindowResult>;
  readonly W2: (series: number) => OperatorFunction<Sample, WindowResult>;
  readonly W3: (series: number) => OperatorFunction<Sample, KeyedResult>;
}

const forms: Readonly<Record<string, Form>> = {
  rxjs: { W1: (series) => usual.windows(10_000, 10_000, series), W2: (series) => usual.windows(60_000, 1_000, series), W3: () => usual.keyed },
  'rxjs-expert': { W1: (series) => expert.windows(new Tumbling(series)), W2: (series) => expert.windows(new Sliding(series)), W3: expert.keyed },
  'rxjs-operator': { W1: (series) => operator.windows(new Tumbling(series)), W2: (series) => operator.windows(new Sliding(series)), W3: operator.keyed },
};

/** `main.js FORM WORKLOAD ...` */
const engine = process.argv[2]!;
const form = forms[engine];
if (form === undefined) throw new Error(`there is no form ${engine}; there are: ${Object.keys(forms).join(', ')}`);

/** Everything is synchronous: subscribing returns when the source has ended. */
const fail = (error: unknown): never => {
  throw error;
};

await runJobs(
  engine,
  ({ workload, samples: count, series }) => {
    if (workload !== 'W1' && workload !== 'W2' && workload !== 'W3') throw new Error(`there is no workload ${workload}; there are: W1, W2, W3`);
    const source = samples(count, series);
    if (workload === 'W3') {
      const results = source.pipe(form.W3(series));
      const totals = new Totals();
      results.subscribe({ next: (result) => totals.takeKeyed(result), error: fail });
      return totals.told(workload);
    }
    const results = source.pipe(form[workload](series));
    const totals = new Totals();
    results.subscribe({ next: (window) => totals.takeWindow(window), error: fail });
    return totals.told(workload);
  },
  ['rxjs'],
);
