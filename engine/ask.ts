import type { Time } from './clock.js';

/** A training task that an operator asked for. */
export interface Ask {
  readonly slot: number;
  readonly task: string;
  readonly input: Uint8Array;
  /** The watermark that the operator named. */
  readonly asked: Time;
  /** The watermark at which the answer takes effect: that, or later where the answer was late. */
  due: Time;
  /** A run before a crash has learnt it at `due`: so does this one, even if it has to wait. */
  waits: boolean;
  answer?: Uint8Array;
}

/** Whether a run before a crash decided when this answer takes effect. */
export type Decided = (node: string, series: string, member: string, task: string, asked: Time) => Time | undefined;
