import { filter, groupBy, map, mergeMap, Observable, scan, tap } from 'rxjs';
import { DISORDER_MS, forEachSample, type Check, type Outcome, type Sample } from '../samples.js';

const SIZE_MS = 10_000;

interface Window {
  start: number;
  count: number;
  mean: number;
  m2: number;
}

/** Samples as objects, which is what flows in an observable; each with the watermark before it. */
function source(samples: number, series: number): Observable<Sample & { readonly watermark: number }> {
  return new Observable((subscriber) => {
    let largest = -Infinity;
    forEachSample(samples, series, (s, time, value) => {
      if (time > largest) largest = time;
      subscriber.next({ series: s, time, value, watermark: largest - DISORDER_MS });
    });
    // A sample of no weight closes what is open.
    for (let s = 0; s < series; s++) subscriber.next({ series: s, time: NaN, value: NaN, watermark: Infinity });
    subscriber.complete();
  });
}

function add(open: Window[], time: number, value: number): void {
  const start = Math.floor(time / SIZE_MS) * SIZE_MS;
  let window = open.find((w) => w.start === start);
  if (window === undefined) open.push((window = { start, count: 0, mean: 0, m2: 0 }));
  window.count += 1;
  const d = value - window.mean;
  window.mean += d / window.count;
  window.m2 += d * (value - window.mean);
}

function tell(check: Check, { count, mean, m2 }: Window): void {
  check.results += 1;
  check.counts += count;
  check.means += mean;
  check.deviations += Math.sqrt(m2 / count);
}

const none = (): Check => ({ results: 0, counts: 0, means: 0, deviations: 0 });

/** As the manual has it: `groupBy` the key, and in each group a `scan` that holds its open windows. */
export function tumblingByGroups(samples: number, series: number): Outcome {
  const check = none();
  const began = performance.now();
  source(samples, series)
    .pipe(
      groupBy((sample) => sample.series),
      mergeMap((group) =>
        group.pipe(
          scan(
            (state, sample) => {
              if (!Number.isNaN(sample.time)) add(state.open, sample.time, sample.value);
              const closed = state.open.filter((w) => w.start + SIZE_MS <= sample.watermark);
              return { open: closed.length === 0 ? state.open : state.open.filter((w) => !closed.includes(w)), closed };
            },
            { open: [] as Window[], closed: [] as Window[] },
          ),
          mergeMap((state) => state.closed),
        ),
      ),
    )
    .subscribe((window) => tell(check, window));
  return { samples, seconds: (performance.now() - began) / 1000, check };
}

/** As an expert would: one operator over typed columns, so that only the samples are objects. */
export function tumblingByExpert(samples: number, series: number): Outcome {
  const check = none();
  const count = new Float64Array(2 * series);
  const mean = new Float64Array(2 * series);
  const m2 = new Float64Array(2 * series);
  const start = new Float64Array(2 * series).fill(NaN);
  const began = performance.now();
  let closedUpTo = -Infinity;
  const close = (p: number): void => {
    tell(check, { start: start[p]!, count: count[p]!, mean: mean[p]!, m2: m2[p]! });
    start[p] = NaN;
  };
  source(samples, series)
    .pipe(
      tap((sample) => {
        const upTo = Math.floor(sample.watermark / SIZE_MS) * SIZE_MS;
        if (upTo <= closedUpTo) return;
        closedUpTo = upTo;
        for (let p = 0; p < 2 * series; p++) if (start[p]! + SIZE_MS <= upTo) close(p);
      }),
      filter((sample) => !Number.isNaN(sample.time)),
      map((sample) => {
        const pane = Math.floor(sample.time / SIZE_MS);
        const p = 2 * sample.series + (pane & 1);
        if (Number.isNaN(start[p])) {
          start[p] = pane * SIZE_MS;
          count[p] = 0;
          mean[p] = 0;
          m2[p] = 0;
        }
        count[p]! += 1;
        const d = sample.value - mean[p]!;
        mean[p]! += d / count[p]!;
        m2[p]! += d * (sample.value - mean[p]!);
        return p;
      }),
    )
    .subscribe();
  return { samples, seconds: (performance.now() - began) / 1000, check };
}
