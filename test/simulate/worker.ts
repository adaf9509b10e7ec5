import { parentPort, workerData } from 'node:worker_threads';
import { mutated } from './mutate.js';

/** What became of a seed. */
export interface Report {
  readonly seed: number;
  readonly steps: number;
  /** For a person; undefined: all was as it must be. */
  readonly failure: string | undefined;
}

/** The fault that is planted, if any. */
const { mutant } = workerData as { readonly mutant: string | undefined };
const { describeFailure, simulate } = await (mutant === undefined ? import('./simulate.js') : mutated(mutant));

const port = parentPort!;
port.on('message', (seed: number) => {
  simulate(seed).then(
    ({ failure, steps }) => port.postMessage({ seed, steps, failure: failure === undefined ? undefined : describeFailure(failure, mutant) } satisfies Report),
    (error: Error) => port.postMessage({ seed, steps: 0, failure: `seed ${seed}: the simulator itself fails: ${error.stack}` } satisfies Report),
  );
});
