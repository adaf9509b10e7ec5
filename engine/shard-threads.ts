import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Deferred } from './deferred.js';
import type { Report } from './shard.js';
import type { ShardFailure, ShardTask } from './shard-worker.js';

/** The worker threads of the shards: one pool, in which each shard is one task for as long as it lives. */
export class ShardThreads {
  readonly #pool: Piscina;
  readonly #runs: readonly Promise<void>[];
  readonly #ready = new Deferred<void>();
  #up = 0;

  /** `hear`: what shards report; `fail`: one has crashed, or could not start. */
  constructor(tasks: readonly Omit<ShardTask, 'port'>[], hear: (report: Exclude<Report, { type: 'ready' }>) => void, fail: (error: Error) => void) {
    // Atomics of the pool's own would wake its workers for nothing.
    this.#pool = new Piscina({ filename: new URL('shard-worker.js', import.meta.url).href, minThreads: tasks.length, maxThreads: tasks.length, concurrentTasksPerWorker: 1, idleTimeout: Infinity, atomics: 'disabled', execArgv: [] });
    this.#runs = tasks.map((task) => {
      const { port1, port2 } = new MessageChannel();
      port1.on('message', (report: Report) => {
        if (report.type !== 'ready') return hear(report);
        this.#up += 1;
        if (this.#up === tasks.length) this.#ready.resolve();
      });
      port1.unref();
      const run = this.#pool.run({ ...task, port: port2 } satisfies ShardTask, { transferList: [port2] }) as Promise<ShardFailure | undefined>;
      return run.then((failure) => {
        if (failure === undefined) return;
        // It was up: to crash is not to fail to start.
        this.#ready.resolve();
        fail(Object.assign(new Error(failure.message), failure));
      }, fail);
    });
  }

  /** Every shard has taken up its state and reads its channels. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when all have returned, however. */
  async returned(): Promise<void> {
    await Promise.allSettled(this.#runs);
  }

  async close(): Promise<void> {
    await this.#pool.close({ force: true }).catch(() => {});
  }
}
