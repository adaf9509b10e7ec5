import { DISORDER_MS, forEachSample, type Check, type Outcome } from '../samples.js';

/**
 * What an expert writes by hand for just this job: typed arrays and one loop. Two panes a series are
 * enough, as no sample is older than 5 s and windows have 10 s. Sums of squares are taken about 50, the
 * middle of the values.
 */
export function tumbling(samples: number, series: number): Outcome {
  const size = 10_000;
  const count = new Float64Array(2 * series);
  const sum = new Float64Array(2 * series);
  const square = new Float64Array(2 * series);
  const check: Check = { results: 0, counts: 0, means: 0, deviations: 0 };
  const close = (pane: number): void => {
    for (let s = 0, p = pane & 1; s < series; s++, p += 2) {
      const n = count[p]!;
      if (n === 0) continue;
      const mean = sum[p]! / n;
      check.results += 1;
      check.counts += n;
      check.means += mean + 50;
      check.deviations += Math.sqrt(Math.max(0, square[p]! / n - mean * mean));
      count[p] = 0;
      sum[p] = 0;
      square[p] = 0;
    }
  };
  const began = performance.now();
  let largest = -Infinity;
  let open = Infinity;
  forEachSample(samples, series, (s, time, value) => {
    const pane = Math.floor(time / size);
    if (time > largest) {
      largest = time;
      for (; (open + 1) * size <= time - DISORDER_MS; open++) close(open);
    }
    if (pane < open) open = pane;
    const p = 2 * s + (pane & 1);
    const v = value - 50;
    count[p]! += 1;
    sum[p]! += v;
    square[p]! += v * v;
  });
  close(open);
  close(open + 1);
  return { samples, seconds: (performance.now() - began) / 1000, check };
}

/** Keyed state: one loop over three columns. `means`: sum of |z| of the results. */
export function keyed(samples: number, series: number): Outcome {
  const mean = new Float64Array(series);
  const variance = new Float64Array(series);
  const seen = new Uint32Array(series);
  const check: Check = { results: 0, counts: 0, means: 0, deviations: 0 };
  const began = performance.now();
  forEachSample(samples, series, (s, _time, value) => {
    const d = value - mean[s]!;
    const q = variance[s]!;
    if (seen[s]! >= 10 && q > 0 && d * d > 9 * q) {
      check.results += 1;
      check.means += Math.abs(d) / Math.sqrt(q);
    }
    mean[s]! += 0.05 * d;
    variance[s] = 0.95 * (q + 0.05 * d * d);
    seen[s]! += 1;
  });
  return { samples, seconds: (performance.now() - began) / 1000, check };
}
