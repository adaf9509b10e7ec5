import { resolve } from 'node:path';
import { loadConfig } from '../config/load.js';
import { modules, registry } from '../config/registry.js';
import { systemClock } from '../engine/clock.js';
import { seeded } from '../engine/random.js';
import { Runtime } from '../engine/runtime.js';
import { openLog } from './log.js';

export async function replay(file: string, options: { shards?: number }): Promise<number> {
  const config = await loadConfig(file, process.env, { replay: true });
  const began = systemClock.elapsed();
  const runtime = await Runtime.start({
    graph: config.graph,
    registry,
    modules,
    shards: options.shards ?? config.server.shards,
    replay: true,
    clock: systemClock,
    random: seeded(config.seed),
    log: openLog('warn'),
    base: config.base,
    folder: resolve(config.folder),
  });
  await runtime.finished;
  const seconds = (systemClock.elapsed() - began) / 1_000;
  const rows = runtime.status().nodes.filter((node) => node.kind === 'source').reduce((sum, node) => sum + node.rowsOut, 0);
  process.stderr.write(`${rows} rows in ${seconds.toFixed(2)} s, ${Math.round(rows / seconds)} rows/s\n`);
  return 0;
}
