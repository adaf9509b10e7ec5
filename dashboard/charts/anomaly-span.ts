import type { Anomaly } from '../live/protocol.js';
import type { Track } from '../store/track.js';

/** From when to when an anomaly lasted; one that is open lasts until `edge`. */
export function spanOf(anomaly: Anomaly, edge: number): [from: number, to: number] {
  return [Date.parse(anomaly.opened_at), anomaly.state === 'closed' ? Date.parse(anomaly.timestamp) : edge];
}

/** Where the mark of an anomaly goes: on the curve, at the value furthest out in its direction. Without rows: as the anomaly says. */
export function peakOf(anomaly: Anomaly, track: Track, edge: number): { time: number; value: number } {
  const [from, to] = spanOf(anomaly, edge);
  let best = { time: from, value: anomaly.value };
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
