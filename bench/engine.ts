/**
 * What the harness asks of an engine that it measures. An engine is a command that runs one workload as a job,
 * a few times in one process, and prints a line of JSON for each: so that a Rust binary, a Java program and
 * Millrace itself are measured alike.
 *
 *     <command> <args...> <workload> --samples N --series S --threads T --jobs J
 */
export interface Engine {
  /** As in `--engines` and the results: `loop`, `rxjs-expert`. */
  readonly name: string;
  /** For people: what it is and how it was written. */
  readonly title: string;
  /** Names of workloads, with the numbers of threads at which it is measured. */
  readonly runs: Readonly<Partial<Record<WorkloadName, EngineRun>>>;
  /** Needs more than npm: measured with `--peers all`. */
  readonly toolchain?: string;
  /** Builds it, once, in `cache` (a folder outside of the tree that is this engine's alone and may be there already). */
  prepare(cache: string): Promise<Command | Missing>;
}

export interface EngineRun {
  readonly threads: readonly number[];
  /** Where the workload's own number of samples would take minutes. */
  readonly samples?: number;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** It can't be had here, and why. */
export interface Missing {
  readonly missing: string;
}

/** `windows`: windows of all kinds over the samples of W1. `nats`, `posts`: the samples of W1 as messages of a stream, and as bodies of posts. `decoders`: those bodies read, and nothing more. `questdb`: the samples of W1 as rows of a store. `channel`: rows from one thread to another, whose `samples` are rows. */
export type WorkloadName = 'W1' | 'W2' | 'W3' | 'W4' | 'W5' | 'W6' | 'W7' | 'W8' | 'windows' | 'nats' | 'posts' | 'decoders' | 'questdb' | 'channel';

/** One job, as an engine tells it in a line of JSON. Where a field does not apply it is left out. */
export interface Outcome {
  readonly workload: WorkloadName;
  readonly engine: string;
  readonly threads: number;
  readonly samples: number;
  /** From the first sample made to the last result taken; start-up (process, threads, building the graph) is before it. */
  readonly seconds: number;
  /** When the first result was taken, ms since the epoch. */
  readonly first_result_at?: number;
  readonly check: Check;
  /** Latency of results (W4) or messages (W7), ms. */
  readonly latency_ms?: { readonly p50: number; readonly p99: number; readonly max: number; readonly count: number };
  /** Further figures of a workload, each with its unit in its name: `checkpoint_ms`. */
  readonly further?: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * What engines must agree on, to a millionth: sums over all results. W1: results, counts, means, deviations
 * (population). W2: results, counts, means. W3: results, z (sum of |z|), and at the end of the job the sums of
 * all final means and variances. questdb: rows that are left, and the sum of their values.
 */
export interface Check {
  readonly results?: number;
  readonly counts?: number;
  readonly means?: number;
  readonly deviations?: number;
  readonly z?: number;
  readonly variances?: number;
  readonly values?: number;
}
