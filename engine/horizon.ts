import type { Time } from './clock.js';
import type { Decision } from './journal.js';

/** Event time between two horizons at least. After a crash what people say holds from the last one on. */
const HORIZON_MS = 5_000;

/**
 * How far watermarks may have been told, as the journal says it before they are. The further they have come since the last
 * barrier, the further ahead the horizon: so there are few of them, however quick time goes.
 */
export class Horizon {
  #time: Time = -Infinity;
  /** The furthest watermark at the last barrier. */
  #from: Time = -Infinity;

  /** What is to be recorded before a watermark is told; undefined: nothing. */
  before(time: Time): Decision | undefined {
    if (time <= this.#time || time === Infinity) return undefined;
    this.#time = time + Math.max(HORIZON_MS, this.#from === -Infinity ? 0 : time - this.#from);
    if (this.#from === -Infinity) this.#from = time;
    return { type: 'horizon', watermark: this.#time };
  }

  /** What follows a barrier needs a horizon of its own, as the journal may be cut there. */
  renew(furthest: Time): void {
    [this.#time, this.#from] = [-Infinity, furthest];
  }
}
