import { seriesProblem } from '../../engine/series.js';
import { parseDecimal } from '../payload/decimal.js';
import { quoted, SeriesTexts, type Columns, type RowParser } from './rows.js';

const QUOTE = 34;
const SPACE = 32;

/** The fields of a CSV record (RFC 4180) as places in its bytes: nothing is copied. */
export class Fields {
  count = 0;
  /** Field i is `bytes[start[i] .. end[i])`, without its quotes. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** It holds doubled quotes, which stand for one. */
  readonly doubled: Uint8Array;
  /** After `split` gave false: index of the byte where the record goes wrong. */
  problemAt = 0;

  constructor(room: number) {
    this.start = new Int32Array(room);
    this.end = new Int32Array(room);
    this.doubled = new Uint8Array(room);
  }

  /** Splits a record; fields past the room are counted only. False where a quoted field does not end at a delimiter. */
  split(bytes: Uint8Array, from: number, to: number, delimiter: number): boolean {
    const { start, end, doubled } = this;
    let count = 0;
    let at = from;
    for (;;) {
      if (at < to && bytes[at] === QUOTE) {
        doubled[count] = 0;
        start[count] = ++at;
        for (; ; at++) {
          if (at >= to) {
            this.problemAt = to;
            return false;
          }
          if (bytes[at] !== QUOTE) continue;
          if (at + 1 >= to || bytes[at + 1] !== QUOTE) break;
          doubled[count] = 1;
          at += 1;
        }
        end[count] = at++;
        if (at < to && bytes[at] !== delimiter) {
          this.problemAt = at;
          return false;
        }
      } else {
        doubled[count] = 0;
        start[count] = at;
        while (at < to && bytes[at] !== delimiter) at += 1;
        end[count] = at;
      }
      count += 1;
      if (at >= to) break;
      at += 1;
    }
    this.count = count;
    return true;
  }

  text(bytes: Buffer, field: number): string {
    const text = bytes.toString('utf8', this.start[field]!, this.end[field]!);
    return this.doubled[field] === 0 ? text : text.replaceAll('""', '"');
  }
}

/** The names in a header record; undefined where it is malformed. */
export function headerOf(bytes: Buffer, from: number, to: number, delimiter: number): string[] | undefined {
  const fields = new Fields(to - from + 1);
  if (!fields.split(bytes, from, to, delimiter)) return undefined;
  return Array.from({ length: fields.count }, (_, i) => fields.text(bytes, i).trim());
}

/** Reads CSV records with this header. Throws an `Error` where a column that is asked for is not in it. */
export class CsvRows implements RowParser {
  time = NaN;
  count = 0;
  readonly series: string[] = [];
  readonly values: number[] = [];
  problem = '';
  problemAt = 0;

  readonly #header: readonly string[];
  readonly #columns: Columns;
  readonly #delimiter: number;
  readonly #fields: Fields;
  readonly #time: number;
  readonly #values: readonly { readonly field: number; readonly metric: string | undefined }[];
  readonly #metric: number;
  readonly #labels: readonly { readonly label: string; readonly field: number }[];
  readonly #labelSet: number;
  readonly #texts = new SeriesTexts();
  /** The texts of the value columns where no cell of a row takes part in them. */
  readonly #constant: readonly string[] | undefined;

  constructor(header: readonly string[], columns: Columns, delimiter: number) {
    this.#header = header;
    this.#columns = columns;
    this.#delimiter = delimiter;
    this.#fields = new Fields(header.length + 1);
    this.#time = this.#find(columns.time);
    this.#values = columns.values.map(({ column, metric }) => ({ field: this.#find(column), metric }));
    const { metric, labels } = columns;
    const fixedName = metric !== undefined && 'name' in metric ? metric.name : undefined;
    const single = columns.values.length === 1;
    const automatic = metric === undefined && single && columns.values[0]!.metric === undefined;
    this.#metric = metric !== undefined && 'column' in metric ? this.#find(metric.column) : automatic ? header.indexOf('metric') : -1;
    this.#labels = (labels ?? []).map(([label, column]) => ({ label, field: this.#find(column) }));
    this.#labelSet = labels === undefined ? header.indexOf('labels') : -1;
    this.#values = this.#values.map(({ field, metric: own }) => {
      const name = own ?? (fixedName === undefined ? header[field]! : single ? fixedName : `${fixedName}_${header[field]!}`);
      return { field, metric: own === undefined && this.#metric >= 0 ? undefined : name };
    });
    for (const { field, metric: name } of this.#values) {
      const problem = name === undefined ? undefined : seriesProblem(name, {});
      if (problem !== undefined) throw new Error(`${problem}; name the metric with value: { ${JSON.stringify(header[field]!)}: NAME }`);
    }
    if (this.#metric < 0 && this.#labels.length === 0 && this.#labelSet < 0) {
      this.#constant = this.#values.map(({ metric: name }) => this.#texts.make(name!, name!, columns.fixed));
    }
  }

  parse(bytes: Buffer, from: number, to: number): boolean {
    const fields = this.#fields;
    if (!fields.split(bytes, from, to, this.#delimiter)) {
      return this.#malformed('a quoted field is not closed before a delimiter', fields.problemAt - from);
    }
    if (fields.count !== this.#header.length) {
      return this.#malformed(`${fields.count} fields, the header has ${this.#header.length}`, 0);
    }
    const timeFrom = fields.start[this.#time]!;
    this.time = this.#columns.timeFormat(bytes, timeFrom, fields.end[this.#time]!);
    if (Number.isNaN(this.time)) return this.#malformedField(bytes, from, this.#time, 'is not a time of this format');
    let count = 0;
    for (let i = 0; i < this.#values.length; i++) {
      const field = this.#values[i]!.field;
      let start = fields.start[field]!;
      let end = fields.end[field]!;
      while (start < end && bytes[start] === SPACE) start += 1;
      while (start < end && bytes[end - 1] === SPACE) end -= 1;
      if (start === end) continue;
      const value = parseDecimal(bytes, start, end);
      if (!Number.isFinite(value)) {
        if (isNaNText(bytes, start, end)) continue;
        return this.#malformedField(bytes, from, field, 'is not a finite number');
      }
      this.values[count] = value;
      if (this.#constant !== undefined) this.series[count] = this.#constant[i]!;
      else {
        const text = this.#text(bytes, from, i);
        if (text === undefined) return false;
        this.series[count] = text;
      }
      count += 1;
    }
    this.count = count;
    return true;
  }

  #text(bytes: Buffer, from: number, value: number): string | undefined {
    const fields = this.#fields;
    const own = this.#values[value]!.metric;
    const cell = this.#metric < 0 ? '' : fields.text(bytes, this.#metric);
    const several = this.#values.length > 1;
    const metric = own ?? (several ? `${cell}_${this.#header[this.#values[value]!.field]!}` : cell);
    let key = metric;
    for (const { field } of this.#labels) key += `\0${fields.text(bytes, field)}`;
    if (this.#labelSet >= 0) key += `\0${fields.text(bytes, this.#labelSet)}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    try {
      return this.#texts.make(key, metric, { ...this.#columns.fixed, ...this.#rowLabels(bytes) });
    } catch (error) {
      const place = this.#labelSet >= 0 ? this.#labelSet : (this.#labels[0]?.field ?? this.#metric);
      this.#malformed((error as Error).message, fields.start[place]! - from);
      return undefined;
    }
  }

  #rowLabels(bytes: Buffer): Record<string, string> {
    const labels: Record<string, string> = {};
    if (this.#labelSet >= 0) {
      const text = this.#fields.text(bytes, this.#labelSet);
      Object.assign(labels, text === '' ? {} : labelSet(text));
    }
    for (const { label, field } of this.#labels) {
      const text = this.#fields.text(bytes, field);
      if (text !== '') labels[label] = text;
    }
    return labels;
  }

  #find(column: string): number {
    const field = this.#header.indexOf(column);
    if (field < 0) throw new Error(`no column ${JSON.stringify(column)}; its columns are ${this.#header.map((name) => JSON.stringify(name)).join(', ')}`);
    return field;
  }

  #malformedField(bytes: Buffer, from: number, field: number, what: string): false {
    return this.#malformed(`column ${JSON.stringify(this.#header[field])}: ${quoted(this.#fields.text(bytes, field))} ${what}`, this.#fields.start[field]! - from);
  }

  #malformed(problem: string, at: number): false {
    this.problem = problem;
    this.problemAt = at;
    return false;
  }
}

function labelSet(text: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`column "labels": ${quoted(text)} is not a JSON object; say which columns are labels with labels: [...]`);
  }
  return value as Record<string, string>;
}

/** `NaN` in any case: no value, as an empty cell. */
function isNaNText(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 3 && (bytes[from]! | 32) === 110 && (bytes[from + 1]! | 32) === 97 && (bytes[from + 2]! | 32) === 110;
}
