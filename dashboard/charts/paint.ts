import type uPlot from 'uplot';
import type { Series } from '../store/series-store.js';
import type { Track } from '../store/track.js';

/** Everything painted by `paint` stays inside the axes. */
export function clipped(u: uPlot, paint: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  paint(ctx);
  ctx.restore();
}

/** Where values are expected, between the columns `lower` and `upper`. */
export function paintBand(u: uPlot, context: CanvasRenderingContext2D, track: Track, { lower, upper }: Series, [from, to]: readonly [number, number], hole: number, colour: string): void {
  context.fillStyle = colour;
  const first = Math.max(0, track.find(from) - 1);
  const end = Math.min(track.length, track.find(to) + 1);
  let start = first;
  while (start < end) {
    let stop = start;
    while (stop < end && Number.isFinite(track.get(stop, lower)) && Number.isFinite(track.get(stop, upper)) && (stop === start || track.time(stop) - track.time(stop - 1) <= hole)) stop += 1;
    if (stop - start > 1) {
      context.beginPath();
      for (let row = start; row < stop; row++) context.lineTo(u.valToPos(track.time(row), 'x', true), u.valToPos(track.get(row, upper), 'y', true));
      for (let row = stop - 1; row >= start; row--) context.lineTo(u.valToPos(track.time(row), 'x', true), u.valToPos(track.get(row, lower), 'y', true));
      context.fill();
    }
    start = Math.max(stop, start + 1);
  }
}

/** A stretch of time, over the whole height. */
export function paintStretch(u: uPlot, context: CanvasRenderingContext2D, from: number, to: number, colour: string): void {
  const left = u.valToPos(from, 'x', true);
  const right = u.valToPos(to, 'x', true);
  context.globalAlpha = 0.09;
  context.fillStyle = colour;
  context.fillRect(left, u.bbox.top, Math.max(right - left, 2 * devicePixelRatio), u.bbox.height);
  context.globalAlpha = 1;
}

/** The part of a curve between two times, over what is drawn of it already. */
export function paintCurve(u: uPlot, context: CanvasRenderingContext2D, track: Track, from: number, to: number, hole: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 2.25 * devicePixelRatio;
  context.lineJoin = 'round';
  context.beginPath();
  let pen = false;
  for (let row = track.find(from); row < track.length && track.time(row) <= to; row++) {
    const value = track.get(row, 0);
    if (Number.isNaN(value) || (pen && track.time(row) - track.time(row - 1) > hole)) pen = false;
    if (Number.isNaN(value)) continue;
    const x = u.valToPos(track.time(row), 'x', true);
    const y = u.valToPos(value, 'y', true);
    if (pen) context.lineTo(x, y);
    else context.moveTo(x, y);
    pen = true;
  }
  context.stroke();
}
