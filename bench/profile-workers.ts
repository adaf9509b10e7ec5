import workerThreads, { type WorkerOptions } from 'node:worker_threads';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before a program whose CPU profile is wanted (`--import`): Node profiles a worker only where it inherits the
 * flags of the process, and one that is started with an `execArgv` of its own does not.
 */
class ProfiledWorker extends workerThreads.Worker {
  constructor(file: string | URL, { execArgv: _, ...options }: WorkerOptions = {}) {
    super(file, options);
  }
}
workerThreads.Worker = ProfiledWorker;
syncBuiltinESMExports();
