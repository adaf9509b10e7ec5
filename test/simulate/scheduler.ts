import type { Random } from '../../engine/random.js';

/** One process: what it has under way goes with it. */
export interface Life {
  alive: boolean;
}

interface Event {
  readonly time: number;
  readonly number: number;
  readonly life: Life;
  act: (() => void) | undefined;
}

interface Sleeper {
  readonly life: Life;
  readonly words: Int32Array;
  readonly index: number;
  readonly seen: number;
  readonly wake: () => void;
}

/** How long things take, ms: drawn between nearly nothing and about `typical`, seldom much more. */
export interface Latency {
  readonly typical: number;
}

/**
 * Everything that happens, one thing after the other in one thread, at times of its own: who waits for the disk, a
 * store, a timer or another thread waits here. The seed draws how long each takes, and with it the order.
 */
export class Scheduler {
  readonly random: Random;
  /** Virtual ms. */
  now = 0;
  steps = 0;
  #number = 0;
  readonly #heap: Event[] = [];
  readonly #sleepers = new Set<Sleeper>();

  constructor(random: Random) {
    this.random = random;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from `from` up to, not including, `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from));
  }

  pick<T>(of: readonly T[]): T {
    return of[this.between(0, of.length)]!;
  }

  draw({ typical }: Latency): number {
    const long = this.random();
    return typical * this.random() * (long < 0.02 ? 20 : long < 0.1 ? 4 : 1);
  }

  /** Does something later; returns what takes it back. */
  after(life: Life, ms: number, act: () => void): () => void {
    const event: Event = { time: this.now + ms, number: this.#number++, life, act };
    this.#push(event);
    return () => {
      event.act = undefined;
    };
  }

  /** Resolves later, with what `act` gives when that time has come. */
  later<T>(life: Life, ms: number, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(life, ms, () => {
        try {
          resolve(act());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  /** Takes effect later, and is answered later still: between the two a crash leaves it done and not known. */
  async done<T>(life: Life, latency: Latency, act: () => T): Promise<T> {
    const result = await this.later(life, this.draw(latency), act);
    await this.later(life, this.draw(latency) / 4, () => {});
    return result;
  }

  /** Wakes when the word is no longer what was seen, or after `ms`. */
  sleep(life: Life, words: Int32Array, index: number, seen: number, ms: number, latency: Latency, wake: () => void): void {
    const expire = this.after(life, ms, () => {
      this.#sleepers.delete(sleeper);
      wake();
    });
    const sleeper: Sleeper = {
      life,
      words,
      index,
      seen,
      wake: () => {
        expire();
        this.after(life, this.draw(latency), wake);
      },
    };
    this.#sleepers.add(sleeper);
  }

  /** Turns until `until` says so; false: nothing can happen any more. */
  run(until: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      // From the event loop, never from inside a promise: what is settled in a turn is followed up in it.
      const turns = (): void => {
        try {
          for (let n = 0; n < TURNS_A_TASK; n++) {
            if (until()) return resolve(true);
            if (!this.#turn()) return resolve(false);
          }
          setImmediate(turns);
        } catch (error) {
          reject(error as Error);
        }
      };
      setImmediate(turns);
    });
  }

  /** The next thing happens, with all that follows from it at once; false: there is none. */
  #turn(): boolean {
    const event = this.#pop();
    if (event === undefined) return false;
    const { act } = event;
    if (act === undefined || !event.life.alive) return true;
    if (event.time > this.now) this.now = event.time;
    this.steps += 1;
    act();
    settle();
    for (const sleeper of this.#sleepers) {
      if (!sleeper.life.alive) this.#sleepers.delete(sleeper);
      else if (sleeper.words[sleeper.index] !== sleeper.seen) {
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
    }
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.number < b.number);
}

/** Between two tasks of the event loop, so that it goes on with what else it has. */
const TURNS_A_TASK = 1_000;

/**
 * All promises that can settle by themselves do. Node calls this after each task of its event loop; a task for every step
 * would cost more than most steps.
 */
const { _tickCallback: settle } = process as unknown as { readonly _tickCallback: () => void };
