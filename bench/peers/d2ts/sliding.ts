import { D2, MessageType, output, reduce, type DataMessage } from '@electric-sql/d2ts';
import { inBatches } from '../batches.js';
import type { Job, Told } from '../job.js';
import { Totals } from '../totals.js';

const SLIDE_MS = 1_000;
/** Seconds of a window. */
const SECONDS = 60;

/** A sample under its own number: an object, of which the library keeps the hash; that of a number it makes anew each second. */
type Row = readonly [id: number, value: number];
type Series = number;

interface Statistics {
  readonly count: number;
  readonly mean: number;
}

/** Of rows, each with how often it is there (not consolidated); none where there are none. */
function statistics(rows: [Row, number][]): [Statistics, number][] {
  let count = 0;
  let sum = 0;
  for (const [[, value], times] of rows) {
    count += times;
    sum += times * value;
  }
  return count === 0 ? [] : [[{ count, mean: sum / count }, 1]];
}

/**
 * W2. The version of a sample is its second; a minute later, in that version, it leaves. A version that is
 * complete changes the view, one row a series, which then is the result.
 */
export function sliding({ samples, series }: Job): Told {
  const graph = new D2({ initialFrontier: 0 });
  const input = graph.newInput<[Series, Row]>();
  const view = new Map<Series, Statistics>();
  input.pipe(
    reduce<Series, Row, Statistics, [Series, Row]>(statistics),
    output((message) => {
      if (message.type !== MessageType.DATA) return;
      const changes = (message.data as DataMessage<[Series, Statistics]>).collection.getInner();
      for (const [[s], times] of changes) if (times < 0) view.delete(s);
      for (const [[s, row], times] of changes) if (times > 0) view.set(s, row);
    }),
  );
  graph.finalize();
  /** Since the last batch, by version: those that enter in it, and those that leave. */
  const batch = new Map<number, [[Series, Row], number][]>();
  const put = (version: number, row: [[Series, Row], number]): void => {
    const rows = batch.get(version);
    if (rows === undefined) batch.set(version, [row]);
    else rows.push(row);
  };
  let entering = Infinity;
  let last = -Infinity;
  const totals = new Totals();

  inBatches(
    samples,
    series,
    (id, s, time, value) => {
      const second = Math.floor(time / SLIDE_MS);
      const row: [Series, Row] = [s, [id, value]];
      put(second, [row, 1]);
      put(second + SECONDS, [row, -1]);
      entering = Math.min(entering, second);
      last = Math.max(last, second);
    },
    (watermark) => {
      const until = Math.min(Math.floor(watermark / SLIDE_MS), last + SECONDS);
      for (; entering < until; entering++) {
        const rows = batch.get(entering);
        if (rows !== undefined) input.sendData(entering, rows);
        batch.delete(entering);
        input.sendFrontier(entering + 1);
        graph.run();
        const end = (entering + 1) * SLIDE_MS;
        for (const [s, { count, mean }] of view) totals.takeWindow({ series: s, end, count, mean, deviation: NaN });
      }
    },
  );
  return totals.told('W2');
}
