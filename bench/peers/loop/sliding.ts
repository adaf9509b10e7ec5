import type { Check } from '../../engine.js';
import { DISORDER_MS, T0 } from '../../samples.js';
import type { Loop, Part } from './part.js';

const SLIDE_MS = 1_000;
/** Panes of a window. */
const PANES = 60;
/** Those of a window, the one that leaves it, and those that late samples may still come to. */
const RING = PANES + 1 + DISORDER_MS / SLIDE_MS;

/**
 * W2. A ring of panes of a second; the window of a series is a running count and sum to which the pane that
 * enters is added and from which the pane that leaves is taken. What that rounds stays: less than 1e-12 of the
 * sum a step, and nothing where a window becomes empty.
 */
export class Sliding implements Loop {
  first: number | undefined;
  readonly #part: number;
  readonly #parts: number;
  /** Counts and sums side by side: of a pane all series, of a window likewise. */
  readonly #panes: readonly Float64Array[];
  readonly #windows: Float64Array;
  #largest = -Infinity;
  /** The pane that enters next, counted from the epoch: its end is that of the window that closes. */
  #entering = Math.floor((T0 - DISORDER_MS) / SLIDE_MS);
  #results = 0;
  #counts = 0;
  #means = 0;

  constructor({ series, part, parts }: Part) {
    this.#part = part;
    this.#parts = parts;
    const length = 2 * Math.ceil(series / parts);
    this.#panes = Array.from({ length: RING }, () => new Float64Array(length));
    this.#windows = new Float64Array(length);
  }

  step(second: number, from: number, to: number): void {
    const parts = this.#parts;
    const now = T0 + second * 1000;
    let largest = this.#largest;
    for (let i = from + this.#part, at = 0; i < to; i += parts, at += 2) {
      const h = Math.imul(i, 2654435761) >>> 0;
      let time = now;
      if (h % 20 === 0) time -= 1000 * (1 + ((i >>> 3) % 5));
      const value = (h % 1000) / 10;
      if (time > largest) {
        largest = time;
        while ((this.#entering + 1) * SLIDE_MS <= largest - DISORDER_MS) this.#close();
      }
      const pane = this.#panes[Math.floor(time / SLIDE_MS) % RING]!;
      pane[at]! += 1;
      pane[at + 1]! += value;
    }
    this.#largest = largest;
  }

  end(): Check {
    const last = Math.floor(this.#largest / SLIDE_MS) + PANES;
    while (this.#entering < last) this.#close();
    return { results: this.#results, counts: this.#counts, means: this.#means };
  }

  /** Tells the window that ends with the entering pane, of each series. */
  #close(): void {
    const windows = this.#windows;
    const entering = this.#panes[this.#entering % RING]!;
    const leaving = this.#panes[(this.#entering - PANES) % RING]!;
    let results = 0;
    let counts = 0;
    let means = 0;
    for (let at = 0; at < windows.length; at += 2) {
      const n = windows[at]! + entering[at]! - leaving[at]!;
      const sum = n === 0 ? 0 : windows[at + 1]! + entering[at + 1]! - leaving[at + 1]!;
      windows[at] = n;
      windows[at + 1] = sum;
      if (n === 0) continue;
      results += 1;
      counts += n;
      means += sum / n;
    }
    leaving.fill(0);
    if (results > 0) this.first ??= performance.now();
    this.#results += results;
    this.#counts += counts;
    this.#means += means;
    this.#entering += 1;
  }
}
