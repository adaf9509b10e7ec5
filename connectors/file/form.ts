import type { Batch } from '../../engine/batch.js';
import type { Names } from '../../engine/operator.js';
import type { Series } from '../../engine/series.js';

/** Series whose text is kept ready; past it they are made anew, which costs time only. */
const KEPT_SERIES = 65_536;

/** Writes rows as lines of text. */
export interface RowForm {
  /** The line of row `i`, with its line end. */
  row(node: string, batch: Batch, i: number, names: Names): string;
}

/** Times of rows in order repeat: the last text is kept. */
class TimeText {
  #time = NaN;
  #text = '';

  of(time: number): string {
    if (time !== this.#time) {
      this.#time = time;
      this.#text = new Date(time).toISOString();
    }
    return this.#text;
  }
}

/** What a line says of its series, kept by canonical text. */
class SeriesParts {
  readonly #parts = new Map<string, string>();
  readonly #make: (series: Series) => string;

  constructor(make: (series: Series) => string) {
    this.#make = make;
  }

  of(slot: number, names: Names): string {
    const text = names.text(slot);
    let part = this.#parts.get(text);
    if (part === undefined) {
      part = this.#make(names.series(slot));
      if (this.#parts.size >= KEPT_SERIES) this.#parts.clear();
      this.#parts.set(text, part);
    }
    return part;
  }
}

/** `{"time":...,"metric":...,"labels":{...},"value":...}` and every further column; `node` first where several are written. */
export class NdjsonForm implements RowForm {
  readonly #several: boolean;
  readonly #time = new TimeText();
  readonly #series = new SeriesParts((series) => `","metric":${JSON.stringify(series.name)},"labels":${JSON.stringify(series.labels)},"value":`);

  constructor(several: boolean) {
    this.#several = several;
  }

  row(node: string, batch: Batch, i: number, names: Names): string {
    let line = this.#several ? `{"node":${JSON.stringify(node)},"time":"` : '{"time":"';
    line += this.#time.of(batch.time[i]!) + this.#series.of(batch.slot[i]!, names) + jsonNumber(batch.value[i]!);
    for (const column in batch.columns) line += `,"${column}":${jsonNumber(batch.columns[column]![i]!)}`;
    return `${line}}\n`;
  }
}

/** The shortest text that reads back as the same number; JSON has none for NaN and the infinities. */
function jsonNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : 'null';
}

/** RFC 4180 with a header. Its columns are those of the first row written: a later row has empty cells for what it lacks. */
export class CsvForm implements RowForm {
  readonly #several: boolean;
  readonly #dropped: (column: string) => void;
  readonly #time = new TimeText();
  readonly #series = new SeriesParts((series) => `,${csvText(series.name)},${csvText(JSON.stringify(series.labels))},`);
  #columns: readonly string[] | undefined;

  /** `header`: of the file that is continued. `dropped` is told of each value that has no column. */
  constructor(several: boolean, header: string | undefined, dropped: (column: string) => void) {
    this.#several = several;
    this.#dropped = dropped;
    if (header !== undefined) this.#columns = header.split(',').slice(this.#fixed().length);
  }

  row(node: string, batch: Batch, i: number, names: Names): string {
    let line = '';
    if (this.#columns === undefined) {
      this.#columns = Object.keys(batch.columns);
      line = `${[...this.#fixed(), ...this.#columns].join(',')}\n`;
    }
    if (this.#several) line += `${csvText(node)},`;
    line += this.#time.of(batch.time[i]!) + this.#series.of(batch.slot[i]!, names) + csvNumber(batch.value[i]!);
    for (const column of this.#columns) line += `,${csvNumber(batch.columns[column]?.[i] ?? NaN)}`;
    for (const column in batch.columns) if (!this.#columns.includes(column)) this.#dropped(column);
    return `${line}\n`;
  }

  #fixed(): string[] {
    return this.#several ? ['node', 'time', 'metric', 'labels', 'value'] : ['time', 'metric', 'labels', 'value'];
  }
}

function csvNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : '';
}

function csvText(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
