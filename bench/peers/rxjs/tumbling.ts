import { DISORDER_MS, T0, type Sample } from '../../samples.js';
import type { WindowResult } from '../totals.js';
import { NONE, type Windows } from './windows.js';

const SIZE_MS = 10_000;
/** Count, mean and sum of squared deviations (Welford) of a pane. */
const PANE = 3;

/** Windows of 10 s. Two panes a series are enough: at most two windows are open, as they are longer than samples are late. */
export class Tumbling implements Windows {
  closed = NONE;
  /** By series: its pane of even windows, then that of odd ones. */
  readonly #panes: Float64Array;
  #largest = -Infinity;
  /** End of the older open window, and where its pane is. */
  #end = (Math.floor((T0 - DISORDER_MS) / SIZE_MS) + 1) * SIZE_MS;
  #older = 0;

  constructor(series: number) {
    this.#panes = new Float64Array(2 * PANE * series);
  }

  add(sample: Sample): this {
    const { series, time, value } = sample;
    this.closed = time > this.#largest ? this.#advance(time) : NONE;
    const panes = this.#panes;
    const at = 2 * PANE * series + (time < this.#end ? this.#older : PANE - this.#older);
    const n = panes[at]! + 1;
    const d = value - panes[at + 1]!;
    const mean = panes[at + 1]! + d / n;
    panes[at] = n;
    panes[at + 1] = mean;
    panes[at + 2]! += d * (value - mean);
    return this;
  }

  end(): readonly WindowResult[] {
    return this.#advance(this.#end + SIZE_MS + DISORDER_MS);
  }

  #advance(largest: number): readonly WindowResult[] {
    this.#largest = largest;
    if (this.#end > largest - DISORDER_MS) return NONE;
    const closed: WindowResult[] = [];
    while (this.#end <= largest - DISORDER_MS) this.#close(closed);
    return closed;
  }

  #close(closed: WindowResult[]): void {
    const panes = this.#panes;
    for (let at = this.#older, series = 0; at < panes.length; at += 2 * PANE, series++) {
      const count = panes[at]!;
      if (count === 0) continue;
      closed.push({ series, end: this.#end, count, mean: panes[at + 1]!, deviation: Math.sqrt(panes[at + 2]! / count) });
      panes[at] = 0;
      panes[at + 1] = 0;
      panes[at + 2] = 0;
    }
    this.#end += SIZE_MS;
    this.#older = PANE - this.#older;
  }
}
