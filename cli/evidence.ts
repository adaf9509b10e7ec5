import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { severities, verdicts } from '../engine/finding.js';
import { compileMatchers, type Selector } from '../engine/selector.js';
import { makeSeries, seriesText, type Series } from '../engine/series.js';
import type { ChartRow } from './anomaly-chart.js';
import { CommandError, exitCodes } from './exit-codes.js';

/** An anomaly as it was told last. */
export interface ToldAnomaly {
  readonly id: string;
  readonly node: string;
  readonly series: Series;
  /** Canonical text of the series. */
  readonly text: string;
  readonly state: 'opened' | 'grew' | 'closed';
  readonly openedAt: number;
  /** When it was told so. */
  readonly time: number;
  readonly severity: (typeof severities)[number];
  readonly explanation: string;
  readonly value: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly score: number;
  readonly confidence: number;
  /** Shares of methods, or of series. */
  readonly contributions?: Readonly<Record<string, number>> | undefined;
  /** What a person said of it. */
  readonly feedback?: { readonly verdict: (typeof verdicts)[number]; readonly note: string; readonly by: string } | undefined;
}

/** Rows of one series of a detector, in order of time. */
export interface JudgedSeries {
  readonly series: Series;
  readonly rows: readonly ChartRow[];
}

/** What is known of anomalies, and of the rows that they come from. */
export interface Evidence {
  /** Oldest first. */
  anomalies(): Promise<readonly ToldAnomaly[]>;
  /** Of the series that a selector takes, from <= time <= to. */
  rows(of: Selector, from: number, to: number): Promise<readonly JudgedSeries[]>;
}

const labels = z.record(z.string(), z.string());
const numbers = { value: z.number(), expected: z.number(), lower: z.number(), upper: z.number(), score: z.number() };
const severity = z.enum(severities);
const contributions = z.record(z.string(), z.number()).optional();

const toldFinding = z.object({
  finding: z.object({ ...numbers, kind: z.literal('anomaly'), id: z.string(), operator: z.string(), metric: z.string(), labels, state: z.enum(['opened', 'grew', 'closed']), openedAt: z.number(), time: z.number(), severity, explanation: z.string(), confidence: z.number(), contributions }),
});
const toldRow = z.object({ ...numbers, time: z.iso.datetime(), metric: z.string(), labels });

/** What a sink of type `file` wrote as NDJSON: of a run, or of a replay. */
export class WrittenEvidence implements Evidence {
  readonly #path: string;

  constructor(path: string) {
    if (!existsSync(path)) throw new CommandError(`${path}: there is no such file`, exitCodes.usage);
    this.#path = path;
  }

  async anomalies(): Promise<readonly ToldAnomaly[]> {
    const found = new Map<string, ToldAnomaly>();
    for await (const json of this.#lines()) {
      const parsed = toldFinding.safeParse(json);
      if (!parsed.success) continue;
      const { operator, metric, labels: own, ...rest } = parsed.data.finding;
      found.set(rest.id, { ...rest, node: operator, series: makeSeries(metric, own), text: seriesText(metric, own) });
    }
    return [...found.values()].sort((a, b) => a.openedAt - b.openedAt);
  }

  async rows(of: Selector, from: number, to: number): Promise<readonly JudgedSeries[]> {
    const take = compileMatchers(of);
    const found = new Map<string, { series: Series; rows: ChartRow[] }>();
    for await (const json of this.#lines()) {
      const parsed = toldRow.safeParse(json);
      if (!parsed.success) continue;
      const { metric, labels: own, time: at, ...rest } = parsed.data;
      const time = Date.parse(at);
      if (time < from || time > to) continue;
      const series = makeSeries(metric, own);
      if (!take(series)) continue;
      const text = seriesText(metric, own);
      if (!found.has(text)) found.set(text, { series, rows: [] });
      found.get(text)!.rows.push({ ...rest, time });
    }
    return [...found.values()];
  }

  async *#lines(): AsyncGenerator<unknown> {
    const bytes = createReadStream(this.#path);
    const lines = createInterface({ input: this.#path.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes, crlfDelay: Infinity });
    let number = 0;
    try {
      for await (const line of lines) {
        number += 1;
        let json: unknown;
        try {
          json = JSON.parse(line);
        } catch {
          throw new CommandError(`${this.#path}:${number}: is no JSON: what a sink of type file wrote as NDJSON is wanted`, exitCodes.usage);
        }
        yield json;
      }
    } finally {
      lines.close();
      bytes.destroy();
    }
  }
}

/** A running engine answers in milliseconds; one that reads a long history from its store, in seconds. */
const ANSWER_MS = 10_000;
/** The API gives no more at once. */
const MOST_ANOMALIES = 1_000;

const anomaliesAnswer = z.object({
  anomalies: z.array(z.object({ ...numbers, id: z.string(), node: z.string(), metric_name: z.string(), labels, state: z.enum(['opened', 'grew', 'closed']), timestamp: z.iso.datetime(), revised_at: z.iso.datetime(), severity, explanation: z.string(), confidence: z.number(), contributions, feedback: z.object({ verdict: z.enum(verdicts), note: z.string(), by: z.string() }).optional() })),
});
const graphAnswer = z.object({ nodes: z.array(z.object({ name: z.string(), type: z.string() })) });
const historyAnswer = z.object({ series: z.array(z.object({ metric_name: z.string(), labels, columns: z.array(z.string()), rows: z.array(z.array(z.number().nullable())) })), truncated: z.boolean() });

/** What a running engine tells: anomalies of the last `lastMs`, rows of its stores and live sinks. */
export class RunningEvidence implements Evidence {
  readonly #address: string;
  readonly #lastMs: number;

  constructor(address: string, lastMs: number) {
    this.#address = address;
    this.#lastMs = lastMs;
  }

  async anomalies(): Promise<readonly ToldAnomaly[]> {
    const { anomalies } = await this.#ask('/api/anomalies', { time_range: `${Math.ceil(this.#lastMs / 1_000)}s`, limit: String(MOST_ANOMALIES) }, anomaliesAnswer);
    return anomalies
      .map(({ metric_name: metric, labels: own, timestamp, revised_at, ...rest }) => ({ ...rest, series: makeSeries(metric, own), text: seriesText(metric, own), openedAt: Date.parse(timestamp), time: Date.parse(revised_at) }))
      .sort((a, b) => a.openedAt - b.openedAt);
  }

  async rows(of: Selector, from: number, to: number): Promise<readonly JudgedSeries[]> {
    const { nodes } = await this.#ask('/api/graph', {}, graphAnswer);
    const found: JudgedSeries[] = [];
    for (const { name } of nodes.filter(({ type }) => type === 'detect')) found.push(...(await this.#rowsOf(name, of, from, to)));
    return found;
  }

  async #rowsOf(node: string, of: Selector, from: number, to: number): Promise<JudgedSeries[]> {
    const take = compileMatchers(of);
    const equal = Object.fromEntries(of.matchers.filter(({ op }) => op === '=').map(({ label, value }) => [label, value]));
    const found = new Map<string, { series: Series; rows: ChartRow[] }>();
    for (let at = from; ; ) {
      const { series, truncated } = await this.#ask('/api/history', { node, from: String(at), to: String(to), labels: JSON.stringify(equal), ...(of.metric === undefined ? {} : { metric_name: of.metric }) }, historyAnswer);
      const last = Math.max(...series.flatMap(({ rows }) => rows.map(([time]) => time!)));
      // Of the last time there may be more rows: they come with the next answer.
      const more = truncated && last > at;
      for (const { metric_name, labels: own, columns, rows } of series) {
        const one = makeSeries(metric_name, own);
        if (!take(one)) continue;
        const text = seriesText(metric_name, own);
        if (!found.has(text)) found.set(text, { series: one, rows: [] });
        const kept = found.get(text)!.rows;
        for (const [time, value, ...rest] of rows) {
          const column = (named: string): number => rest[columns.indexOf(named)] ?? NaN;
          if (!more || time! < last) kept.push({ time: time!, value: value ?? NaN, score: column('score'), expected: column('expected'), lower: column('lower'), upper: column('upper') });
        }
      }
      if (!more) return [...found.values()];
      at = last;
    }
  }

  async #ask<Answer>(path: string, query: Readonly<Record<string, string>>, answer: z.ZodType<Answer>): Promise<Answer> {
    const url = new URL(`${this.#address}${path}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    let response: Response;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    } catch {
      throw new CommandError(`no engine of this config answers at ${this.#address}: start it, or name what a file sink wrote with --in`);
    }
    const json: unknown = await response.json();
    if (!response.ok) throw new CommandError(`${this.#address}${path} answered ${response.status}: ${(json as { detail?: string }).detail ?? ''}`);
    return answer.parse(json);
  }
}
