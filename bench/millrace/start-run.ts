import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../engine/clock.js';
import type { GraphSpec, Registry } from '../../engine/graph.js';
import { seeded } from '../../engine/random.js';
import type { Routes } from '../../engine/routes.js';
import { Runtime } from '../../engine/runtime.js';
import { modules, registry as shipped } from './graph.js';
import { closeGate } from './start-gate.js';
import { threadsFor } from './threads.js';

export interface RunOptions {
  readonly threads: number;
  /** For what is kept, and for checkpoints. */
  readonly folder: string;
  readonly registry?: Registry;
  /** By the clock, not as fast as it goes. */
  readonly live?: boolean;
  readonly checkpointMs?: number;
  readonly routes?: Routes;
}

/** A graph that is up, on shards that wait at the gate until `begin`: only then their own sources are read. */
export async function startRun(graph: GraphSpec, { threads, folder, registry = shipped, live = false, checkpointMs, routes }: RunOptions): Promise<{ runtime: Runtime; begin: () => void }> {
  const gate = closeGate();
  const runtime = await Runtime.start({
    graph,
    registry,
    modules,
    shards: threads,
    threads: threadsFor(threads),
    replay: !live,
    clock: systemClock,
    random: seeded(1),
    log: pino({ level: 'warn' }, pino.destination(2)),
    base: folder,
    folder,
    ...(routes === undefined ? {} : { routes }),
    ...(checkpointMs === undefined ? {} : { checkpoint: { intervalMs: checkpointMs, folder: join(folder, 'checkpoints') } }),
  });
  return { runtime, begin: () => gate.open() };
}
