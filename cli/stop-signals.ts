import { constants } from 'node:os';
import type { Clock } from '../engine/clock.js';

/** One Ctrl-C reaches a program under npm twice. */
const SAME_MS = 500;

export interface StopSignals {
  /** Resolves with the first SIGTERM or SIGINT. */
  readonly first: Promise<NodeJS.Signals>;
}

/** Listens for signals that ask the process to stop. A second one ends it at once. */
export function stopSignals(clock: Clock): StopSignals {
  let at: number | undefined;
  const first = new Promise<NodeJS.Signals>((resolve) => {
    const hear = (signal: NodeJS.Signals): void => {
      const now = clock.elapsed();
      if (at === undefined) {
        at = now;
        resolve(signal);
      } else if (now - at >= SAME_MS) {
        process.stderr.write('millrace: stopped at once; the last checkpoint stands\n');
        process.exit(128 + constants.signals[signal]);
      }
    };
    process.on('SIGTERM', hear);
    process.on('SIGINT', hear);
  });
  return { first };
}
