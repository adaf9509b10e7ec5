import { seriesProblem, seriesText } from '../../engine/series.js';
import type { TimeFormat } from './time.js';

/** Which columns mean what, as the config says it. */
export interface Columns {
  readonly time: string;
  readonly timeFormat: TimeFormat;
  /** Value columns, and the name of each one's metric; undefined: the row's. */
  readonly values: readonly { readonly column: string; readonly metric: string | undefined }[];
  /** The metric's name, or the column that holds it; neither: the column `metric` where there is one, else the value column's name. */
  readonly metric: { readonly name: string } | { readonly column: string } | undefined;
  /** Label name and column; undefined: the column `labels`, a JSON object, where there is one. */
  readonly labels: readonly (readonly [label: string, column: string])[] | undefined;
  /** Labels that every row gets unless it has them itself. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** Reads one record into a time and the samples it holds. One object, filled anew for each record: no allocation a row. */
export interface RowParser {
  time: number;
  /** Samples of the record: `series[i]` (canonical text) has `values[i]`, i < count. */
  count: number;
  readonly series: string[];
  readonly values: number[];
  /** After `parse` gave false: what is wrong, and at which byte of the record. */
  problem: string;
  problemAt: number;
  /** False: the record is malformed. A record without a sample (an empty value) is not. */
  parse(bytes: Buffer, from: number, to: number): boolean;
}

/** Different label sets of one file whose texts are kept; past it they are made anew, which costs time only. */
const KEPT_TEXTS = 65_536;

/** Makes canonical texts and keeps them, by a key that stands for metric and labels. */
export class SeriesTexts {
  readonly #texts = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  /** Throws an `Error` that says why these can't be a series. */
  make(key: string, metric: string, labels: Readonly<Record<string, string>>): string {
    const problem = seriesProblem(metric, labels);
    if (problem !== undefined) throw new Error(problem);
    const text = seriesText(metric, labels);
    if (this.#texts.size >= KEPT_TEXTS) this.#texts.clear();
    this.#texts.set(key, text);
    return text;
  }
}

/** A text for a message: quoted and short. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
