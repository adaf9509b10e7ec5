import { ShardThreads } from '../../engine/shard-threads.js';

const kept = new Map<number, ShardThreads>();

/** Threads for the shards of all jobs of this process, as one runtime has over its restarts: the later jobs find compiled code. */
export function threadsFor(shards: number): ShardThreads {
  const threads = kept.get(shards) ?? new ShardThreads(shards);
  kept.set(shards, threads);
  return threads;
}

/** When all jobs are done. */
export async function closeThreads(): Promise<void> {
  for (const threads of kept.values()) await threads.close();
}
