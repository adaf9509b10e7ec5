import type { Position } from '../../engine/connector.js';
import type { Spool } from '../../engine/spool.js';
import { CLOSE_MS, LINGER_MS } from './limits.js';

/** Makes a record of what waits, when its turn has come; undefined: nothing does. */
export type Take = () => Uint8Array | undefined;

/** How a sink's records get into its spool: one after the other, so that at its bound they wait in their order. */
export class SpoolEntry {
  readonly #spool: Spool;
  readonly #waiting: () => readonly Take[];
  readonly #timer: NodeJS.Timeout;
  #appending: Promise<unknown> = Promise.resolve();
  #lingering = false;
  #aborted = false;
  #closed = false;

  /** `waiting`: of everything that the sink has taken and made no record of yet. */
  constructor(spool: Spool, waiting: () => readonly Take[]) {
    this.#spool = spool;
    this.#waiting = waiting;
    this.#timer = setInterval(() => this.#linger(), LINGER_MS).unref();
  }

  append(take: Take): Promise<void> {
    const turn = this.#appending.then(async () => {
      if (this.#closed) throw new Error('the sink is not open');
      const bytes = take();
      if (bytes !== undefined) await this.#spool.append(bytes);
    });
    this.#appending = turn.catch(() => {});
    return turn;
  }

  async flush(): Promise<Position> {
    await this.#appendAll();
    return this.#spool.flush();
  }

  /** Resolves when the store has everything. */
  async drained(): Promise<void> {
    await this.#appendAll();
    await this.#spool.drained();
  }

  /** The store is not waited for any more. */
  abort(): void {
    this.#aborted = true;
    this.#spool.abort();
  }

  /** `well`: the store is there, and gets what is left. `stop`: ends what takes the records. */
  async close(well: boolean, stop: () => Promise<unknown>): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    if (well && !this.#aborted) await within(CLOSE_MS, this.#spool.drained());
    await Promise.all([this.#spool.close(), stop()]);
    await this.#appending;
  }

  async #appendAll(): Promise<void> {
    await Promise.all(this.#waiting().map((take) => this.append(take)));
    await this.#appending;
  }

  /** What came slowly. A failure of the spool is told by whoever writes next. */
  #linger(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#appendAll()
      .catch(() => {})
      .finally(() => (this.#lingering = false));
  }
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
