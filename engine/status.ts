import type { Time } from './clock.js';

/** What the runtime tells of itself, as plain data: the server and the CLI read it, nothing else knows the runtime's inside. */
export interface RuntimeStatus {
  /** `restarting`: the graph crashed and comes back by itself; `failed`: it stays down until a person acts. */
  readonly state: 'starting' | 'running' | 'restarting' | 'draining' | 'stopped' | 'failed';
  /** Sources are read and sinks are open: traffic may come. */
  readonly ready: boolean;
  readonly startedAt: Time;
  /** Restarts of the graph since the process started. */
  readonly restarts: number;
  readonly nodes: readonly NodeStatus[];
  readonly shards: readonly ShardStatus[];
  /** The newest that is complete. */
  readonly checkpoint?: CheckpointStatus;
  /** None can be taken since then, and why; a crash would begin again at the newest. */
  readonly checkpointFailure?: { readonly since: Time; readonly message: string } | undefined;
  /** Newest first, bounded. */
  readonly failures: readonly FailureStatus[];
}

export interface NodeStatus {
  readonly name: string;
  /** As in the config: `detect`, `http`, `duckdb` ... */
  readonly type: string;
  readonly kind: 'source' | 'operator' | 'sink';
  readonly health: 'ok' | 'degraded' | 'down';
  /** Why it is not `ok`. */
  readonly detail?: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly findingsOut: number;
  readonly late: number;
  /** Undefined before the first. */
  readonly watermark?: Time;
}

export interface ShardStatus {
  readonly index: number;
  readonly state: 'running' | 'stopped';
  readonly partitions: number;
  readonly series: number;
  /** Shares of the last interval, in [0, 1]; together at most 1. */
  readonly busy: number;
  readonly backpressured: number;
}

export interface CheckpointStatus {
  readonly number: number;
  readonly at: Time;
  readonly bytes: number;
  readonly ms: number;
}

export interface FailureStatus {
  readonly at: Time;
  readonly node?: string;
  readonly partition?: number;
  readonly message: string;
}

/** A metric in the words of OpenMetrics. `name` has neither unit suffix nor `_total`: the writer adds `_<unit>` and, for counters, `_total`. */
export type MetricFamily =
  | {
      readonly name: string;
      readonly type: 'counter' | 'gauge';
      readonly help: string;
      readonly unit?: string;
      readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
    }
  | {
      readonly name: string;
      readonly type: 'histogram';
      readonly help: string;
      readonly unit?: string;
      readonly samples: readonly HistogramSample[];
    };

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds, ascending, without +Inf, and how many values were at or below each (cumulative). */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}
