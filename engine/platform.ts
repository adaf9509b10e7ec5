import { ControlFile, type ControlRecords } from './control-file.js';
import { systemFiles, type Files } from './files.js';
import { ShardThreads, type Threads } from './shard-threads.js';
import { systemTimers, type Timers } from './timers.js';
import { TrainingThread, type Trainer } from './training-thread.js';

/**
 * What the engine takes from the process that it runs in, beside clock and randomness: waiting, the disk, and
 * threads. `test/simulate` brings another, in which one seed decides when each of them does what.
 */
export interface Platform {
  readonly timers: Timers;
  readonly files: Files;
  /** The small records beside the checkpoints. */
  openControl(folder: string, warn: (message: string) => void): Promise<ControlRecords>;
  /** Threads for so many shards. */
  shards(count: number): Threads;
  trainer(): Trainer;
}

export const systemPlatform: Platform = {
  timers: systemTimers,
  files: systemFiles,
  openControl: (folder, warn) => ControlFile.open(folder, warn),
  shards: (count) => new ShardThreads(count),
  trainer: () => new TrainingThread(),
};
