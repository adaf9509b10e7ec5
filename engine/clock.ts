/** Milliseconds since the epoch, UTC. */
export type Time = number;

/** The clock, handed in: tests and replays bring their own. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): Time;
  /** Monotonic, ms since some start; for durations only. */
  elapsed(): number;
}

/**
 * A clock that steps forward with `wall`, and not back: where the wall clock was set back it goes on by `elapsed` from where it was.
 * Else idle watermarks would stand still, and true samples would seem to come from the future and be refused.
 */
export function forwardClock(wall: () => Time, elapsed: () => number): Clock {
  let offset = -Infinity;
  return {
    now: () => {
      const passed = elapsed();
      offset = Math.max(offset, wall() - passed);
      // The sum may lack what subtraction rounded away.
      return Math.floor(offset + passed + 1e-3);
    },
    elapsed,
  };
}

export const systemClock: Clock = forwardClock(Date.now, () => performance.now());
