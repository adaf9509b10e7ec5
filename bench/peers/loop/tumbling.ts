import type { Check } from '../../engine.js';
import { DISORDER_MS, T0 } from '../../samples.js';
import type { Loop, Part } from './part.js';

const SIZE_MS = 10_000;
/** The middle of the values: sums are taken about it, so that squares do not cancel. */
const MIDDLE = 50;
/** Count, sum and sum of squares of a pane. */
const PANE = 3;

/** W1. Two panes a series are enough: at most two windows are open, as they are longer than samples are late. */
export class Tumbling implements Loop {
  first: number | undefined;
  readonly #part: number;
  readonly #parts: number;
  /** By series: its pane of even windows, then that of odd ones. */
  readonly #panes: Float64Array;
  #largest = -Infinity;
  /** End of the older open window, and where its pane is. */
  #end = (Math.floor((T0 - DISORDER_MS) / SIZE_MS) + 1) * SIZE_MS;
  #older = 0;
  #results = 0;
  #counts = 0;
  #means = 0;
  #deviations = 0;

  constructor({ series, part, parts }: Part) {
    this.#part = part;
    this.#parts = parts;
    this.#panes = new Float64Array(2 * PANE * Math.ceil(series / parts));
  }

  step(second: number, from: number, to: number): void {
    const panes = this.#panes;
    const parts = this.#parts;
    const now = T0 + second * 1000;
    let largest = this.#largest;
    let end = this.#end;
    let older = this.#older;
    for (let i = from + this.#part, pane = 0; i < to; i += parts, pane += 2 * PANE) {
      const h = Math.imul(i, 2654435761) >>> 0;
      let time = now;
      if (h % 20 === 0) time -= 1000 * (1 + ((i >>> 3) % 5));
      const value = (h % 1000) / 10;
      if (time > largest) {
        largest = time;
        while (this.#end <= largest - DISORDER_MS) this.#close();
        end = this.#end;
        older = this.#older;
      }
      const at = pane + (time < end ? older : PANE - older);
      const v = value - MIDDLE;
      panes[at]! += 1;
      panes[at + 1]! += v;
      panes[at + 2]! += v * v;
    }
    this.#largest = largest;
  }

  end(): Check {
    this.#close();
    this.#close();
    return { results: this.#results, counts: this.#counts, means: this.#means, deviations: this.#deviations };
  }

  /** Tells the older window of each series, whose panes then are the younger's. */
  #close(): void {
    const panes = this.#panes;
    let results = 0;
    let counts = 0;
    let means = 0;
    let deviations = 0;
    for (let at = this.#older; at < panes.length; at += 2 * PANE) {
      const n = panes[at]!;
      if (n === 0) continue;
      const mean = panes[at + 1]! / n;
      results += 1;
      counts += n;
      means += mean + MIDDLE;
      deviations += Math.sqrt(Math.max(0, panes[at + 2]! / n - mean * mean));
      panes[at] = 0;
      panes[at + 1] = 0;
      panes[at + 2] = 0;
    }
    if (results > 0) this.first ??= performance.now();
    this.#results += results;
    this.#counts += counts;
    this.#means += means;
    this.#deviations += deviations;
    this.#end += SIZE_MS;
    this.#older = PANE - this.#older;
  }
}
