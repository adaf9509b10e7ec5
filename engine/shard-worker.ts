import type { MessagePort } from 'node:worker_threads';
import { systemClock } from './clock.js';
import type { AnySource } from './connector.js';
import { NodeError } from './node-error.js';
import type { AnyOperator } from './operator.js';
import { Shard, type Report, type ShardStart } from './shard.js';

/** A shard's task in the pool: runs until it is told to stop. */
export interface ShardTask {
  readonly start: ShardStart;
  /** Addresses of the modules that export `operators`, and `sources` for those read on shards. */
  readonly operators: string;
  readonly sources: string | undefined;
  readonly port: MessagePort;
}

/** An operator threw. An answer, as an error between threads keeps its message alone. */
export interface ShardFailure {
  readonly node: string;
  readonly message: string;
  readonly stack: string;
}

export default async function shardWorker({ start, operators, sources, port }: ShardTask): Promise<ShardFailure | undefined> {
  const { operators: definitions } = (await import(operators)) as { operators: readonly AnyOperator[] };
  const local = sources === undefined ? [] : ((await import(sources)) as { sources: readonly AnySource[] }).sources;
  const report = (message: Report): void => port.postMessage(message);
  try {
    const shard = new Shard(start, definitions, local, report);
    report({ type: 'ready' });
    shard.run(() => systemClock.elapsed());
    return undefined;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const cause = error.cause instanceof Error ? error.cause : error;
    return { node: error.node, message: error.message, stack: cause.stack ?? '' };
  } finally {
    port.close();
  }
}
