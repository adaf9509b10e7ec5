import { formatDuration } from '../../engine/scalars.js';
import { FOUND, NONE, type Season } from './season.js';

/** Texts for people. All numbers are shown to a tenth of the band's order of magnitude, which is what can be told apart. */
export interface Told {
  /** Canonical text of the series. */
  readonly series: string;
  readonly peak: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** Distance of the peak from what was expected; 0: nothing had ever varied. */
  readonly deviations: number;
  /** The band holds the peak: it is told for its score alone. */
  readonly inside: boolean;
  readonly direction: 'up' | 'down';
  /** By which season it is expected. */
  readonly season: Season;
  /** Of a season that was found, ms. */
  readonly period: number;
  /** Which of the methods find the row unusual, of so many. */
  readonly agreeing: readonly string[];
  readonly methods: number;
  /** On the width of the band, by feedback. */
  readonly factor: number;
}

/** `cpu_usage{host="a"} was 97.2; at this time of day 38 to 52 is usual (expected 45.1); 8.4 deviations above; 2 of 4 methods agree (deviation, change)` */
export function explainOutside(told: Told): string {
  return `${told.series} was ${rounded(told.peak, told)}; ${usual(told)}; ${distance(told)}${agreement(told)}${taught(told)}`;
}

/** @param after `20s`: how long the anomaly was open */
export function explainClosed(told: Told, after: string): string {
  return `${told.series} is back to usual after ${after}; it was ${rounded(told.peak, told)} at its furthest; ${usual(told)}; ${distance(told)}`;
}

export function explainAdapted(told: Told, rows: number, after: string): string {
  return `${told.series} has stayed away for ${rows} samples (${after}), which is its new normal; it was ${rounded(told.peak, told)} at its furthest; ${usual(told)} before; ${distance(told)}`;
}

/** @param after how long it was open */
export function explainMuted(told: Told, after: string): string {
  return `${told.series} is in maintenance: the anomaly is closed after ${after}; it was ${rounded(told.peak, told)} at its furthest; ${usual(told)}; ${distance(told)}`;
}

const WHEN = ['at this time of the hour ', 'at this time of day ', 'at this time of the week '] as const;

function usual(told: Told): string {
  if (told.lower === told.upper) return `it had always been ${rounded(told.expected, told)}`;
  const when = told.season === NONE ? '' : told.season === FOUND ? `at this time of its ${formatDuration(Number((told.period / 1_000).toPrecision(3)) * 1_000)} ` : WHEN[told.season];
  return `${when}${rounded(told.lower, told)} to ${rounded(told.upper, told)} is usual (expected ${rounded(told.expected, told)})`;
}

function distance(told: Told): string {
  if (told.inside) return 'inside of the band, but a surprise';
  const side = told.direction === 'up' ? 'above' : 'below';
  if (told.deviations === 0) return side;
  return `${told.deviations < 1000 ? told.deviations.toFixed(1) : 'more than 1000'} deviations ${side}`;
}

function agreement({ agreeing, methods }: Told): string {
  return methods > 1 && agreeing.length > 0 ? `; ${agreeing.length} of ${methods} methods agree (${agreeing.join(', ')})` : '';
}

function taught({ factor }: Told): string {
  return factor === 1 ? '' : `; the band is ${factor.toFixed(2)} times as wide, by feedback`;
}

function rounded(value: number, { lower, upper }: Told): string {
  const width = upper - lower;
  if (!(width > 0)) return String(Number(value.toPrecision(6)));
  const decimals = 1 - Math.floor(Math.log10(width / 2));
  if (decimals > 0) return String(Number(value.toFixed(Math.min(decimals, 100))));
  const unit = 10 ** -decimals;
  return String(Math.round(value / unit) * unit);
}
