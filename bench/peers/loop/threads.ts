import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Job } from '../job.js';
import type { Part, PartResult } from './part.js';

/** Threads that each do their own part of a job. */
export class Threads {
  readonly #workers: readonly Worker[];
  /** 1 while a job runs: the threads sleep on it, as a message takes longer to arrive. */
  readonly #gate: Int32Array;

  private constructor(workers: readonly Worker[], gate: Int32Array) {
    this.#workers = workers;
    this.#gate = gate;
  }

  static async start(count: number): Promise<Threads> {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const workers = Array.from({ length: count }, () => new Worker(new URL('thread.js', import.meta.url), { workerData: gate }));
    await Promise.all(workers.map((worker) => once(worker, 'online')));
    return new Threads(workers, gate);
  }

  /** Resolves when each thread has made its state and waits. */
  async prepare(job: Job): Promise<void> {
    Atomics.store(this.#gate, 0, 0);
    await Promise.all(
      this.#workers.map((worker, part) => {
        const ready = once(worker, 'message');
        worker.postMessage({ ...job, part, parts: this.#workers.length } satisfies Part);
        return ready;
      }),
    );
  }

  async run(): Promise<PartResult[]> {
    const results = this.#workers.map(async (worker) => ((await once(worker, 'message')) as [PartResult])[0]);
    Atomics.store(this.#gate, 0, 1);
    Atomics.notify(this.#gate, 0);
    return Promise.all(results);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
