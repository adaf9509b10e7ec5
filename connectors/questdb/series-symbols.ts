import { parseSeries } from '../../engine/series.js';
import type { LabelColumns } from './label-columns.js';

/** The symbols of a series' rows as pairs of column and value, `series` first; undefined where UTF-8 can't carry its text. */
export function symbolsOf(series: string, columns: LabelColumns): readonly (readonly [column: string, value: string])[] | undefined {
  if (!isWellFormed(series)) return undefined;
  const symbols: [string, string][] = [['series', series]];
  for (const [label, value] of Object.entries(parseSeries(series).labels)) {
    const column = columns.of(label);
    if (column !== undefined) symbols.push([column, value]);
  }
  return symbols;
}

/** Half a surrogate pair is no character: written as UTF-8 it would be another one, and two series might become one. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
