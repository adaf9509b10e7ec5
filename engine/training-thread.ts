import { Piscina } from 'piscina';
import type { TrainingTask } from './training-worker.js';

/** Runs training tasks, one after the other; rejects with what a task throws. */
export interface Trainer {
  run(task: TrainingTask): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A thread of its own at the lowest priority, which begins with the first task. */
export class TrainingThread implements Trainer {
  #pool: Piscina | undefined;

  run(task: TrainingTask): Promise<Uint8Array> {
    this.#pool ??= new Piscina({ filename: new URL('training-worker.js', import.meta.url).href, minThreads: 0, maxThreads: 1, niceIncrement: 15, execArgv: [] });
    return this.#pool.run(task) as Promise<Uint8Array>;
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}
