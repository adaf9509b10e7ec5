import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Check } from '../engine.js';
import type { Job, Told } from '../peers/job.js';
import { inScratchFolder } from './scratch-folder.js';
import type { Asked, Checkpoint, Heard } from './w6-process.js';

const INTERVAL_MS = 1_000;
/** So long after its first checkpoint a process is killed: between two. */
const KILL_AFTER_MS = 400;

type End = Extract<Heard, { type: 'end' }>;

/**
 * W6: W1 over a million series, with a checkpoint a second or without. Each run is in a process of its own, so
 * that memory is that of one. With checkpoints another one is killed and started again, and must come to
 * the same results; recovery is the time from the start of the process to its first new result.
 */
export function checkpointed(job: Job, checkpoints: boolean): Promise<Told> {
  return inScratchFolder(async (folder) => {
    const { samples, series, threads } = job;
    const asked: Asked = { samples, series, threads, folder, ...(checkpoints ? { checkpointMs: INTERVAL_MS } : {}) };
    const taken: Checkpoint[] = [];
    const { seconds, first_result_at, check, loop_p99_ms } = await runToEnd(asked, (checkpoint) => taken.push(checkpoint));
    const told: Told = { seconds, first_result_at, check, further: { loop_p99_ms } };
    // A job that is over before the second one would be over before it is killed.
    if (!checkpoints || taken.length < 2) return told;
    const recovery_s = await inScratchFolder((other) => recovery({ ...asked, folder: other }, check));
    return { ...told, further: { loop_p99_ms, checkpoints: taken.length, checkpoint_ms: median(taken.map(({ ms }) => ms)), checkpoint_mb: median(taken.map(({ bytes }) => bytes / 1e6)), recovery_s } };
  });
}

const run = (asked: Asked) => fork(new URL('w6-process.js', import.meta.url), [JSON.stringify(asked)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

async function runToEnd(asked: Asked, took: (checkpoint: Checkpoint) => void = () => {}): Promise<End> {
  const child = run(asked);
  let end: End | undefined;
  child.on('message', (heard: Heard) => {
    if (heard.type === 'end') end = heard;
    else took(heard.checkpoint);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (end === undefined) throw new Error(`a run of W6 ended with exit code ${code} and told no results`);
  return end;
}

/** Seconds from the start of a process, on the checkpoint of one that was killed, to its first new result. */
async function recovery(asked: Asked, expected: Check): Promise<number> {
  const child = run(asked);
  let kill: NodeJS.Timeout | undefined;
  child.on('message', (heard: Heard) => {
    if (heard.type === 'checkpoint') kill ??= setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error('the run of W6 that was to be killed ended by itself: it needs more samples');
  const startedAt = performance.timeOrigin + performance.now();
  const { first_result_at, check } = await runToEnd(asked);
  for (const [name, sum] of Object.entries(expected)) {
    const found = check[name as keyof Check];
    if (found === undefined || Math.abs(found - sum) > 1e-9 * Math.abs(sum)) throw new Error(`after recovery ${name} are ${found}, without a crash ${sum}`);
  }
  return (first_result_at - startedAt) / 1000;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
