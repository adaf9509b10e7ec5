import { concatWith, connect, filter, groupBy, map, merge, mergeMap, range, reduce, scan, type Observable } from 'rxjs';
import { DISORDER_MS, type Sample } from '../../samples.js';
import type { KeyedResult, WindowResult } from '../totals.js';

/** A sample and the watermark that holds from it on; without a sample at the end. */
interface Step {
  readonly series: number;
  readonly sample?: Sample;
  readonly watermark: number;
}

interface Window {
  readonly series: number;
  readonly end: number;
  count: number;
  mean: number;
  /** Sum of squared deviations (Welford). */
  squares: number;
}

interface Windows {
  /** By their ends. */
  readonly open: Map<number, Window>;
  readonly closed: readonly Window[];
}

/** Takes the sample into all windows that it is in, made where they are not open, and those that the watermark has passed out of them. */
function next({ open }: Windows, { series, sample, watermark }: Step, sizeMs: number, slideMs: number): Windows {
  if (sample !== undefined) {
    const { time, value } = sample;
    for (let end = (Math.floor(time / slideMs) + 1) * slideMs; end <= time + sizeMs; end += slideMs) {
      let window = open.get(end);
      if (window === undefined) open.set(end, (window = { series, end, count: 0, mean: 0, squares: 0 }));
      const d = value - window.mean;
      window.count += 1;
      window.mean += d / window.count;
      window.squares += d * (value - window.mean);
    }
  }
  const closed = [...open.values()].filter(({ end }) => end <= watermark);
  for (const { end } of closed) open.delete(end);
  return { open, closed };
}

const start: Step = { series: NaN, watermark: -Infinity };

/**
 * As the manual has it: `groupBy` the key, and in each group a `scan` that holds its open windows. What closes
 * the last ones comes at the end of the source, once a series: `endWith` in each group costs twice as much.
 */
export const windows =
  (sizeMs: number, slideMs: number, series: number) =>
  (samples: Observable<Sample>): Observable<WindowResult> =>
    samples.pipe(
      scan((last: Step, sample): Step => ({ series: sample.series, sample, watermark: Math.max(last.watermark, sample.time - DISORDER_MS) }), start),
      concatWith(range(0, series).pipe(map((s): Step => ({ series: s, watermark: Infinity })))),
      groupBy((step) => step.series),
      mergeMap((group) => group.pipe(scan((state: Windows, step) => next(state, step, sizeMs, slideMs), { open: new Map(), closed: [] }))),
      filter(({ closed }) => closed.length > 0),
      mergeMap(({ closed }) => closed),
      map((window) => ({ series: window.series, end: window.end, count: window.count, mean: window.mean, deviation: Math.sqrt(window.squares / window.count) })),
    );

interface State {
  readonly series: number;
  readonly time: number;
  readonly seen: number;
  readonly mean: number;
  readonly variance: number;
  readonly z: number;
}

const nothing: State = { series: NaN, time: NaN, seen: 0, mean: 0, variance: 0, z: 0 };

function update({ seen, mean, variance }: State, { series, time, value }: Sample): State {
  const d = value - mean;
  return {
    series,
    time,
    seen: seen + 1,
    mean: mean + 0.05 * d,
    variance: 0.95 * (variance + 0.05 * d * d),
    z: seen >= 10 && variance > 0 ? d / Math.sqrt(variance) : 0,
  };
}

/** `scan` in each group; its states go two ways: those far out, and the last of each series. */
export function keyed(samples: Observable<Sample>): Observable<KeyedResult> {
  return samples.pipe(
    groupBy((sample) => sample.series),
    mergeMap((group) => group.pipe(scan(update, nothing))),
    connect((states) =>
      merge(
        states.pipe(
          filter(({ z }) => Math.abs(z) > 3),
          map(({ series, time, z }) => ({ series, time, z })),
        ),
        states.pipe(
          reduce((finals, state) => finals.set(state.series, state), new Map<number, State>()),
          mergeMap((finals) => finals.values()),
          map(({ series, mean, variance }) => ({ series, mean, variance })),
        ),
      ),
    ),
  );
}
