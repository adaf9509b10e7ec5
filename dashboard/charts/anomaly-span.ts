import type { Anomaly } from '../live/protocol.js';
import type { Track } from '../store/track.js';

/** From when to when an anomaly lasted; one that is open lasts until `edge`. */
export function spanOf(anomaly: Anomaly, edge: number): [from: number, to: number] {
  return [Date.parse(anomaly.opened_at), anomaly.state === 'closed' ? Date.parse(anomaly.timestamp) : edge];
}

/** The newest value before; 0: there is none. */
function lastBefore(track: Track, time: number): number {
  for (let row = Math.min(track.find(time), track.length) - 1; row >= 0; row--) if (!Number.isNaN(track.get(row, 0))) return track.get(row, 0);
  return 0;
}

/** Where the mark of an anomaly goes: on the curve, at the value furthest out in its direction. Without rows: as the anomaly says, or, where it says nothing of the series' own values, where the curve ended. */
export function peakOf(anomaly: Anomaly, track: Track, edge: number): { time: number; value: number } {
  const [from, to] = spanOf(anomaly, edge);
  let best = { time: from, value: anomaly.measure === undefined ? anomaly.value : lastBefore(track, from) };
  let found = false;
  const sign = anomaly.direction === 'up' ? 1 : -1;
  // An average over a step begins before what it averages.
  for (let row = track.find(from - track.step); row < track.length && track.time(row) <= to; row++) {
    const value = track.get(row, 0);
    if (Number.isNaN(value) || (found && value * sign <= best.value * sign)) continue;
    best = { time: track.time(row), value };
    found = true;
  }
  return best;
}
