import type { AggregateState, Closing, Outputs, Part, Rows } from './state.js';

/**
 * Growth of a counter between its first and its last sample, and per second between them. A value smaller
 * than the one before is a reset, after which the counter has grown from 0, as in Prometheus' `increase`;
 * nothing is extrapolated. With samples at one time only there is no growth to tell: NaN.
 *
 * A reset is seen only in order of time: so must samples come, and panes be appended.
 * `counter`: time and value of the first sample, time and value of the last, growth between them.
 */
export class Growth implements Part {
  clear({ counter }: AggregateState, _slot: number, pane: number): void {
    counter[5 * pane] = Infinity;
  }

  add({ counter }: AggregateState, { length, time, value }: Rows, panes: Int32Array): void {
    for (let i = 0; i < length; i++) if (panes[i]! >= 0) follow(counter, panes[i]!, time[i]!, value[i]!);
  }

  append({ counter }: AggregateState, _slot: number, pane: number, later: number): void {
    const to = 5 * pane;
    const from = 5 * later;
    // Of a session its samples may all be waiting still.
    if (counter[from] === Infinity) return;
    if (counter[to] === Infinity) counter.copyWithin(to, from, from + 5);
    else {
      counter[to + 4]! += grown(counter[to + 3]!, counter[from + 1]!) + counter[from + 4]!;
      counter.copyWithin(to + 2, from + 2, from + 4);
    }
  }

  read({ counter }: AggregateState, { length, panes }: Closing, columns: Outputs, first: number): void {
    const { increase, rate } = columns;
    for (let j = 0; j < length; j++) {
      const at = 5 * panes[j]!;
      const elapsed = counter[at + 2]! - counter[at]!;
      const growth = elapsed > 0 ? counter[at + 4]! : NaN;
      if (increase !== undefined) increase[first + j] = growth;
      if (rate !== undefined) rate[first + j] = (1_000 * growth) / elapsed;
    }
  }
}

/** The next sample of a pane. */
export function follow(counter: Float64Array, pane: number, time: number, value: number): void {
  const at = 5 * pane;
  if (counter[at] === Infinity) {
    counter[at] = time;
    counter[at + 1] = value;
    counter[at + 4] = 0;
  } else counter[at + 4]! += grown(counter[at + 3]!, value);
  counter[at + 2] = time;
  counter[at + 3] = value;
}

function grown(before: number, after: number): number {
  return after >= before ? after - before : after;
}
