import { follow, Growth } from './growth.js';
import type { AggregateState, Places } from './state.js';
import { Waiting } from './waiting.js';

/** Growth where samples come out of order: they wait, sorted, until no earlier one can come. */
export class Counter extends Growth {
  readonly #places: Places;
  readonly #waiting = new Waiting();

  constructor(places: Places) {
    super();
    this.#places = places;
  }

  /** Samples come one by one, by `insert`. */
  override add(): void {}

  /** Makes room for a sample; false when too many wait. No sample before `settled` comes any more. */
  makeRoom(state: AggregateState, slot: number, settled: number): boolean {
    const waiting = this.#waiting;
    if (!waiting.isFull(slot)) return true;
    const { cells } = waiting;
    const first = waiting.first(slot);
    const length = waiting.length(slot);
    let done = 0;
    for (let at = first; done < length && cells[at]! < settled; at += 2) {
      follow(state.counter, this.#places.at(slot, cells[at]!, state), cells[at]!, cells[at + 1]!);
      done += 1;
    }
    waiting.drop(slot, done);
    return !waiting.isCrowded(slot) || waiting.grow(slot) || done > 0;
  }

  insert(slot: number, time: number, value: number): void {
    this.#waiting.insert(slot, time, value);
  }

  /** All samples of a pane that ends at `end` are there. */
  settle(state: AggregateState, slot: number, pane: number, end: number): void {
    const waiting = this.#waiting;
    const length = waiting.length(slot);
    if (length === 0) return;
    const { cells } = waiting;
    let done = 0;
    for (let at = waiting.first(slot); done < length && cells[at]! < end; at += 2) {
      follow(state.counter, pane, cells[at]!, cells[at + 1]!);
      done += 1;
    }
    waiting.drop(slot, done);
  }

  save(slot: number): Uint8Array | undefined {
    return this.#waiting.save(slot);
  }

  restore(slot: number, saved: Uint8Array): void {
    this.#waiting.restore(slot, saved);
  }

  release(slot: number): void {
    this.#waiting.release(slot);
  }
}
