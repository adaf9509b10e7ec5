import type { Closing, Outputs, Part, Rows, WindowState } from './state.js';

/**
 * First and last value by time; of equal times the one that arrived first is the first, the one that
 * arrived last the last. `ends`: time and value of the first, time and value of the last.
 */
export class Ends implements Part {
  clear({ ends }: WindowState, _slot: number, pane: number): void {
    ends[4 * pane] = Infinity;
    ends[4 * pane + 2] = -Infinity;
  }
  add({ ends }: WindowState, { length, time, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) {
      if (panes[i]! < 0) continue;
      const at = 4 * panes[i]!;
      const t = time[i]!;
      if (t < ends[at]!) {
        ends[at] = t;
        ends[at + 1] = value[i]!;
      }
      if (t >= ends[at + 2]!) {
        ends[at + 2] = t;
        ends[at + 3] = value[i]!;
      }
    }
  }
  append({ ends }: WindowState, _slot: number, pane: number, later: number): void {
    const to = 4 * pane;
    const from = 4 * later;
    if (ends[from]! < ends[to]!) ends.copyWithin(to, from, from + 2);
    if (ends[from + 2]! >= ends[to + 2]!) ends.copyWithin(to + 2, from + 2, from + 4);
  }
  read({ ends }: WindowState, { length, panes }: Closing, columns: Outputs, at: number): void {
    const { first, last } = columns;
    for (let j = 0; j < length; j++) {
      if (first !== undefined) first[at + j] = ends[4 * panes[j]! + 1]!;
      if (last !== undefined) last[at + j] = ends[4 * panes[j]! + 3]!;
    }
  }
}
