import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Outcome, WorkloadName } from '../engine.js';

/** One job, as the harness asks for it. */
export interface Job {
  readonly workload: WorkloadName;
  readonly samples: number;
  readonly series: number;
  readonly threads: number;
  /** No job follows in this process. */
  readonly last: boolean;
}

/** What a program tells of a job; the rest of its `Outcome` is in the job. */
export type Told = Omit<Outcome, 'workload' | 'engine' | 'threads' | 'samples' | 'versions'>;

/** The workloads' own sizes, for runs by hand. */
const sizes: Readonly<Partial<Record<WorkloadName, { samples: number; series: number }>>> = { W2: { samples: 2_000_000, series: 1_000 }, W4: { samples: 2_000_000, series: 10_000 } };

/**
 * The command line of an engine that is a Node program: `main.js [ARGUMENT...] WORKLOAD --samples N --series S
 * --threads T --jobs J`. Runs the job J times, each from nothing, and prints a line of JSON after each.
 * `packages`: libraries whose versions are told beside that of Node.
 *
 * @throws where an option is not a positive integer, or as the job does.
 */
export async function runJobs(engine: string, run: (job: Job) => Told | Promise<Told>, packages: readonly string[] = []): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { samples: text, series: text, threads: text, jobs: text } });
  const workload = positionals.at(-1) as WorkloadName;
  const number = (name: keyof typeof values, otherwise: number): number => {
    const value = Number(values[name] ?? otherwise);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is ${values[name]}; it has to be a positive integer`);
    return value;
  };
  const size = sizes[workload] ?? { samples: 20_000_000, series: 10_000 };
  const asked = { workload, samples: number('samples', size.samples), series: number('series', size.series), threads: number('threads', 1) };
  const versions = { node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])) };
  for (let jobs = number('jobs', 2); jobs > 0; jobs--) {
    const { series: _, ...told } = asked;
    const outcome: Outcome = { ...told, engine, ...(await run({ ...asked, last: jobs === 1 })), versions };
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
}

/** Of an installed package, whose `package.json` may be closed to `import`. */
function packageVersion(name: string): string {
  for (let folder = new URL('.', import.meta.resolve(name)); ; folder = new URL('..', folder)) {
    try {
      const found = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { name?: string; version?: string };
      if (found.name === name && found.version !== undefined) return found.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (folder.pathname === '/') throw new Error(`the package of ${name} has no package.json above ${import.meta.resolve(name)}`);
  }
}

/** For `first_result_at`: ms since the epoch of a reading of `performance.now()`. */
export function sinceEpoch(reading: number): number {
  return performance.timeOrigin + reading;
}
