import { Observable, type OperatorFunction } from 'rxjs';
import type { Sample } from '../../samples.js';
import type { KeyedResult, WindowResult } from '../totals.js';
import { Moments } from './moments.js';
import type { Windows } from './windows.js';

/**
 * The least that RxJS can cost: an operator from scratch for just this job, as the manual describes, between
 * the observable of samples and the subscriber to results. All that an application would say in operators is
 * in its state.
 */
export const windows =
  (state: Windows): OperatorFunction<Sample, WindowResult> =>
  (samples) =>
    new Observable((subscriber) =>
      samples.subscribe({
        next(sample) {
          for (const window of state.add(sample).closed) subscriber.next(window);
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          for (const window of state.end()) subscriber.next(window);
          subscriber.complete();
        },
      }),
    );

export const keyed =
  (series: number): OperatorFunction<Sample, KeyedResult> =>
  (samples) =>
    new Observable((subscriber) => {
      const state = new Moments(series);
      return samples.subscribe({
        next(sample) {
          const { far } = state.add(sample);
          if (far !== undefined) subscriber.next(far);
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          for (const final of state.finals()) subscriber.next(final);
          subscriber.complete();
        },
      });
    });
