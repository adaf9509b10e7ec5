import { DISORDER_MS, T0 } from '../samples.js';

/**
 * Makes the samples of a job in batches of a second each, one sample a series, in their order; after each batch
 * comes the watermark that holds from then on, and infinity at the end. What an incremental view is fed with.
 */
export function inBatches(count: number, series: number, take: (id: number, series: number, time: number, value: number) => void, advance: (watermark: number) => void): void {
  let largest = -Infinity;
  for (let from = 0, now = T0; from < count; from += series, now += 1000) {
    const to = Math.min(from + series, count);
    for (let i = from, s = 0; i < to; i++, s++) {
      const h = Math.imul(i, 2654435761) >>> 0;
      const time = h % 20 === 0 ? now - 1000 * (1 + ((i >>> 3) % 5)) : now;
      if (time > largest) largest = time;
      take(i, s, time, (h % 1000) / 10);
    }
    advance(largest - DISORDER_MS);
  }
  advance(Infinity);
}
