import type { Track } from '../store/track.js';

/** Rows of several tracks on one axis of time: null is a hole in a series, undefined a time at which it has no row. */
export interface Aligned {
  readonly times: number[];
  readonly values: (number | null | undefined)[][];
}

/** @param from, to the stretch to show; one row on either side is taken along, for lines that enter and leave */
export function align(tracks: readonly Track[], from: number, to: number): Aligned {
  const at = tracks.map((track) => Math.max(0, track.find(from) - 1));
  const end = tracks.map((track) => Math.min(track.length, track.find(to) + 1));
  const times: number[] = [];
  const values: (number | null | undefined)[][] = tracks.map(() => []);
  for (;;) {
    let next = Infinity;
    for (let t = 0; t < tracks.length; t++) if (at[t]! < end[t]!) next = Math.min(next, tracks[t]!.time(at[t]!));
    if (next === Infinity) return { times, values };
    times.push(next);
    for (let t = 0; t < tracks.length; t++) {
      const row = at[t]!;
      if (row < end[t]! && tracks[t]!.time(row) === next) {
        const value = tracks[t]!.get(row, 0);
        values[t]!.push(Number.isNaN(value) ? null : value);
        at[t] = row + 1;
      } else values[t]!.push(undefined);
    }
  }
}

/** How many of the newest rows tell the usual interval. */
const LOOK_BACK = 30;
const MISSED = 3.5;

/** A longer time than this between two rows is a hole in the line: several rows are missing. */
export function holeOf(track: Track): number {
  const from = Math.max(1, track.length - LOOK_BACK);
  const intervals: number[] = [];
  for (let row = from; row < track.length; row++) intervals.push(track.time(row) - track.time(row - 1));
  if (intervals.length < 3) return Infinity;
  intervals.sort((a, b) => a - b);
  return intervals[intervals.length >> 1]! * MISSED;
}
