import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Check, Command, Engine } from './engine.js';
import { figure, type Figure } from './figures.js';
import { measure, type Run } from './measure.js';
import { disagreements, rememberedOracle } from './oracle.js';
import type { Workload } from './workloads.js';

/** Outside of the tree: what is built for engines is kept for the next run. */
export const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace-bench');

export interface ReadyEngine {
  readonly engine: Engine;
  readonly command: Command;
}

/** It can't be had here, and why. */
export interface AbsentEngine {
  readonly engine: string;
  readonly reason: string;
}

/** One after the other, as some build for minutes with all processors. */
export async function prepare(engines: readonly Engine[], say: (text: string) => void): Promise<{ ready: ReadyEngine[]; absent: AbsentEngine[] }> {
  const ready: ReadyEngine[] = [];
  const absent: AbsentEngine[] = [];
  for (const engine of engines) {
    if (engine.toolchain !== undefined) say(`Preparing ${engine.name} (${engine.toolchain}) ...`);
    try {
      const command = await engine.prepare(join(cache, engine.name));
      if ('missing' in command) absent.push({ engine: engine.name, reason: command.missing });
      else ready.push({ engine, command });
    } catch (error) {
      absent.push({ engine: engine.name, reason: (error as Error).message });
    }
  }
  return { ready, absent };
}

/** One row of a workload's table. */
export interface Entry {
  readonly engine: string;
  readonly command: Command;
  readonly threads: number;
  readonly samples: number;
  readonly series: number;
}

/** A quick run has so much fewer samples of an engine that is too slow for the workload's own number. */
const QUICK_PART = 4;

/** `samples` and `series`, where given, are every engine's; `quick`: as small as a run of all workloads has them. */
export function entries(workload: Workload, engines: readonly ReadyEngine[], given: { samples?: number | undefined; series?: number; quick?: boolean } = {}): Entry[] {
  const size = given.quick ? workload.quick : workload;
  return engines.flatMap(({ engine, command }) => {
    const run = engine.runs[workload.name];
    const own = run?.samples === undefined ? size.samples : run.samples / (given.quick ? QUICK_PART : 1);
    return (run?.threads ?? []).map((threads) => ({ engine: engine.name, command, threads, samples: given.samples ?? own, series: given.series ?? size.series }));
  });
}

export interface Contest {
  readonly figures: ReadonlyMap<Entry, Figure>;
  /** Crashes and disagreements: engine, figure, both values. */
  readonly failures: readonly string[];
}

/** V8 is done with compiling an engine's loops only after a second or so of them. */
const WARM_S = 2;
const MOST_JOBS = 8;

/** So many that the last one is warm, of an engine whose job takes so long. */
const jobsToBeWarm = (seconds: number): number => Math.min(MOST_JOBS, 1 + Math.ceil(WARM_S / seconds));

export interface Rounds {
  readonly runs: number;
  /** As many jobs in each process as make it warm; else as many as the workload has. */
  readonly warm: boolean;
  readonly say: (text: string) => void;
}

/** Runs the entries `runs` times, one of each a round, every round beginning with another one; and compares what they found. */
export async function contest(workload: Workload, entries: readonly Entry[], { runs, warm, say }: Rounds): Promise<Contest> {
  const found = new Map<Entry, Run[]>(entries.map((entry) => [entry, []]));
  const failures: string[] = [];
  const jobs = new Map<Entry, number>();
  for (const entry of entries) wantedCheck(workload, entry, found);
  for (let round = 0; round < runs; round++) {
    const order = entries.map((_, i) => entries[(i + round) % entries.length]!);
    for (const entry of order.filter((entry) => found.has(entry))) {
      const title = `${workload.name}, ${nameOf(entry)}`;
      try {
        const job = { ...entry, workload: workload.name, jobs: jobs.get(entry) ?? workload.jobs, limit_s: workload.limit_s };
        let run = await measure(job);
        if (!jobs.has(entry)) {
          jobs.set(entry, Math.max(workload.jobs, warm && workload.jobs > 1 ? jobsToBeWarm(run.outcomes.at(-1)!.seconds) : 0));
          // Then the first was to find that out.
          if (jobs.get(entry)! > workload.jobs) run = await measure({ ...job, jobs: jobs.get(entry)! });
        }
        const wanted = wantedCheck(workload, entry, found) ?? run.outcomes[0]!.check;
        const wrong = run.outcomes.map((outcome) => disagreements(only(workload, outcome.check), only(workload, wanted))).find((figures) => figures.length > 0);
        if (wrong !== undefined) throw new Error(`it disagrees with ${workload.oracle === undefined ? 'itself' : 'the oracle'}: ${wrong[0]!}${wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : ''}`);
        found.get(entry)!.push(run);
        const { samples, seconds, latency_ms: latency } = run.outcomes.at(-1)!;
        say(`${title}, run ${round + 1} of ${runs}: ${latency === undefined ? `${(samples / seconds / 1e6).toPrecision(3)} M ${workload.unit}/s` : `p99 ${latency.p99.toFixed(2)} ms`}`);
      } catch (error) {
        // Not again: it would cost its time limit in every round.
        found.delete(entry);
        failures.push(`${title}: ${(error as Error).message}`);
        say(failures.at(-1)!);
      }
    }
  }
  const measuredAt = new Date().toISOString().slice(0, 16);
  return { figures: new Map([...found].filter(([, all]) => all.length > 0).map(([entry, all]) => [entry, figure(all as [Run, ...Run[]], entry.series, measuredAt)])), failures };
}

export const nameOf = ({ engine, threads }: { engine: string; threads: number }): string => `${engine}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;

/** What of a check is compared: all, where the workload does not say. */
const only = ({ compared }: Workload, check: Check): Check => (compared === undefined ? check : Object.fromEntries(compared.map((figure) => [figure, check[figure]])));

/** The oracle's, or what the same engine found first with the same samples. */
function wantedCheck(workload: Workload, entry: Entry, found: ReadonlyMap<Entry, readonly Run[]>): Check | undefined {
  if (workload.oracle !== undefined) return rememberedOracle(workload.oracle, entry.samples, entry.series, join(cache, 'oracle'));
  const alike = [...found].find(([other, runs]) => runs.length > 0 && other.engine === entry.engine && other.samples === entry.samples && other.series === entry.series);
  return alike?.[1][0]!.outcomes[0]!.check;
}
