import { D2, MessageType, MultiSet, output, reduce, type DataMessage } from '@electric-sql/d2ts';
import { inBatches } from '../batches.js';
import type { Job, Told } from '../job.js';
import { Totals } from '../totals.js';

const SIZE_MS = 10_000;

/** Of series and window together. */
type Key = number;

interface Statistics {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
}

/** Of values, each with how often it is there (not consolidated); none where there are none. */
function statistics(values: [number, number][]): [Statistics, number][] {
  let count = 0;
  let sum = 0;
  for (const [value, times] of values) {
    count += times;
    sum += times * value;
  }
  if (count === 0) return [];
  const mean = sum / count;
  let squares = 0;
  for (const [value, times] of values) squares += times * (value - mean) * (value - mean);
  return [[{ count, mean, deviation: Math.sqrt(squares / count) }, 1]];
}

/**
 * W1. The version of a sample is its window, and the frontier is what the watermark has closed: so a window is
 * reduced once, when it is complete, and what comes out of its version are results. In the next version its
 * samples leave, so that they are not kept for good.
 */
export function tumbling({ samples, series }: Job): Told {
  const totals = new Totals();
  const graph = new D2({ initialFrontier: 0 });
  const input = graph.newInput<[Key, number]>();
  input.pipe(
    reduce<Key, number, Statistics, [Key, number]>(statistics),
    output((message) => {
      if (message.type !== MessageType.DATA) return;
      for (const [[key, row], times] of (message.data as DataMessage<[Key, Statistics]>).collection.getInner()) {
        if (times < 0) continue;
        const window = Math.floor(key / series);
        totals.takeWindow({ series: key - window * series, end: (window + 1) * SIZE_MS, count: row.count, mean: row.mean, deviation: row.deviation });
      }
    }),
  );
  graph.finalize();
  /** Since the last batch, and all that were sent, by window. */
  const batch = new Map<number, [[Key, number], number][]>();
  const sent = new Map<number, MultiSet<[Key, number]>[]>();

  inBatches(
    samples,
    series,
    (_id, s, time, value) => {
      const window = Math.floor(time / SIZE_MS);
      const row: [[Key, number], number] = [[window * series + s, value], 1];
      const rows = batch.get(window);
      if (rows === undefined) batch.set(window, [row]);
      else rows.push(row);
    },
    (watermark) => {
      for (const [window, rows] of batch) {
        const collection = new MultiSet(rows);
        input.sendData(window, collection);
        const others = sent.get(window);
        if (others === undefined) sent.set(window, [collection]);
        else others.push(collection);
      }
      batch.clear();
      const closing = [...sent.keys()].filter((window) => (window + 1) * SIZE_MS <= watermark).sort((a, b) => a - b);
      for (const window of closing) {
        input.sendFrontier(window + 1);
        graph.run();
        for (const collection of sent.get(window)!) input.sendData(window + 1, collection.negate());
        sent.delete(window);
      }
    },
  );
  return totals.told('W1');
}
