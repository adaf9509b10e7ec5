import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { systemClock } from '../../engine/clock.js';
import { startServer } from '../../server/serve.js';
import type { Job, Told } from '../peers/job.js';
import { beatSource, holdBeats } from './beat.js';
import { loadGraph, registry as shipped } from './graph.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';
import type { Asked, Heard } from './w7-subscribers.js';

/** Subscribers, and the graph that they listen to. */
const kinds = { W7: { subscribers: 10_000, graph: 'w7' }, W8: { subscribers: 1_000, graph: 'w8' } } as const;

const residentKb = (): number => process.memoryUsage.rss() / 1024;

/**
 * W7, and W8 with other samples on the way: subscribers of `/live` in a process of their own, each with a filter that lets one of the channels
 * (`series`) pass, and a message a second of each channel; `samples` are messages of all channels. Latency is
 * from the source to the subscriber, memory what the server grew by from no subscriber to the last message.
 */
export function subscribed(workload: keyof typeof kinds, { samples, series: channels, threads }: Job): Promise<Told> {
  const { subscribers: count, graph } = kinds[workload];
  return inScratchFolder(async (folder) => {
    const log = pino({ level: 'error' }, pino.destination(2));
    const server = await startServer({ config: { host: '127.0.0.1', port: 0 }, version: '', clock: systemClock, log, assets: folder });
    const beat = holdBeats();
    const registry = { ...shipped, sources: [...shipped.sources, beatSource] };
    const { runtime, begin } = await startRun(loadGraph(graph, {}, registry, ({ sources }) => void Object.assign(sources['beats']!, { channels, count: samples })), { threads, folder, live: true, registry, routes: server.routes });
    begin();
    const before = residentKb();
    const subscribers = start({ address: server.address.replace('http', 'ws'), subscribers: count, channels, messages: samples / channels });
    await heard(subscribers, 'subscribed');
    const began = performance.now();
    beat();
    const { latency_ms, first_result_at } = await heard(subscribers, 'end');
    const seconds = (performance.now() - began) / 1000;
    const after = residentKb();
    subscribers.disconnect();
    await Promise.all([runtime.drain(), once(subscribers, 'exit')]);
    await server.close();
    return { seconds, first_result_at, check: { results: latency_ms.count }, latency_ms, further: { subscribers: count, ...(workload === 'W7' && { kb_per_subscriber: (after - before) / count }) } };
  });
}

const start = (asked: Asked): ChildProcess => fork(new URL('w7-subscribers.js', import.meta.url), [JSON.stringify(asked)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

/** Rejects when the process ends before it told that. */
function heard<T extends Heard['type']>(child: ChildProcess, type: T): Promise<Extract<Heard, { type: T }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Heard): void => {
      if (message.type !== type) return;
      child.off('message', onMessage);
      child.off('close', onClose);
      resolve(message as Extract<Heard, { type: T }>);
    };
    const onClose = (code: number | null): void => reject(new Error(`the subscribers of W7 ended with exit code ${code}`));
    child.on('message', onMessage);
    child.on('close', onClose);
  });
}
