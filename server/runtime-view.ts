import type { Board } from '../engine/board.js';
import type { History } from '../engine/connector.js';
import type { MetricFamily, RuntimeStatus, StoredDeadLetter } from '../engine/status.js';

/** All that the API reads of a running graph. Every answer is plain data, made when asked for. */
export interface RuntimeView {
  status(): RuntimeStatus;
  metrics(): readonly MetricFamily[];
  /** Of the store sinks, in the order of the graph; without the live sinks', which their boards have. */
  histories(): readonly History[];
  /** Of the live sinks. */
  boards(): readonly Board[];
  /** Newest first. */
  deadLetters(limit: number): Promise<readonly StoredDeadLetter[]>;
  /** Graph and plan as JSON, as `millrace graph --plan --json` prints them. */
  plan(): object;
}
