import { DISORDER_MS } from '../../samples.js';
import type { Totals } from '../totals.js';

const SIZE_MS = 10_000;
/** Count, mean and squared distances from it. */
const PANE = 3;

/** Windows of 10 s over series by name: two panes a series are enough, as at most two windows are open. */
export class Windows {
  readonly #totals: Totals;
  readonly #indexes = new Map<string, number>();
  #panes = new Float64Array(2 * PANE * 1_024);
  #largest = -Infinity;
  /** End of the older open window, and where its pane is. */
  #end = -Infinity;
  #older = 0;

  constructor(totals: Totals) {
    this.#totals = totals;
  }

  add(series: string, time: number, value: number): void {
    if (time > this.#largest) this.#advance(time);
    let index = this.#indexes.get(series);
    if (index === undefined) {
      index = this.#indexes.size;
      this.#indexes.set(series, index);
      if (2 * PANE * (index + 1) > this.#panes.length) {
        const grown = new Float64Array(2 * this.#panes.length);
        grown.set(this.#panes);
        this.#panes = grown;
      }
    }
    const panes = this.#panes;
    const at = 2 * PANE * index + (time < this.#end ? this.#older : PANE - this.#older);
    const n = panes[at]! + 1;
    const delta = value - panes[at + 1]!;
    const mean = panes[at + 1]! + delta / n;
    panes[at] = n;
    panes[at + 1] = mean;
    panes[at + 2]! += delta * (value - mean);
  }

  #advance(largest: number): void {
    this.#largest = largest;
    const watermark = largest - DISORDER_MS;
    if (this.#end === -Infinity) this.#end = (Math.floor(watermark / SIZE_MS) + 1) * SIZE_MS;
    // At most two windows have rows, however far time has moved.
    for (let closed = 0; closed < 2 && this.#end <= watermark; closed++) this.#close();
    if (this.#end <= watermark) this.#end = (Math.floor(watermark / SIZE_MS) + 1) * SIZE_MS;
  }

  #close(): void {
    const panes = this.#panes;
    const end = 2 * PANE * this.#indexes.size;
    for (let at = this.#older, series = 0; at < end; at += 2 * PANE, series++) {
      const count = panes[at]!;
      if (count === 0) continue;
      this.#totals.takeWindow({ series, end: this.#end, count, mean: panes[at + 1]!, deviation: Math.sqrt(panes[at + 2]! / count) });
      panes.fill(0, at, at + PANE);
    }
    this.#end += SIZE_MS;
    this.#older = PANE - this.#older;
  }
}
