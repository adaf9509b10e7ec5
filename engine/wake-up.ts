import type { Outlet } from './outlet.js';
import type { Timers } from './timers.js';

/**
 * Wakes the receivers when the event loop has its turn, which is at once where there is nothing more to read. To wake a
 * thread costs as much as a hundred rows: a source that has much to give does so every few milliseconds, not with each reading.
 */
export class WakeUp {
  #coming = false;

  constructor(
    readonly outlets: readonly Outlet[],
    readonly timers: Timers,
  ) {}

  soon(): void {
    if (this.#coming) return;
    this.#coming = true;
    void this.timers.turn().then(() => {
      this.#coming = false;
      for (const outlet of this.outlets) outlet.wake();
    });
  }
}
