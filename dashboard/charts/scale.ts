import type { Unit } from '../format/units.js';

const percents = [2, 5, 10, 20, 50, 100];

/** From this share of the highest value on, the lowest is far from zero. */
const FAR = 0.9;

/**
 * The limits of an axis: from zero unless the values lie far from it, up to a round number, so that the chart
 * does not breathe with every sample.
 */
export function limits(low: number, high: number, unit: Unit): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, unit === 'percent' ? 100 : 1];
  if (unit === 'percent' && low >= 0 && high <= 100) return [0, percents.find((step) => step >= high * 1.05) ?? 100];
  const far = low > 0 && low > high * FAR;
  if (low >= 0 && !far) return [0, roundUp(high * 1.08)];
  const span = high - low || Math.abs(high) * 0.1 || 1;
  const step = roundUp(span / 5);
  const bottom = Math.floor((low - span * 0.08) / step) * step;
  return [tidy(low >= 0 ? Math.max(0, bottom) : bottom), tidy(Math.ceil((high + span * 0.08) / step) * step)];
}

/** Without the error of binary fractions. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** To the next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value * (1 - 1e-9)) ?? 10;
  return tidy(step * power);
}

/** A band counts for the limits only this many times the spread of the values: a young one is wide and would flatten the curve. */
const BAND_SHARE = 1;

/** Limits of values and of as much of a band as does not crowd them out, and as can be. */
export function withBand(low: number, high: number, bandLow: number, bandHigh: number, unit: Unit): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(bandLow)) return [low, high];
  const spread = Math.max(high - low, Math.abs(high) * 0.2) * BAND_SHARE;
  const least = low >= 0 ? 0 : -Infinity;
  const most = unit === 'percent' && high <= 100 ? 100 : Infinity;
  return [Math.min(low, Math.max(bandLow, low - spread, least)), Math.max(high, Math.min(bandHigh, high + spread, most))];
}
