import { parentPort } from 'node:worker_threads';
import { describeFailure, simulate } from './simulate.js';

/** What became of a seed. */
export interface Report {
  readonly seed: number;
  readonly steps: number;
  /** For a person; undefined: all was as it must be. */
  readonly failure: string | undefined;
}

const port = parentPort!;
port.on('message', (seed: number) => {
  simulate(seed).then(
    ({ failure, steps }) => port.postMessage({ seed, steps, failure: failure === undefined ? undefined : describeFailure(failure) } satisfies Report),
    (error: Error) => port.postMessage({ seed, steps: 0, failure: `seed ${seed}: the simulator itself fails: ${error.stack}` } satisfies Report),
  );
});
