import { quoted, SeriesTexts, type Columns, type RowParser } from './rows.js';

/** Reads NDJSON records: one JSON object a line. Columns that are not asked for are ignored. */
export class NdjsonRows implements RowParser {
  time = NaN;
  count = 0;
  readonly series: string[] = [];
  readonly values: number[] = [];
  problem = '';
  problemAt = 0;

  readonly #columns: Columns;
  readonly #texts = new SeriesTexts();

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  parse(bytes: Buffer, from: number, to: number): boolean {
    const text = bytes.toString('utf8', from, to);
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (error) {
      const message = (error as Error).message;
      const at = /position (\d+)/.exec(message);
      return this.#malformed(`not JSON: ${message}`, at === null ? Buffer.byteLength(text) : Buffer.byteLength(text.slice(0, Number(at[1]))));
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return this.#malformed('not a JSON object', 0);
    return this.#samples(row as Record<string, unknown>);
  }

  #samples(row: Record<string, unknown>): boolean {
    const { time, timeFormat, values } = this.#columns;
    this.count = 0;
    // A finding, as the file sink writes it: not a sample.
    if (row['finding'] !== undefined && row[time] === undefined) return true;
    const at = row[time];
    const written = typeof at === 'number' ? String(at) : at;
    if (typeof written !== 'string') return this.#malformed(`no ${JSON.stringify(time)}`, 0);
    const ascii = Buffer.from(written, 'latin1');
    this.time = timeFormat(ascii, 0, ascii.length);
    if (Number.isNaN(this.time)) return this.#malformed(`${JSON.stringify(time)}: ${quoted(written)} is not a time of this format`, 0);
    for (const { column, metric } of values) {
      const value = row[column];
      if (value === null || value === undefined) {
        // Of several columns a row need not have each; its only one it must.
        if (value === undefined && values.length === 1) return this.#malformed(`no ${JSON.stringify(column)}`, 0);
        continue;
      }
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        return this.#malformed(`${JSON.stringify(column)}: ${quoted(JSON.stringify(value))} is not a number`, 0);
      }
      const text = this.#text(row, column, metric);
      if (text === undefined) return false;
      this.values[this.count] = value;
      this.series[this.count] = text;
      this.count += 1;
    }
    return true;
  }

  #text(row: Record<string, unknown>, column: string, own: string | undefined): string | undefined {
    const { labels, fixed } = this.#columns;
    const metric = own ?? this.#metric(row, column);
    if (typeof metric !== 'string') {
      this.#malformed('no "metric"; name it with metric: NAME', 0);
      return undefined;
    }
    let rowLabels: unknown;
    if (labels === undefined) rowLabels = row['labels'] ?? {};
    else {
      const chosen: Record<string, unknown> = {};
      for (const [label, from] of labels) {
        const value = row[from];
        if (value !== undefined && value !== null) chosen[label] = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
      }
      rowLabels = chosen;
    }
    const key = `${metric}\0${JSON.stringify(rowLabels)}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    if (typeof rowLabels !== 'object' || rowLabels === null || Array.isArray(rowLabels)) {
      this.#malformed('"labels" is not an object', 0);
      return undefined;
    }
    try {
      return this.#texts.make(key, metric, { ...fixed, ...(rowLabels as Record<string, string>) });
    } catch (error) {
      this.#malformed((error as Error).message, 0);
      return undefined;
    }
  }

  #metric(row: Record<string, unknown>, column: string): unknown {
    const { metric, values } = this.#columns;
    if (metric === undefined) return values.length > 1 ? column : row['metric'];
    const name = 'name' in metric ? metric.name : row[metric.column];
    return values.length > 1 && typeof name === 'string' ? `${name}_${column}` : name;
  }

  #malformed(problem: string, at: number): false {
    this.problem = problem;
    this.problemAt = at;
    return false;
  }
}
