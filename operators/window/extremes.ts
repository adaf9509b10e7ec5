import type { Closing, Outputs, Part, Rows, WindowState } from './state.js';

/** Minimum and maximum, side by side in `extremes`. */
export class Extremes implements Part {
  clear({ extremes }: WindowState, _slot: number, pane: number): void {
    extremes[2 * pane] = Infinity;
    extremes[2 * pane + 1] = -Infinity;
  }
  add({ extremes }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) {
      const pane = panes[i]!;
      if (pane < 0) continue;
      const v = value[i]!;
      if (v < extremes[2 * pane]!) extremes[2 * pane] = v;
      if (v > extremes[2 * pane + 1]!) extremes[2 * pane + 1] = v;
    }
  }
  append({ extremes }: WindowState, _slot: number, pane: number, later: number): void {
    extremes[2 * pane] = Math.min(extremes[2 * pane]!, extremes[2 * later]!);
    extremes[2 * pane + 1] = Math.max(extremes[2 * pane + 1]!, extremes[2 * later + 1]!);
  }
  read({ extremes }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { min, max } = columns;
    for (let j = 0; j < length; j++) {
      if (min !== undefined) min[first + j] = extremes[2 * panes[j]!]!;
      if (max !== undefined) max[first + j] = extremes[2 * panes[j]! + 1]!;
    }
  }
}
