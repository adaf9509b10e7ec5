import { D2, output, reduce } from '@tanstack/db-ivm';
import { inBatches } from '../batches.js';
import type { Job, Told } from '../job.js';
import { Totals } from '../totals.js';

const SLIDE_MS = 1_000;
/** Seconds of a window. */
const SECONDS = 60;

/** A sample under its own number: the index tells values with such a first element apart without hashing them. */
type Row = readonly [id: number, value: number];
type Series = number;

interface Statistics {
  readonly count: number;
  readonly mean: number;
}

/** Of rows, each with how often it is there; none where there are no rows. */
function statistics(rows: readonly [Row, number][]): [Statistics, number][] {
  let count = 0;
  let sum = 0;
  for (const [[, value], times] of rows) {
    count += times;
    sum += times * value;
  }
  return count === 0 ? [] : [[{ count, mean: sum / count }, 1]];
}

/**
 * W2. A view of the last minute, one row a series: each second that the watermark has passed enters it, and the
 * one a minute before leaves it. After that the view is the result.
 */
export function sliding({ samples, series }: Job): Told {
  const graph = new D2();
  const input = graph.newInput<[Series, Row]>();
  const view = new Map<Series, Statistics>();
  input.pipe(
    reduce<Series, Row, Statistics, [Series, Row]>(statistics),
    output((changes) => {
      for (const [[s, row], times] of changes.getInner()) {
        if (times > 0) view.set(s, row);
        else if (view.get(s) === row) view.delete(s);
      }
    }),
  );
  graph.finalize();
  /** By second. */
  const rows = new Map<number, [[Series, Row], number][]>();
  let entering = Infinity;
  let last = -Infinity;
  const totals = new Totals();

  const close = (second: number): void => {
    const left = rows.get(second - SECONDS) ?? [];
    input.sendData([...(rows.get(second) ?? []), ...left.map<[[Series, Row], number]>(([row]) => [row, -1])]);
    rows.delete(second - SECONDS);
    graph.run();
    const end = (second + 1) * SLIDE_MS;
    for (const [s, { count, mean }] of view) totals.takeWindow({ series: s, end, count, mean, deviation: NaN });
  };

  inBatches(
    samples,
    series,
    (id, s, time, value) => {
      const second = Math.floor(time / SLIDE_MS);
      const row: [[Series, Row], number] = [[s, [id, value]], 1];
      const others = rows.get(second);
      if (others === undefined) rows.set(second, [row]);
      else others.push(row);
      entering = Math.min(entering, second);
      last = Math.max(last, second);
    },
    (watermark) => {
      const until = Math.min(Math.floor(watermark / SLIDE_MS), last + SECONDS);
      for (; entering < until; entering++) close(entering);
    },
  );
  return totals.told('W2');
}
