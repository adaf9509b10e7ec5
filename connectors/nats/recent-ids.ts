import type { Position } from '../../engine/connector.js';

/** Where the memory begins: it is rebuilt by taking the messages from there again. A type, as a position is made of it. */
export type IdsPosition = {
  /** Sequence of the oldest message remembered. */
  readonly from: number;
  /** The latest time of any message up to it. */
  readonly clock: number;
};

/**
 * Ids of the messages that came last: of at most so many, and of so long. What it remembers depends on the messages
 * from its oldest one on alone, whether they were repeats or not, so that a reader that starts there again decides the same.
 */
export class RecentIds {
  readonly #most: number;
  readonly #windowMs: number;
  /** By number of the message, modulo `most`. */
  readonly #ids: string[] = [];
  readonly #sequences: Float64Array;
  readonly #times: Float64Array;
  /** Numbers of the oldest message, and of the next. */
  #oldest = 0;
  #next = 0;
  /** The last message with an id. */
  readonly #last = new Map<string, number>();
  /** Time of the messages: it does not step back, whatever the server's does. */
  #clock = -Infinity;

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#sequences = new Float64Array(most);
    this.#times = new Float64Array(most);
  }

  /** Remembers a message, and says whether its id was there before. */
  repeats(id: string, sequence: number, time: number): boolean {
    this.#clock = Math.max(this.#clock, time);
    while (this.#oldest < this.#next && (this.#next - this.#oldest === this.#most || this.#times[this.#oldest % this.#most]! < this.#clock - this.#windowMs)) this.#forget();
    const repeats = this.#last.has(id);
    const at = this.#next % this.#most;
    this.#ids[at] = id;
    this.#sequences[at] = sequence;
    this.#times[at] = this.#clock;
    this.#last.set(id, this.#next);
    this.#next += 1;
    return repeats;
  }

  #forget(): void {
    const id = this.#ids[this.#oldest % this.#most]!;
    if (this.#last.get(id) === this.#oldest) this.#last.delete(id);
    this.#oldest += 1;
  }

  /** Undefined: nothing is remembered. */
  get position(): IdsPosition | undefined {
    if (this.#oldest === this.#next) return undefined;
    const at = this.#oldest % this.#most;
    return { from: this.#sequences[at]!, clock: this.#times[at]! };
  }

  /** Before the first message from its position on is taken again. */
  restore({ clock }: IdsPosition): void {
    this.#clock = clock;
  }

  clear(): void {
    this.#last.clear();
    this.#oldest = this.#next = 0;
    this.#clock = -Infinity;
  }
}

/** As it stood in a checkpoint. */
export function idsPosition(position: Position | undefined): IdsPosition | undefined {
  const { from, clock } = (position ?? {}) as { from?: unknown; clock?: unknown };
  return typeof from === 'number' && typeof clock === 'number' ? { from, clock } : undefined;
}
