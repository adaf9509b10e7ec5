/** Milliseconds since the epoch, UTC. */
export type Time = number;

/** The clock, handed in: tests and replays bring their own. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): Time;
  /** Monotonic, ms since some start; for durations only. */
  elapsed(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};
