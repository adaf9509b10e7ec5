import { contest, type Entry, type ReadyEngine, type Rounds } from './contest.js';
import type { Grown } from './expectations.js';
import { workload, type Growth, type Workload } from './workloads.js';

/** Speed at each point; points are interleaved like engines. Those whose engine is not there are left out. */
export async function grow(growth: Growth, ready: readonly ReadyEngine[], options: Rounds & { readonly samples: number | undefined }): Promise<{ grown: Grown; failures: readonly string[] }> {
  const { oracle, ...free } = workload(growth.workload);
  const of: Workload = oracle === undefined || growth.otherResults ? free : { ...free, oracle };
  const points = new Map<Entry, number>();
  for (const { at, engine, threads = 1, series = of.series } of growth.points) {
    const found = ready.find((r) => r.engine.name === engine);
    if (found === undefined) options.say(`${growth.title}: there is no engine ${engine} for ${at.toLocaleString('en-US')} ${growth.axis}`);
    else points.set({ engine, command: found.command, threads, samples: options.samples ?? growth.samples, series }, at);
  }
  const { figures, failures } = await contest(of, [...points.keys()], options);
  return { grown: { name: growth.name, points: [...figures].map(([entry, figure]) => ({ at: points.get(entry)!, samples_per_second: figure.samples_per_second.median })) }, failures };
}
