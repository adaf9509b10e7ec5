import { concatAll, concatWith, defer, filter, map, scan, type Observable } from 'rxjs';
import type { Sample } from '../../samples.js';
import type { KeyedResult, WindowResult } from '../totals.js';
import { Moments } from './moments.js';
import type { Windows } from './windows.js';

/**
 * As an expert would, with the operators of the library: no `groupBy` (a subject and a subscriber a series, and
 * a state object a sample), but one `scan` for all series, whose state is in typed arrays and changed in place;
 * `filter` lets only the samples through that have closed windows, so that what costs more (`concatAll`) is
 * done once a second of event time and not once a sample.
 */
export const windows =
  (state: Windows) =>
  (samples: Observable<Sample>): Observable<WindowResult> =>
    samples.pipe(
      scan((windows, sample) => windows.add(sample), state),
      filter((windows) => windows.closed.length > 0),
      map((windows) => windows.closed),
      concatWith(defer(() => [state.end()])),
      concatAll(),
    );

export const keyed =
  (series: number) =>
  (samples: Observable<Sample>): Observable<KeyedResult> => {
    const state = new Moments(series);
    return samples.pipe(
      scan((moments, sample) => moments.add(sample), state),
      map((moments) => moments.far),
      filter((far) => far !== undefined),
      concatWith(defer(() => state.finals())),
    );
  };
