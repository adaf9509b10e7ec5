import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Latencies } from '../../millrace/latencies.js';
import { DISORDER_MS } from '../../samples.js';
import { sinceEpoch, type Job, type Told } from '../job.js';
import { PacedRing, share } from './paced-ring.js';

const SIZE_MS = 1_000;
/** Windows that are open at once: one that fills, those that late samples may still come to, one that closes. */
const OPEN = DISORDER_MS / SIZE_MS + 2;
/** The middle of the values: sums are taken about it, so that squares do not cancel. */
const MIDDLE = 50;
/** For the source to start in. */
const START_MS = 200;

const now = (): number => sinceEpoch(performance.now());

/**
 * W4: a thread makes the samples by the clock, this one sleeps until there are any. A result has the latency of
 * its window's last, counted from when the source made the sample that moves the watermark; `further` has it
 * from when that sample was due.
 */
export async function latency({ samples, series }: Job): Promise<Told> {
  const start = Math.ceil((now() + START_MS) / SIZE_MS) * SIZE_MS;
  const shared = share(samples, series, start);
  const ring = new PacedRing(shared);
  const source = new Worker(new URL('paced-source.js', import.meta.url), { workerData: shared });
  await once(source, 'message');

  /** Of each open window count, sum and sum of squares of each series. */
  const panes = Array.from({ length: OPEN }, () => new Float64Array(3 * series));
  const latencies = new Latencies();
  const sinceDue = new Latencies();
  const sums = { results: 0, counts: 0, means: 0, deviations: 0 };
  let first: number | undefined;
  let largest = -Infinity;
  let end = start - DISORDER_MS + SIZE_MS;

  /** How many results the oldest window had. */
  const close = (): number => {
    const pane = panes[(end / SIZE_MS) % OPEN]!;
    const before = sums.results;
    for (let at = 0; at < pane.length; at += 3) {
      const n = pane[at]!;
      if (n === 0) continue;
      const mean = pane[at + 1]! / n;
      sums.results += 1;
      sums.counts += n;
      sums.means += mean + MIDDLE;
      sums.deviations += Math.sqrt(Math.max(0, pane[at + 2]! / n - mean * mean));
    }
    pane.fill(0);
    end += SIZE_MS;
    return sums.results - before;
  };

  for (let read = 0; read < samples; ) {
    const written = ring.written(read);
    for (; read < written; read++) {
      const row = read % ring.rows;
      const time = ring.time[row]!;
      if (time > largest) {
        largest = time;
        while (end <= largest - DISORDER_MS) {
          const ms = end + DISORDER_MS - start;
          const results = close();
          const at = now();
          if (results > 0) first ??= at;
          latencies.add(at - ring.produced[ms]!, results);
          sinceDue.add(at - (start + ms), results);
        }
      }
      const pane = panes[(Math.floor(time / SIZE_MS) + 1) % OPEN]!;
      const at = 3 * ring.series[row]!;
      const v = ring.value[row]! - MIDDLE;
      pane[at]! += 1;
      pane[at + 1]! += v;
      pane[at + 2]! += v * v;
    }
  }
  while (end <= largest + SIZE_MS) close();
  const seconds = (now() - start) / 1000;
  await source.terminate();
  const { p50, p99, max } = sinceDue.summary();
  return {
    seconds,
    ...(first === undefined ? {} : { first_result_at: first }),
    check: sums,
    latency_ms: latencies.summary(),
    further: { since_due_p50_ms: p50, since_due_p99_ms: p99, since_due_max_ms: max },
  };
}
