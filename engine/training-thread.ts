import { Piscina } from 'piscina';
import type { TrainingTask } from './training-worker.js';

/** Runs training tasks, one after the other; rejects with what a task throws. */
export interface Trainer {
  run(task: TrainingTask): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** To start one and load the operators takes longer than most tasks do, and they come in numbers. */
const IDLE_MS = 60_000;

/** A thread of its own at the lowest priority, which begins with the first task and ends when there has been none for a while. */
export class TrainingThread implements Trainer {
  #pool: Piscina | undefined;

  run(task: TrainingTask): Promise<Uint8Array> {
    this.#pool ??= new Piscina({ filename: new URL('training-worker.js', import.meta.url).href, minThreads: 0, maxThreads: 1, idleTimeout: IDLE_MS, niceIncrement: 15, execArgv: [] });
    return this.#pool.run(task) as Promise<Uint8Array>;
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}
