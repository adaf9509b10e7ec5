import type { Board } from '../engine/board.js';
import type { Time } from '../engine/clock.js';
import type { History, Sink } from '../engine/connector.js';
import type { LetterQuery, StoredLetter } from '../engine/dead-letter-files.js';
import type { DeadLetters } from '../engine/dead-letters.js';
import type { FeedbackBook } from '../engine/feedback.js';
import type { Plan } from '../engine/plan.js';
import type { Resubmission } from '../engine/resubmission-file.js';
import type { Resubmissions } from '../engine/resubmissions.js';
import type { Runtime } from '../engine/runtime.js';
import type { MetricFamily, RuntimeStatus } from '../engine/status.js';

/** All that the API asks of a running graph. Every answer is plain data, made when asked for. */
export interface RuntimeView {
  readonly plan: Plan;
  status(): RuntimeStatus;
  metrics(): readonly MetricFamily[];
  /** Of the store sinks, in the order of the graph. */
  histories(): readonly History[];
  /** Of the live sinks. */
  boards(): readonly Board[];
  /** Of the source that keeps feedback. */
  feedback(): FeedbackBook | undefined;
  /** Event time that whoever learns from feedback has not reached. */
  ahead(): Time;
  deadLetters(query: LetterQuery): Promise<readonly StoredLetter[]>;
  /** Sends a dead letter in again, with another payload if one is given. Rejects with `NotResubmitted`. */
  resubmit(letter: number, edited: Uint8Array | undefined): Promise<Resubmission>;
}

/** A runtime as the API sees it. */
export function viewOf(runtime: Runtime, deadLetters: DeadLetters, resubmissions: Resubmissions): RuntimeView {
  return {
    plan: runtime.plan,
    status: () => runtime.status(),
    metrics: () => runtime.metrics(),
    histories: () => runtime.histories(),
    boards: () => [...(runtime.sinks() as ReadonlyMap<string, Sink>).values()].flatMap(({ board }) => (board === undefined ? [] : [board])),
    feedback: () => runtime.feedback(),
    ahead: () => runtime.ahead(),
    deadLetters: (query) => deadLetters.list(query),
    resubmit: (letter, edited) => resubmissions.resubmit(letter, edited),
  };
}
