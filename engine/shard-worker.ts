import type { MessagePort } from 'node:worker_threads';
import { systemClock } from './clock.js';
import type { AnySource } from './connector.js';
import type { AnyOperator } from './operator.js';
import { Shard, type Report, type ShardStart } from './shard.js';

/** A shard's task in the pool: runs until it is told to stop or everything has ended. */
export interface ShardTask {
  readonly start: ShardStart;
  /** Addresses of the modules that export `operators`, and `sources` for those read on shards. */
  readonly operators: string;
  readonly sources: string | undefined;
  readonly port: MessagePort;
}

export default async function shardWorker({ start, operators, sources, port }: ShardTask): Promise<void> {
  const { operators: definitions } = (await import(operators)) as { operators: readonly AnyOperator[] };
  const local = sources === undefined ? [] : ((await import(sources)) as { sources: readonly AnySource[] }).sources;
  // Saved columns are fresh copies, so they are moved, not copied again.
  const report = (message: Report): void => port.postMessage(message, message.type === 'saved' ? transfers(message) : []);
  try {
    const shard = new Shard(start, definitions, local, report);
    report({ type: 'ready' });
    shard.run(() => systemClock.elapsed());
    report({ type: 'done', shard: start.shard });
  } finally {
    port.close();
  }
}

function transfers(report: Extract<Report, { type: 'saved' }>): ArrayBuffer[] {
  return report.saved.stages.flatMap((stage) => stage.columns.bytes.map((bytes) => bytes.buffer as ArrayBuffer));
}
