import type { Random } from '../../engine/random.js';
import { RETRY_FIRST_MS, RETRY_LONGEST_MS } from './limits.js';

/** Delays between attempts: twice as long each time, up to a bound, each ±50 % so that many clients don't come at once. */
export class Retry {
  readonly #random: Random;
  #next = RETRY_FIRST_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** It worked: the next delay is the first again. */
  succeeded(): void {
    this.#next = RETRY_FIRST_MS;
  }

  delay(): number {
    const delay = this.#next;
    this.#next = Math.min(2 * delay, RETRY_LONGEST_MS);
    return delay * (0.5 + this.#random());
  }
}
