import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { totals, type Totals } from '../../connectors/count/sink.js';
import { systemClock } from '../../engine/clock.js';
import { seeded } from '../../engine/random.js';
import { Runtime } from '../../engine/runtime.js';
import type { Check } from '../engine.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { loadGraph, modules, registry } from './graph.js';
import { closeGate } from './start-gate.js';
import { newResultTimes } from './timed-count.js';

/** The check of a workload from the totals of the node that its sink counts. */
const checks: Readonly<Record<'W1' | 'W2' | 'W3', () => Check>> = {
  W1: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean'), deviations: sum('win', 'stddev') }),
  W2: () => ({ results: count('win').rows, counts: sum('win', 'count'), means: sum('win', 'mean') }),
  // Rows without z are those that tell the last mean and variance.
  W3: () => ({ results: count('far').rows - (count('far').columns['z']?.missing ?? 0), z: sum('far', 'z'), means: sum('far', 'mean'), variances: sum('far', 'variance') }),
};

const count = (node: string): Totals => totals('out').get(node) ?? { rows: 0, columns: {}, findings: {} };
const sum = (node: string, column: string): number => count(node).columns[column]?.sum ?? 0;

/** W1 to W3: an ordinary graph from its YAML, run to its end by a runtime of its own; `threads` are shards, each of which reads its part of the source. */
export async function runToEnd(workload: 'W1' | 'W2' | 'W3', { samples, series, threads }: Job): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const gate = closeGate();
    const times = newResultTimes();
    const runtime = await Runtime.start({
      graph: loadGraph(workload.toLowerCase(), { count: samples, series }),
      registry,
      modules,
      shards: threads,
      replay: true,
      clock: systemClock,
      random: seeded(1),
      log: pino({ level: 'warn' }, pino.destination(2)),
      base: folder,
      folder,
    });
    const began = performance.now();
    gate.open();
    await runtime.finished;
    return {
      seconds: (times.end! - began) / 1000,
      ...(times.first === undefined ? {} : { first_result_at: sinceEpoch(times.first) }),
      check: checks[workload](),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
