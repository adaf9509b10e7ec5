import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Command, Outcome, WorkloadName } from './engine.js';
import { machineUsage, processUsage } from './process-usage.js';

/** One process of an engine: the same job, `jobs` times. */
export interface Job {
  readonly command: Command;
  readonly workload: WorkloadName;
  readonly samples: number;
  readonly series: number;
  readonly threads: number;
  readonly jobs: number;
  /** After that many seconds it is killed, and the run has failed. */
  readonly limit_s: number;
  /** Where it runs; without it, here. */
  readonly folder?: string;
}

/** What was seen of it. Where there is no /proc, memory and processors are not known. */
export interface Run {
  /** One a job. */
  readonly outcomes: readonly Outcome[];
  /** From the start of the process to the first result of its first job. */
  readonly first_result_ms?: number;
  /** Of the process and its children, over all jobs. */
  readonly peak_rss_mb?: number;
  /** Of the last job: what the process had used when it told that one, less what it had used when it told the one before. */
  readonly cpu_s?: number;
  /** The share of the machine that was used by neither the engine nor this process, from start to last outcome. */
  readonly others_cpu?: number;
}

const figure = z.number();
const outcome = z.object({
  workload: z.string(),
  engine: z.string(),
  threads: figure,
  samples: figure,
  seconds: figure.positive(),
  first_result_at: figure.optional(),
  // What is no number is null in JSON: kept, so that it is told as a disagreement.
  check: z.record(z.string(), z.preprocess((value) => value ?? NaN, z.union([figure, z.nan()]))),
  latency_ms: z.object({ p50: figure, p99: figure, max: figure, count: figure }).optional(),
  further: z.record(z.string(), figure).optional(),
  versions: z.record(z.string(), z.string()),
});

const POLL_MS = 50;
/** A crash is told with the end of what it said. */
const TAIL_LINES = 20;

/** Runs it to its end. Rejects, with the end of its stderr, when it crashes, takes too long or says something else than outcomes. */
export function measure(job: Job): Promise<Run> {
  const { command, args, env } = job.command;
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const line = [...args, job.workload, '--samples', job.samples, '--series', job.series, '--threads', job.threads, '--jobs', job.jobs].map(String);

  return new Promise((resolve, reject) => {
    const usedBefore = cpuOfThisProcess();
    const machineBefore = machineUsage();
    const startedAt = Date.now();
    // In a process group of its own, so that what it starts is ended with it.
    const child = spawn(command, line, { env: { ...inherited, ...env }, cwd: job.folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const outcomes: Outcome[] = [];
    const cpu: number[] = [];
    let peak: number | undefined;
    let others: number | undefined;
    let wrong: string | undefined;
    const said: string[] = [];

    const look = (): number | undefined => {
      const usage = child.pid === undefined ? undefined : processUsage(child.pid);
      if (usage !== undefined) peak = Math.max(peak ?? 0, usage.peak_rss_mb);
      return usage?.cpu_s;
    };
    const kill = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const stop = (reason: string): void => {
      wrong ??= reason;
      kill();
    };
    const poll = setInterval(look, POLL_MS);
    const limit = setTimeout(() => stop(`it took longer than ${job.limit_s} s`), job.limit_s * 1000);
    process.once('exit', kill);

    createInterface({ input: child.stdout }).on('line', (text) => {
      const used = look();
      if (used !== undefined) cpu.push(used);
      others = othersShare(machineBefore, used, cpuOfThisProcess() - usedBefore);
      const parsed = parse(text, job.workload);
      if (typeof parsed === 'string') stop(parsed);
      else outcomes.push(parsed);
    });
    createInterface({ input: child.stderr }).on('line', (text) => {
      said.push(text);
      if (said.length > TAIL_LINES) said.shift();
    });
    child.once('error', (error) => (wrong ??= error.message));
    child.once('close', (code, signal) => {
      clearInterval(poll);
      clearTimeout(limit);
      process.removeListener('exit', kill);
      if (code !== 0) wrong ??= `it ended with ${signal ?? `exit code ${code}`}`;
      if (outcomes.length !== job.jobs) wrong ??= `it told ${outcomes.length} of ${job.jobs} jobs`;
      if (wrong !== undefined) {
        reject(new Error([`${[command, ...line].join(' ')}: ${wrong}`, ...said].join('\n  ')));
        return;
      }
      const first = outcomes[0]!.first_result_at;
      resolve({
        outcomes,
        ...(first === undefined ? {} : { first_result_ms: first - startedAt }),
        ...(peak === undefined ? {} : { peak_rss_mb: peak }),
        ...(cpu.length < job.jobs ? {} : { cpu_s: cpu.at(-1)! - (cpu.at(-2) ?? 0) }),
        ...(others === undefined ? {} : { others_cpu: others }),
      });
    });
  });
}

function parse(text: string, workload: WorkloadName): Outcome | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return `it printed a line that is no JSON: ${text.slice(0, 200)}`;
  }
  const { success, data, error } = outcome.safeParse(json);
  if (!success) return `it printed what is no outcome: ${error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`;
  if (data.workload !== workload) return `it ran ${data.workload} instead of ${workload}`;
  return data as Outcome;
}

const cpuOfThisProcess = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function othersShare(before: ReturnType<typeof machineUsage>, engine: number | undefined, own: number): number | undefined {
  const now = machineUsage();
  if (before === undefined || now === undefined || engine === undefined) return undefined;
  const total = now.total_s - before.total_s;
  return total <= 0 ? 0 : Math.max(0, (now.busy_s - before.busy_s - engine - own) / total);
}
