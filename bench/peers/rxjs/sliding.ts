import { DISORDER_MS, T0, type Sample } from '../../samples.js';
import type { WindowResult } from '../totals.js';
import { NONE, type Windows } from './windows.js';

const SLIDE_MS = 1_000;
/** Panes of a window. */
const PANES = 60;
/** Those of a window, the one that leaves it, and those that late samples may still come to. */
const RING = PANES + 1 + DISORDER_MS / SLIDE_MS;

/** Windows of 60 s every second: a ring of panes of a second, and a running count and sum a series. */
export class Sliding implements Windows {
  closed = NONE;
  /** Counts and sums side by side: of a pane all series, of a window likewise. */
  readonly #panes: readonly Float64Array[];
  readonly #windows: Float64Array;
  #largest = -Infinity;
  /** The pane that enters next, counted from the epoch: its end is that of the window that closes. */
  #entering = Math.floor((T0 - DISORDER_MS) / SLIDE_MS);

  constructor(series: number) {
    this.#panes = Array.from({ length: RING }, () => new Float64Array(2 * series));
    this.#windows = new Float64Array(2 * series);
  }

  add({ series, time, value }: Sample): this {
    this.closed = time > this.#largest ? this.#advance(time, Math.floor((time - DISORDER_MS) / SLIDE_MS)) : NONE;
    const pane = this.#panes[Math.floor(time / SLIDE_MS) % RING]!;
    pane[2 * series]! += 1;
    pane[2 * series + 1]! += value;
    return this;
  }

  end(): readonly WindowResult[] {
    return this.#advance(this.#largest, Math.floor(this.#largest / SLIDE_MS) + PANES);
  }

  /** Closes the windows that end before pane `until` ends. */
  #advance(largest: number, until: number): readonly WindowResult[] {
    this.#largest = largest;
    if (this.#entering >= until) return NONE;
    const closed: WindowResult[] = [];
    while (this.#entering < until) this.#close(closed);
    return closed;
  }

  #close(closed: WindowResult[]): void {
    const windows = this.#windows;
    const entering = this.#panes[this.#entering % RING]!;
    const leaving = this.#panes[(this.#entering - PANES) % RING]!;
    this.#entering += 1;
    const end = this.#entering * SLIDE_MS;
    for (let at = 0, series = 0; at < windows.length; at += 2, series++) {
      const count = windows[at]! + entering[at]! - leaving[at]!;
      // Nothing stays of what was rounded where a window becomes empty.
      const sum = count === 0 ? 0 : windows[at + 1]! + entering[at + 1]! - leaving[at + 1]!;
      windows[at] = count;
      windows[at + 1] = sum;
      if (count > 0) closed.push({ series, end, count, mean: sum / count, deviation: NaN });
    }
    leaving.fill(0);
  }
}
