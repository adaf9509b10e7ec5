import { Observable } from 'rxjs';
import { T0, type Sample } from '../../samples.js';

/** The samples of a workload, each an object, as values of an observable have to be. */
export function samples(count: number, series: number): Observable<Sample> {
  return new Observable((subscriber) => {
    for (let i = 0, s = 0, now = T0; i < count && !subscriber.closed; i++) {
      const h = Math.imul(i, 2654435761) >>> 0;
      subscriber.next({ series: s, time: h % 20 === 0 ? now - 1000 * (1 + ((i >>> 3) % 5)) : now, value: (h % 1000) / 10 });
      s += 1;
      if (s === series) {
        s = 0;
        now += 1000;
      }
    }
    subscriber.complete();
  });
}
