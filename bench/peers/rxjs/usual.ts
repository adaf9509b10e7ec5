import { connect, endWith, filter, groupBy, last, map, merge, mergeMap, scan, type Observable } from 'rxjs';
import { DISORDER_MS, type Sample } from '../../samples.js';
import type { KeyedResult, WindowResult } from '../totals.js';

/** A sample and the watermark that holds from it on; without a sample at the end. */
interface Step {
  readonly sample?: Sample;
  readonly watermark: number;
}

interface Window {
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
function next({ open }: Windows, { sample, watermark }: Step, sizeMs: number, slideMs: number): Windows {
  if (sample !== undefined) {
    const { time, value } = sample;
    for (let end = (Math.floor(time / slideMs) + 1) * slideMs; end <= time + sizeMs; end += slideMs) {
      let window = open.get(end);
      if (window === undefined) open.set(end, (window = { end, count: 0, mean: 0, squares: 0 }));
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

/** As the manual has it: `groupBy` the key, and in each group a `scan` that holds its open windows. */
export const windows =
  (sizeMs: number, slideMs: number) =>
  (samples: Observable<Sample>): Observable<WindowResult> =>
    samples.pipe(
      scan((last, sample) => ({ sample, watermark: Math.max(last.watermark, sample.time - DISORDER_MS) }), { watermark: -Infinity } as Step & { sample: Sample }),
      groupBy((step) => step.sample.series),
      mergeMap((group) =>
        group.pipe(
          endWith({ watermark: Infinity }),
          scan((state: Windows, step: Step) => next(state, step, sizeMs, slideMs), { open: new Map(), closed: [] }),
          filter(({ closed }) => closed.length > 0),
          mergeMap(({ closed }) => closed),
          map(({ end, count, mean, squares }) => ({ series: group.key, end, count, mean, deviation: Math.sqrt(squares / count) })),
        ),
      ),
    );

interface State {
  readonly time: number;
  readonly seen: number;
  readonly mean: number;
  readonly variance: number;
  readonly z: number;
}

const nothing: State = { time: NaN, seen: 0, mean: 0, variance: 0, z: 0 };

function update({ seen, mean, variance }: State, { time, value }: Sample): State {
  const d = value - mean;
  return {
    time,
    seen: seen + 1,
    mean: mean + 0.05 * d,
    variance: 0.95 * (variance + 0.05 * d * d),
    z: seen >= 10 && variance > 0 ? d / Math.sqrt(variance) : 0,
  };
}

/** `scan` in each group; its states go two ways: those far out, and the last. */
export function keyed(samples: Observable<Sample>): Observable<KeyedResult> {
  return samples.pipe(
    groupBy((sample) => sample.series),
    mergeMap((group) =>
      group.pipe(
        scan(update, nothing),
        connect((states) =>
          merge(
            states.pipe(
              filter(({ z }) => Math.abs(z) > 3),
              map(({ time, z }) => ({ series: group.key, time, z })),
            ),
            states.pipe(
              last(),
              map(({ mean, variance }) => ({ series: group.key, mean, variance })),
            ),
          ),
        ),
      ),
    ),
  );
}
