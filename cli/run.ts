import { join, resolve } from 'node:path';
import { loadConfig } from '../config/load.js';
import { modules, registry } from '../config/registry.js';
import { systemClock } from '../engine/clock.js';
import { DeadLetters } from '../engine/dead-letters.js';
import { systemRandom } from '../engine/random.js';
import { Runtime } from '../engine/runtime.js';
import { openLog } from './log.js';

export async function run(file: string): Promise<number> {
  const config = await loadConfig(file, process.env);
  const log = openLog('info');
  const folder = resolve(config.folder);
  const deadLetters = await DeadLetters.open(join(folder, 'dead-letters'), systemClock, (message) => log.warn(message));
  const runtime = await Runtime.start({
    graph: config.graph,
    registry,
    modules,
    shards: config.server.shards,
    replay: false,
    clock: systemClock,
    random: systemRandom,
    log,
    base: config.base,
    folder,
    checkpoint: { intervalMs: config.checkpoint.interval, folder: resolve(config.checkpoint.folder) },
    deadLetters,
  });
  const stop = (): void => void runtime.drain();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await runtime.finished;
  await deadLetters.close();
  return 0;
}
