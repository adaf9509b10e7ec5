import { D2, output, reduce } from '@tanstack/db-ivm';
import { inBatches } from '../batches.js';
import type { Job, Told } from '../job.js';
import { Totals } from '../totals.js';

const SIZE_MS = 10_000;

/** A sample under its own number: the index tells values with such a first element apart without hashing them. */
type Row = readonly [id: number, value: number];
/** Of series and window together. */
type Key = number;

interface Statistics {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
}

/** Of rows, each with how often it is there; none where there are no rows. */
function statistics(rows: readonly [Row, number][]): [Statistics, number][] {
  let count = 0;
  let sum = 0;
  for (const [[, value], times] of rows) {
    count += times;
    sum += times * value;
  }
  if (count === 0) return [];
  const mean = sum / count;
  let squares = 0;
  for (const [[, value], times] of rows) squares += times * (value - mean) * (value - mean);
  return [[{ count, mean, deviation: Math.sqrt(squares / count) }, 1]];
}

/**
 * W1. A view of all open windows, one row a series and window. Rows are sent as they come, but the graph runs
 * only where the watermark has passed the end of a window, as there is no result before: running it every
 * second costs twice as much. The rows of windows that are closed leave the view.
 */
export function tumbling({ samples, series }: Job): Told {
  const graph = new D2();
  const input = graph.newInput<[Key, Row]>();
  const view = new Map<Key, Statistics>();
  input.pipe(
    reduce<Key, Row, Statistics, [Key, Row]>(statistics),
    output((changes) => {
      for (const [[key, row], times] of changes.getInner()) {
        if (times > 0) view.set(key, row);
        else if (view.get(key) === row) view.delete(key);
      }
    }),
  );
  graph.finalize();
  const rows = new Map<number, [[Key, Row], number][]>();
  let batch: [[Key, Row], number][] = [];
  const totals = new Totals();

  const close = (window: number): void => {
    const end = (window + 1) * SIZE_MS;
    for (let s = 0, key = window * series; s < series; s++, key++) {
      const row = view.get(key);
      if (row !== undefined) totals.takeWindow({ series: s, end, count: row.count, mean: row.mean, deviation: row.deviation });
    }
    for (const [row] of rows.get(window)!) batch.push([row, -1]);
    rows.delete(window);
  };

  inBatches(
    samples,
    series,
    (id, s, time, value) => {
      const window = Math.floor(time / SIZE_MS);
      const row: [[Key, Row], number] = [[window * series + s, [id, value]], 1];
      batch.push(row);
      const others = rows.get(window);
      if (others === undefined) rows.set(window, [row]);
      else others.push(row);
    },
    (watermark) => {
      input.sendData(batch);
      batch = [];
      const closing = [...rows.keys()].filter((window) => (window + 1) * SIZE_MS <= watermark);
      if (closing.length === 0) return;
      graph.run();
      for (const window of closing) close(window);
    },
  );
  return totals.told('W1');
}
