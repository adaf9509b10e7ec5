import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Deferred } from './deferred.js';
import type { Report } from './shard.js';
import type { ShardFailure, ShardTask } from './shard-worker.js';

/** The shards of one run of a graph, each a task in a thread. */
export interface RunningShards {
  /** Every shard has taken up its state and reads its channels. */
  readonly ready: Promise<void>;
  /** Resolves when all have returned, however. */
  returned(): Promise<void>;
}

/** Where shards run. */
export interface Threads {
  /** At most one task a thread, when those of an earlier run have returned. `hear`: what shards report; `fail`: one has crashed, or could not start. */
  start(tasks: readonly Omit<ShardTask, 'port'>[], hear: (report: Exclude<Report, { type: 'ready' }>) => void, fail: (error: Error) => void): RunningShards;
  close(): Promise<void>;
}

/**
 * The worker threads of the shards: one pool, in which each shard is one task for as long as its run lives. Threads
 * outlive runs: what was compiled before a restart is compiled after it.
 */
export class ShardThreads implements Threads {
  readonly #threads: number;
  #pool: Piscina | undefined;

  constructor(threads: number) {
    this.#threads = threads;
  }

  #open(): Piscina {
    const threads = this.#threads;
    // Atomics of the pool's own would wake its workers for nothing.
    return new Piscina({ filename: new URL('shard-worker.js', import.meta.url).href, minThreads: threads, maxThreads: threads, concurrentTasksPerWorker: 1, idleTimeout: Infinity, atomics: 'disabled', execArgv: [] });
  }

  start(tasks: readonly Omit<ShardTask, 'port'>[], hear: (report: Exclude<Report, { type: 'ready' }>) => void, fail: (error: Error) => void): RunningShards {
    const pool = (this.#pool ??= this.#open());
    const ready = new Deferred<void>();
    let up = 0;
    const runs = tasks.map((task) => {
      const { port1, port2 } = new MessageChannel();
      port1.on('message', (report: Report) => {
        if (report.type !== 'ready') return hear(report);
        up += 1;
        if (up === tasks.length) ready.resolve();
      });
      port1.unref();
      const run = pool.run({ ...task, port: port2 } satisfies ShardTask, { transferList: [port2] }) as Promise<ShardFailure | undefined>;
      return run.then((failure) => {
        if (failure === undefined) return;
        // It was up: to crash is not to fail to start.
        ready.resolve();
        fail(Object.assign(new Error(failure.message), failure));
      }, fail);
    });
    return { ready: ready.promise, returned: async () => void (await Promise.allSettled(runs)) };
  }

  async close(): Promise<void> {
    await this.#pool?.close({ force: true }).catch(() => {});
  }
}
