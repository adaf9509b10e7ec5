import { Sketch } from './sketch.js';
import type { AggregateState, Closing, Outputs, Part, Places, Rows } from './state.js';

/** One that is asked for: `p99` is .99. */
export interface AskedQuantile {
  readonly name: string;
  /** In (0, 1). */
  readonly quantile: number;
}

/** Quantiles: a sketch for each pane with rows, kept by slot. Sketches of panes that were dropped are used again. */
export class Quantiles implements Part {
  readonly #places: Places;
  readonly #asked: readonly AskedQuantile[];
  /** By slot, then by pane of the slot. */
  readonly #sketches: (Sketch | undefined)[][] = [];
  readonly #unused: Sketch[] = [];

  constructor(places: Places, asked: readonly AskedQuantile[]) {
    this.#places = places;
    this.#asked = asked;
  }

  clear(_state: AggregateState, slot: number, pane: number): void {
    const sketches = (this.#sketches[slot] ??= []);
    sketches[this.#places.numberIn(slot, pane)] ??= this.#unused.pop() ?? new Sketch();
  }

  /** A pane with rows is no longer needed. */
  drop(slot: number, pane: number): void {
    const sketches = this.#sketches[slot]!;
    const at = this.#places.numberIn(slot, pane);
    const sketch = sketches[at]!;
    sketch.clear();
    this.#unused.push(sketch);
    sketches[at] = undefined;
  }

  add(_state: AggregateState, { length, slot, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) {
      const s = slot[i]!;
      if (panes[i]! >= 0) this.#sketches[s]![this.#places.numberIn(s, panes[i]!)]!.add(value[i]!);
    }
  }

  append(_state: AggregateState, slot: number, pane: number, later: number): void {
    const sketches = this.#sketches[slot]!;
    sketches[this.#places.numberIn(slot, pane)]!.merge(sketches[this.#places.numberIn(slot, later)]!);
  }

  read(_state: AggregateState, { length, slots, panes }: Closing, columns: Outputs, first: number): void {
    for (let j = 0; j < length; j++) {
      const slot = slots[j]!;
      const sketch = this.#sketches[slot]![this.#places.numberIn(slot, panes[j]!)]!;
      for (const { name, quantile } of this.#asked) columns[name]![first + j] = sketch.quantile(quantile);
    }
  }

  /** Of the panes with rows: number of the pane, then its sketch. */
  save(slot: number): Uint8Array | undefined {
    const numbers: number[] = [];
    this.#sketches[slot]?.forEach((sketch, at) => {
      if (sketch !== undefined) numbers.push(at, ...sketch.save());
    });
    return numbers.length === 0 ? undefined : new Uint8Array(Float64Array.from(numbers).buffer);
  }

  restore(slot: number, saved: Uint8Array): void {
    const numbers = new Float64Array(new Uint8Array(saved).buffer);
    const sketches: (Sketch | undefined)[] = (this.#sketches[slot] = []);
    for (let at = 0; at < numbers.length;) {
      const sketch = new Sketch();
      sketches[numbers[at]!] = sketch;
      at = sketch.restore(numbers, at + 1);
    }
  }

  release(slot: number): void {
    this.#sketches[slot] = [];
  }
}
