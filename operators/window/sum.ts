import type { Closing, Part, Rows, WindowState } from './state.js';

/** Sum. */
export class Sum implements Part {
  readonly #place: number;
  constructor(place: number) {
    this.#place = place;
  }
  clear({ sum }: WindowState, _slot: number, pane: number): void {
    sum[pane] = 0;
  }
  add({ sum }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) sum[panes[i]!]! += value[i]!;
  }
  append({ sum }: WindowState, _slot: number, pane: number, later: number): void {
    sum[pane]! += sum[later]!;
  }
  read({ sum }: WindowState, { length, stride, panes }: Closing, results: Float64Array): void {
    for (let j = 0; j < length; j++) results[this.#place * stride + j] = sum[panes[j]!]!;
  }
}
