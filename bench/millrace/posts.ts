import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { systemClock } from '../../engine/clock.js';
import type { Registry } from '../../engine/graph.js';
import { startServer } from '../../server/serve.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import type { PostedForm } from '../posts/bodies.js';
import type { Asked } from '../posts/sender.js';
import { allJudged } from './all-judged.js';
import { loadGraph, registry as shipped } from './graph.js';
import { checks } from './run.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import { newResultTimes } from './timed-count.js';

const CHECKPOINT_MS = 1_000;

/** As shipped, but never taken for idle: a publisher that stalls for seconds would find its samples, years old, too late for their windows. */
const registry: Registry = {
  ...shipped,
  sources: shipped.sources.map((definition) => (definition.name === 'http' ? { ...definition, create: (config, context) => Object.assign(definition.create(config, context), { hears: () => false }) } : definition)),
};

/**
 * Samples posted by a process of its own to the server of a live graph with a checkpoint a second: from the start of the publishers to
 * the last result. `further` has the speed by the processor time of this process (server, decoding, log, shard, sink and checkpoints).
 */
export function posted(form: PostedForm, { samples, series, threads }: Job): Promise<Told> {
  return inScratchFolder(async (folder) => {
    const log = pino({ level: 'error' }, pino.destination(2));
    const server = await startServer({ config: { host: '127.0.0.1', port: 0 }, version: '', clock: systemClock, log, assets: folder });
    const times = newResultTimes();
    const { runtime, begin } = await startRun(loadGraph('posts', {}, registry), { threads, folder, registry, live: true, routes: server.routes, checkpointMs: CHECKPOINT_MS });
    begin();
    const failed = runtime.finished.then(() => {
      throw new Error('the graph ended before all was posted');
    });
    failed.catch(() => undefined);
    const before = process.cpuUsage();
    const began = performance.now();
    const asked: Asked = { port: Number(new URL(server.address).port), form, samples, series };
    const sender = fork(new URL('../posts/sender.js', import.meta.url), [JSON.stringify(asked)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const gaveUp = once(sender, 'close').then(([code]) => {
      if (code !== 0) throw new Error(`the publishers ended with exit code ${code}`);
      return new Promise<never>(() => undefined);
    });
    await Promise.race([allJudged(samples), failed, gaveUp]);
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    const check = checks.W1();
    await runtime.drain();
    await server.close();
    return {
      seconds,
      ...(times.first === undefined ? {} : { first_result_at: sinceEpoch(times.first) }),
      check,
      further: { samples_per_core_second: samples / ((user + system) / 1e6) },
    };
  });
}
