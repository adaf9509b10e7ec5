import type { Time } from './clock.js';
import type { Anomaly, Feedback, FeedbackVerdict } from './finding.js';

/** What a person says of an anomaly. */
export interface Said {
  readonly verdict: FeedbackVerdict;
  readonly note: string;
  readonly by: string;
}

/** Where a source keeps what people say of anomalies. */
export interface FeedbackBook {
  /** Name of the source. */
  readonly node: string;
  /** All that was said of an anomaly and is kept, oldest first. */
  about(anomaly: string): readonly Feedback[];
  /**
   * `from`: since when it holds, by event time; later where the rows are ahead of that when it is handed on. Resolves when it is on disk: then it holds, after a
   * crash too. Rejects with an `HttpError`: 409 where the same stands already, 429 or 503 where it can't be kept.
   */
  say(anomaly: Anomaly, said: Said, from: Time): Promise<Feedback>;
  /** Undoes what stands. The same; 409 where nothing stands. */
  undo(anomaly: string, said: Omit<Said, 'verdict'>, from: Time): Promise<Feedback>;
}
