import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Check } from '../engine.js';
import { sinceEpoch } from '../peers/job.js';
import { loadGraph } from './graph.js';
import { checks } from './run.js';
import { startRun } from './start-run.js';
import { newResultTimes } from './timed-count.js';

/** What the process is asked to do, as JSON in its first argument. */
export interface Asked {
  readonly samples: number;
  readonly series: number;
  readonly threads: number;
  /** Goes on from the checkpoint that is in it, if any. */
  readonly folder: string;
  readonly checkpointMs?: number;
}

export interface Checkpoint {
  readonly number: number;
  readonly ms: number;
  readonly bytes: number;
}

/** What it tells its parent: each checkpoint, and the end. */
export type Heard =
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | {
      readonly type: 'end';
      readonly seconds: number;
      readonly first_result_at: number;
      readonly check: Check;
      /** 99th percentile of the delay of the main thread's event loop, ms. */
      readonly loop_p99_ms: number;
    };

const LOOK_MS = 20;

const { samples, series, ...options } = JSON.parse(process.argv[2]!) as Asked;
const tell = (heard: Heard): void => void process.send!(heard);
const times = newResultTimes();
const delay = monitorEventLoopDelay({ resolution: 1 });
const { runtime, begin } = await startRun(loadGraph('w6', { count: samples, series }), options);
let last = runtime.status().checkpoint?.number ?? 0;
const look = setInterval(() => {
  const { checkpoint } = runtime.status();
  if (checkpoint === undefined || checkpoint.number === last) return;
  last = checkpoint.number;
  tell({ type: 'checkpoint', checkpoint });
}, LOOK_MS);
delay.enable();
const began = performance.now();
begin();
await runtime.finished;
delay.disable();
clearInterval(look);
tell({ type: 'end', seconds: (times.end! - began) / 1000, first_result_at: sinceEpoch(times.first!), check: checks.W1(), loop_p99_ms: delay.percentile(99) / 1e6 });
process.disconnect();
