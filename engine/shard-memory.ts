import { Channel, channelBytes, type ChannelShape } from './channel.js';
import { SIGNAL_BYTES, type Signal } from './signal.js';
import { Stats, statsNodes } from './stats.js';
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

function channelShape(plan: Plan, wire: Wire): ChannelShape {
  return { columns: wire.columns, frames: plan.frames, rows: plan.frameRows };
}

/** A shard's number, or the main thread. */
export type ThreadName = number | 'main';

/** The name of a wire's channel between two threads. */
export function channelKey(wire: Wire, from: ThreadName, to: ThreadName): string {
  return `${wire.id}:${from}:${to}`;
}

export function shareMemory(plan: Plan): SharedMemory {
  const shards = Array.from({ length: plan.shards }, (_, shard) => shard);
  const channels: Record<string, SharedArrayBuffer> = {};
  for (const wire of plan.wires) {
    const from = wire.from === undefined ? (['main'] as const) : shards;
    const to = wire.to.kind === 'sink' ? (['main'] as const) : shards;
    for (const a of from) for (const b of to) if (a !== b) channels[channelKey(wire, a, b)] = new SharedArrayBuffer(channelBytes(channelShape(plan, wire)));
  }
  return {
    signals: Array.from({ length: plan.shards + 1 }, () => new SharedArrayBuffer(SIGNAL_BYTES)),
    // Where nothing is computed there is nobody to tell anything.
    controls: (plan.actors.length === 0 ? [] : shards).map(() => new SharedArrayBuffer(channelBytes(CONTROL_SHAPE))),
    channels,
    stats: new SharedArrayBuffer(Stats.bytes(statsNodes(plan), plan.shards)),
  };
}

/** The ends of channels that one thread has; what lies inside it is in plain memory. */
export class ThreadChannels {
  readonly #plan: Plan;
  readonly #shared: SharedMemory['channels'];
  readonly #signals: readonly Signal[];
  readonly #own = new Map<string, ArrayBuffer>();

  constructor(plan: Plan, shared: SharedMemory['channels'], signals: readonly Signal[]) {
    this.#plan = plan;
    this.#shared = shared;
    this.#signals = signals;
  }

  open(wire: Wire, from: ThreadName, to: ThreadName): Channel {
    const key = channelKey(wire, from, to);
    const shape = channelShape(this.#plan, wire);
    let memory: SharedArrayBuffer | ArrayBuffer | undefined = this.#shared[key] ?? this.#own.get(key);
    if (memory === undefined) this.#own.set(key, (memory = new ArrayBuffer(channelBytes(shape))));
    return new Channel(memory, shape, this.#signal(from), this.#signal(to));
  }

  #signal(thread: ThreadName): Signal {
    return thread === 'main' ? this.#signals.at(-1)! : this.#signals[thread]!;
  }
}
