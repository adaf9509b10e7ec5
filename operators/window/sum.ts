import type { Closing, Outputs, Part, Rows, WindowState } from './state.js';

/** Sum. */
export class Sum implements Part {
  clear({ sum }: WindowState, _slot: number, pane: number): void {
    sum[pane] = 0;
  }
  add({ sum }: WindowState, { length, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) sum[panes[i]!]! += value[i]!;
  }
  append({ sum }: WindowState, _slot: number, pane: number, later: number): void {
    sum[pane]! += sum[later]!;
  }
  read({ sum }: WindowState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const sums = columns['sum']!;
    for (let j = 0; j < length; j++) sums[first + j] = sum[panes[j]!]!;
  }
}
