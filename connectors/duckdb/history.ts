import type { DuckDBValue } from '@duckdb/node-api';
import type { History, HistoryRow } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Database } from './database.js';
import { LAST_TIME, quoted, timestamp } from './sql.js';
import type { NodeTable, Tables } from './tables.js';

/** Rows and findings of one answer at most: as objects they take about a tenth of a second of this thread, a chunk at a time. */
const MOST_ROWS = 100_000;
const MOST_FINDINGS = 10_000;

type RowQuery = Parameters<History['rows']>[0];
type FindingQuery = Parameters<History['findings']>[0];

/** Reads back what a DuckDB file holds. */
export class DuckdbHistory implements History {
  readonly #ready: () => Promise<{ readonly database: Database; readonly tables: Tables }>;

  /** `ready` makes all that was written readable. */
  constructor(ready: () => Promise<{ readonly database: Database; readonly tables: Tables }>) {
    this.#ready = ready;
  }

  async nodes(): Promise<readonly string[]> {
    const { tables } = await this.#ready();
    return [...tables.nodes.keys()].sort();
  }

  async rows(query: RowQuery): Promise<readonly HistoryRow[]> {
    const { database, tables } = await this.#ready();
    const table = tables.nodes.get(query.node);
    if (table === undefined || !(query.to >= query.from)) return [];
    return query.buckets === undefined ? rawRows(database, tables, table, query) : bucketRows(database, tables, table, { ...query, buckets: query.buckets });
  }

  async findings(query: FindingQuery): Promise<readonly Finding[]> {
    const { database } = await this.#ready();
    const conditions = [`"time" >= ${timestamp(query.from)}`];
    const values: DuckDBValue[] = [];
    for (const [column, value] of [
      ['kind', query.kind],
      ['metric', query.metric],
      ['id', query.id],
    ] as const) {
      if (value === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    // The newest revision by id, in the time asked for if it was opened before its end and has changed since its begin.
    const sql = `SELECT body FROM millrace_findings WHERE ${conditions.join(' AND ')}
      QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC, checkpoint DESC) = 1 AND opened <= ${timestamp(query.to)}
      ORDER BY "time" DESC, id LIMIT ${limitOf(query.limit, MOST_FINDINGS)}`;
    const found: Finding[] = [];
    await database.read(sql, values, ([bodies]) => {
      for (const body of bodies!) found.push(JSON.parse(body as string) as Finding);
    });
    return found;
  }
}

async function rawRows(database: Database, tables: Tables, table: NodeTable, query: RowQuery): Promise<HistoryRow[]> {
  const columns = table.columns.map((column) => `, r.${quoted(column)}`).join('');
  const limit = limitOf(query.limit, MOST_ROWS);
  const rows: HistoryRow[] = [];
  for (let asked = query, beyond = 1; ; beyond *= 2) {
    const { conditions, values } = conditionsOf(asked);
    const most = limit - rows.length + beyond;
    const sql = `SELECT epoch_us(r."time")::DOUBLE / 1000, r.series, r.value${columns} FROM ${table.sql} r JOIN millrace_series s ON s.id = r.series
      WHERE ${conditions} ORDER BY r."time", s.series, r.checkpoint, r.rowid LIMIT ${most}`;
    let found = 0;
    await database.read(sql, values, ([times, series, value, ...further]) => {
      found += times!.length;
      for (let i = 0; i < times!.length; i++) {
        const row = { time: times![i] as number, series: tables.text(series![i] as number), value: (value![i] as number | null) ?? Number.NaN, columns: columnsAt(table.columns, further, i) };
        const before = rows.at(-1);
        // A series has one row a time: the one written last.
        if (before?.time === row.time && before.series === row.series) rows.pop();
        rows.push(row);
      }
    });
    // Where some were written twice there are more, and of the last one, too, as far as is known.
    if (found < most || rows.length > limit) return rows.slice(0, limit);
    rows.pop();
    const last = rows.at(-1);
    if (last !== undefined) asked = { ...query, from: last.time, after: last.series };
  }
}

/** One row a series and bucket, at the bucket's begin: means, and `min` and `max` of the value or of the node's own such columns. */
async function bucketRows(database: Database, tables: Tables, table: NodeTable, query: RowQuery & { buckets: number }): Promise<HistoryRow[]> {
  const { conditions, values } = conditionsOf(query);
  const buckets = Math.max(1, Math.floor(query.buckets));
  const from = Math.max(-LAST_TIME, query.from);
  const step = Math.max(1, Math.ceil((Math.min(LAST_TIME, query.to) - from) / buckets));
  const number = (column: string) => `nullif(r.${quoted(column)}, 'NaN'::DOUBLE)`;
  const columns = table.columns.map((column) => ({ name: column, sql: `${column === 'min' || column === 'max' ? column : 'avg'}(${number(column)})` }));
  for (const extreme of ['min', 'max']) if (!table.columns.includes(extreme)) columns.push({ name: extreme, sql: `${extreme}(${number('value')})` });
  const sql = `SELECT floor((epoch_us(r."time")::DOUBLE / 1000 - ${from}) / ${step}) AS bucket, r.series, avg(${number('value')}), ${columns.map((column) => column.sql).join(', ')}
    FROM ${table.sql} r JOIN millrace_series s ON s.id = r.series WHERE ${conditions}
    GROUP BY bucket, r.series, s.series ORDER BY bucket, s.series LIMIT ${limitOf(query.limit, MOST_ROWS)}`;
  const names = columns.map(({ name }) => name);
  const rows: HistoryRow[] = [];
  await database.read(sql, values, ([bucket, series, value, ...further]) => {
    for (let i = 0; i < bucket!.length; i++) {
      rows.push({ time: from + (bucket![i] as number) * step, series: tables.text(series![i] as number), value: (value![i] as number | null) ?? Number.NaN, columns: columnsAt(names, further, i) });
    }
  });
  return rows;
}

/** Only those that have a value. */
function columnsAt(names: readonly string[], columns: readonly DuckDBValue[][], i: number): Record<string, number> {
  const row: Record<string, number> = {};
  for (const [k, name] of names.entries()) {
    const value = columns[k]![i];
    if (typeof value === 'number' && !Number.isNaN(value)) row[name] = value;
  }
  return row;
}

function conditionsOf({ from, to, after, metric, labels = {} }: RowQuery): { conditions: string; values: DuckDBValue[] } {
  const conditions = [`r."time" BETWEEN ${timestamp(from)} AND ${timestamp(to)}`];
  const values: DuckDBValue[] = [];
  if (after !== undefined) {
    conditions.push(`(r."time" > ${timestamp(from)} OR s.series > ?)`);
    values.push(after);
  }
  if (metric !== undefined) {
    conditions.push('s.metric = ?');
    values.push(metric);
  }
  for (const [name, value] of Object.entries(labels)) {
    // As it stands in the canonical text; quotes inside of values are escaped there, so it can stand nowhere else.
    const pair = `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
    conditions.push('(contains(s.series, ?) OR contains(s.series, ?))');
    values.push(`{${pair}`, `,${pair}`);
  }
  return { conditions: conditions.join(' AND '), values };
}

function limitOf(limit: number, most: number): number {
  return Math.max(0, Math.min(most, Math.floor(limit)));
}
