import type { History, HistoryRow } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import { MOST_FINDINGS, MOST_ROWS } from './limits.js';
import { literal, OWN_COLUMNS, quoted, TIME, type TableNames } from './names.js';
import { NoTable, Reader, type Cell } from './reader.js';
import { microseconds } from './row-encoder.js';

/** The last time that QuestDB reads as a text, and its first. */
const LAST_TIME = Date.UTC(9999, 11, 31);
const FIRST_TIME = 0;

type RowQuery = Parameters<History['rows']>[0];
type FindingQuery = Parameters<History['findings']>[0];

/** Reads back what QuestDB shows: what waits in the spool, or was written a moment ago, is not there yet. */
export class QuestdbHistory implements History {
  readonly #names: TableNames;
  readonly #reader: Reader;
  readonly #opened: () => unknown;

  /** `opened` throws where the sink is not open. */
  constructor({ url, postgres }: { readonly url: string; readonly postgres?: string | undefined }, names: TableNames, opened: () => unknown) {
    this.#names = names;
    this.#reader = new Reader(postgres ?? `postgresql://admin:quest@${new URL(url).hostname}:8812/qdb`);
    this.#opened = opened;
  }

  async nodes(): Promise<readonly string[]> {
    this.#opened();
    const tables = await this.#reader.rows(`SELECT table_name FROM tables() WHERE dedup AND designatedTimestamp = '${TIME}'`);
    const nodes: string[] = [];
    for (const [table] of tables as string[][]) {
      const node = this.#names.node(table!);
      if (node !== undefined && (await this.#numbers(table!)) !== undefined) nodes.push(node);
    }
    return nodes.sort();
  }

  async rows(query: RowQuery): Promise<readonly HistoryRow[]> {
    this.#opened();
    const table = this.#names.table(query.node);
    const columns = await this.#numbers(table);
    if (columns === undefined || !(query.to >= query.from)) return [];
    return query.buckets === undefined ? this.#raw(table, columns, query) : this.#downsampled(table, columns, { ...query, buckets: query.buckets });
  }

  async findings(query: FindingQuery): Promise<readonly Finding[]> {
    this.#opened();
    const conditions = [...during('time', query.from, Infinity), ...during(TIME, -Infinity, query.to)];
    for (const column of ['kind', 'metric', 'id'] as const) {
      const value = query[column];
      if (value !== undefined) conditions.push(`${column} = ${literal(value)}`);
    }
    try {
      const found = await this.#reader.rows(`SELECT body FROM ${quoted(this.#names.findings)}${where(conditions)} ORDER BY time DESC, id LIMIT ${limitOf(query.limit, MOST_FINDINGS)}`);
      return found.map(([body]) => JSON.parse(body as string) as Finding);
    } catch (error) {
      if (error instanceof NoTable) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  /** The further columns of numbers of a table of rows; undefined where it is none. */
  async #numbers(table: string): Promise<string[] | undefined> {
    try {
      const columns = (await this.#reader.rows(`SELECT "column", type FROM table_columns(${literal(table)})`)) as [string, string][];
      const names = columns.map(([name]) => name);
      if (!OWN_COLUMNS.every((name) => names.includes(name))) return undefined;
      return columns.filter(([name, type]) => type === 'DOUBLE' && name !== 'value').map(([name]) => name);
    } catch (error) {
      if (error instanceof NoTable) return undefined;
      throw error;
    }
  }

  async #raw(table: string, columns: readonly string[], query: RowQuery): Promise<HistoryRow[]> {
    const selected = [`cast(${TIME} AS long)`, 'series', 'value', ...columns.map(quoted)];
    const found = await this.#reader.rows(`SELECT ${selected.join(', ')} FROM ${quoted(table)}${where(conditionsOf(query))} ORDER BY ${TIME}, series LIMIT ${limitOf(query.limit, MOST_ROWS)}`);
    return found.map(([time, series, value, ...further]) => ({ time: Number(time) / 1_000, series: series as string, value: numberOf(value!), columns: columnsOf(columns, further) }));
  }

  /** One row a series and bucket, at the bucket's begin: means, and `min` and `max` of the value or of the node's own such columns. */
  async #downsampled(table: string, columns: readonly string[], query: RowQuery & { readonly buckets: number }): Promise<HistoryRow[]> {
    const from = Math.max(FIRST_TIME, query.from);
    const step = Math.max(1, Math.ceil((Math.min(LAST_TIME, query.to) - from) / Math.max(1, Math.floor(query.buckets))));
    const further = columns.map((name) => ({ name, sql: `${name === 'min' || name === 'max' ? name : 'avg'}(${quoted(name)})` }));
    for (const extreme of ['min', 'max']) if (!columns.includes(extreme)) further.push({ name: extreme, sql: `${extreme}(value)` });
    const bucket = `(cast(${TIME} AS long) - ${microseconds(from)}) / ${microseconds(step)}`;
    const selected = [`${bucket} AS bucket_of_rows`, 'series', 'avg(value)', ...further.map(({ sql }, k) => `${sql} AS column_${k}`)];
    const found = await this.#reader.rows(
      `SELECT ${selected.join(', ')} FROM ${quoted(table)}${where(conditionsOf(query))} GROUP BY bucket_of_rows, series ORDER BY bucket_of_rows, series LIMIT ${limitOf(query.limit, MOST_ROWS)}`,
    );
    const names = further.map(({ name }) => name);
    return found.map(([at, series, value, ...numbers]) => ({ time: from + Number(at) * step, series: series as string, value: numberOf(value!), columns: columnsOf(names, numbers) }));
  }
}

function numberOf(cell: Cell): number {
  return typeof cell === 'number' ? cell : Number.NaN;
}

/** Only those that have a value. */
function columnsOf(names: readonly string[], cells: readonly Cell[]): Record<string, number> {
  const columns: Record<string, number> = {};
  for (const [k, name] of names.entries()) {
    const number = numberOf(cells[k]!);
    if (!Number.isNaN(number)) columns[name] = number;
  }
  return columns;
}

function conditionsOf({ from, to, after, metric, labels = {} }: RowQuery): string[] {
  const conditions = during(TIME, from, to);
  if (after !== undefined) conditions.push(`(${TIME} > '${timeText(Math.max(FIRST_TIME, from))}' OR series > ${literal(after)})`);
  if (metric !== undefined) conditions.push(`(series = ${literal(metric)} OR starts_with(series, ${literal(`${metric}{`)}))`);
  for (const [name, value] of Object.entries(labels)) {
    // As it stands in the canonical text; quotes inside of values are escaped there, so it can stand nowhere else.
    const pair = `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
    conditions.push(`(strpos(series, ${literal(`{${pair}`)}) > 0 OR strpos(series, ${literal(`,${pair}`)}) > 0)`);
  }
  return conditions;
}

/** Times as text, by which QuestDB leaves out whole days. */
function during(column: string, from: number, to: number): string[] {
  const conditions: string[] = [];
  if (from > FIRST_TIME) conditions.push(`${column} >= '${timeText(from)}'`);
  if (to < LAST_TIME) conditions.push(`${column} <= '${timeText(Math.max(FIRST_TIME, to))}'`);
  return conditions;
}

function timeText(time: number): string {
  const micros = microseconds(Math.min(LAST_TIME, time));
  const ms = Math.floor(micros / 1_000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros - ms * 1_000).padStart(3, '0')}Z`;
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function limitOf(limit: number, most: number): number {
  return Math.max(0, Math.min(most, Math.floor(limit)));
}
