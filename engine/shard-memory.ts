import { channelBytes, type ChannelShape } from './channel.js';
import { SIGNAL_BYTES } from './signal.js';
import { Stats } from './stats.js';
import type { Plan, Wire } from './plan.js';

/** All memory that threads share: made by the main thread, handed to each shard with its task. */
export interface SharedMemory {
  /** By shard; the main thread's is last. */
  readonly signals: readonly SharedArrayBuffer[];
  /** From the main thread, by shard. */
  readonly controls: readonly SharedArrayBuffer[];
  /** By `channelKey`. Channels inside one thread are not here: they need not be shared. */
  readonly channels: Readonly<Record<string, SharedArrayBuffer>>;
  readonly stats: SharedArrayBuffer;
}

export const CONTROL_SHAPE: ChannelShape = { columns: 0, frames: 16 };

/** The name of a wire's channel between two threads: a shard's number, or `main`. */
export function channelKey(wire: Wire, from: number | 'main', to: number | 'main'): string {
  return `${wire.id}:${from}:${to}`;
}

export function shareMemory(plan: Plan): SharedMemory {
  const shards = Array.from({ length: plan.shards }, (_, shard) => shard);
  const channels: Record<string, SharedArrayBuffer> = {};
  for (const wire of plan.wires) {
    const from = wire.from === undefined ? (['main'] as const) : shards;
    const to = wire.to.kind === 'sink' ? (['main'] as const) : shards;
    for (const a of from) for (const b of to) if (a !== b) channels[channelKey(wire, a, b)] = new SharedArrayBuffer(channelBytes({ columns: wire.columns }));
  }
  return {
    signals: Array.from({ length: plan.shards + 1 }, () => new SharedArrayBuffer(SIGNAL_BYTES)),
    controls: shards.map(() => new SharedArrayBuffer(channelBytes(CONTROL_SHAPE))),
    channels,
    stats: new SharedArrayBuffer(Stats.bytes(plan.operators.length, plan.shards)),
  };
}
