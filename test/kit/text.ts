import { STALE } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import {
  about,
  compareFindings,
  findingId,
  findingSchema,
  severities,
  type Finding,
  type FindingKind,
  type Severity,
} from '../../engine/finding.js';
import { formatDuration, parseDuration } from '../../engine/scalars.js';
import { makeSeries, parseSeries, seriesProblem, seriesText, type Series } from '../../engine/series.js';

/**
 * The text form of messages, as documented at `Example` in engine/operator.ts, and further:
 *
 *     10s cpu{host="a"} 0.5 mean=0.4    a row; further columns as name=value; the value may be `stale` or `NaN`
 *     port 1: 10s cpu{host="a"} 0.5     the same, at the second input; without the prefix at the first
 *     watermark 20s                     the merged watermark of all inputs
 *     10s finding anomaly opened cpu{host="a"} high score=0.8 operator=odd explanation="CPU is high"
 *
 * A finding gets plausible values in all fields of its kind; pairs after the severity override them
 * (numbers, times as TIME, texts). `grew` and `closed` go on with the finding of the same operator, kind
 * and series that is open.
 */
export type Message =
  | { readonly type: 'row'; readonly port: number; readonly row: Row }
  | { readonly type: 'finding'; readonly port: number; readonly finding: Finding }
  | { readonly type: 'watermark'; readonly time: Time };

export interface Row {
  readonly time: Time;
  readonly series: Series;
  readonly value: number;
  readonly flags: number;
  readonly columns: Readonly<Record<string, number>>;
}

/** What an operator gave out, in the order of emission. */
export interface Outcome {
  readonly rows: readonly OutputRow[];
  readonly findings: readonly Finding[];
  readonly late: readonly LateRow[];
}

export interface OutputRow {
  readonly time: Time;
  /** Canonical text. */
  readonly series: string;
  readonly value: number;
  readonly flags: number;
  readonly columns: Readonly<Record<string, number>>;
}

export interface LateRow {
  readonly time: Time;
  readonly series: string;
  readonly value: number;
  readonly reason: 'late' | 'ahead';
}

/** Throws a `SyntaxError` that names the line. */
export function parseMessages(lines: readonly string[]): Message[] {
  const open = new Map<string, { openedAt: Time; revision: number }>();
  let watermark = -Infinity;
  return lines.map((line, index) => {
    try {
      const message = parseLine(line, open);
      if (message.type === 'watermark') {
        if (message.time < watermark) throw new SyntaxError('a watermark never goes back');
        watermark = message.time;
      }
      return message;
    } catch (error) {
      throw new SyntaxError(`line ${index + 1}, ${JSON.stringify(line)}: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** What is not white space, or within quotes. */
const TOKEN = /(?:[^\s"]|"(?:\\.|[^"\\])*")+/g;

type OpenFindings = Map<string, { openedAt: Time; revision: number }>;

function parseLine(line: string, open: OpenFindings): Message {
  const prefix = /^\s*port (\d+):/.exec(line);
  const port = prefix === null ? 0 : Number(prefix[1]);
  const tokens = line.slice(prefix?.[0].length ?? 0).match(TOKEN) ?? [];
  if (tokens[0] === 'watermark') {
    if (prefix !== null || tokens.length !== 2) throw new SyntaxError('expected `watermark TIME`; the watermark is that of all ports');
    return { type: 'watermark', time: parseTime(tokens[1]!) };
  }
  if (tokens[1] === 'finding' && tokens.length > 3) return { type: 'finding', port, finding: parseFinding(tokens, open) };
  if (tokens.length < 3) throw new SyntaxError('expected `TIME SERIES VALUE column=value ...`');
  const columns: Record<string, number> = {};
  for (const [name, text] of parsePairs(tokens.slice(3))) columns[name] = parseNumber(text);
  const stale = tokens[2] === 'stale';
  return {
    type: 'row',
    port,
    row: {
      time: parseTime(tokens[0]!),
      series: parseSeriesToken(tokens[1]!),
      value: stale ? NaN : parseNumber(tokens[2]!),
      flags: stale ? STALE : 0,
      columns,
    },
  };
}

function parseFinding(tokens: readonly string[], open: OpenFindings): Finding {
  const [time, , kind, state, series, severity, ...pairs] = tokens;
  if (severity === undefined) throw new SyntaxError('expected `TIME finding KIND STATE SERIES SEVERITY key=value ...`');
  if (!Object.hasOwn(plausible, kind!)) throw new SyntaxError(`no kind of finding is called ${kind}`);
  if (!['opened', 'grew', 'closed'].includes(state!)) throw new SyntaxError(`${state} is not opened, grew or closed`);
  if (!severities.includes(severity as Severity)) throw new SyntaxError(`${severity} is none of ${severities.join(', ')}`);
  const overrides = new Map(parsePairs(pairs));
  const operator = overrides.get('operator') ?? 'input';
  const at = parseTime(time!);
  const subject = about(parseSeriesToken(series!));
  const key = `${operator} ${kind} ${subject.series}`;
  let known = open.get(key);
  if (state === 'opened') {
    if (known !== undefined) throw new SyntaxError(`${key} is already open`);
    known = { openedAt: at, revision: 0 };
    open.set(key, known);
  } else if (known === undefined) throw new SyntaxError(`${key} is not open`);
  known.revision += 1;
  if (state === 'closed') open.delete(key);
  const finding: Record<string, unknown> = {
    id: findingId(operator, kind as FindingKind, subject.series, known.openedAt),
    revision: known.revision,
    state,
    operator,
    ...subject,
    openedAt: known.openedAt,
    time: at,
    severity,
    explanation: `${kind} of ${subject.series}`,
    kind,
    ...plausible[kind as FindingKind],
  };
  for (const [name, text] of overrides) {
    const isText = typeof finding[name] === 'string';
    if (!isText && typeof finding[name] !== 'number' && !name.endsWith('At') && name !== 'excess') throw new SyntaxError(`a ${kind} has no field ${name} that can be given here`);
    finding[name] = isText ? text : parseNumberOrTime(text);
  }
  return findingSchema.parse(finding);
}

const plausible: Record<FindingKind, Record<string, unknown>> = {
  anomaly: { value: 100, expected: 50, lower: 40, upper: 60, score: 0.9, confidence: 0.9, direction: 'up' },
  forecast: {
    current: 60,
    predicted: 90,
    lower80: 85,
    upper80: 95,
    lower95: 80,
    upper95: 100,
    horizonMs: 30 * 86_400_000,
    growth: 0.5,
    confidence: 0.9,
    action: 'plan_scale_up',
  },
  burn: {
    slo: 'availability',
    burnRate: 15,
    shortBurnRate: 15,
    threshold: 14.4,
    longMs: 3_600_000,
    shortMs: 300_000,
    compliance: 99.5,
    target: 99.9,
    budgetRemaining: 50,
  },
  alert: { correlationId: 'correlation', members: [], count: 1, suppressed: 0 },
  feedback: { anomaly: '31c88d5c749f25ff', toldBy: 'node', verdict: 'false_positive', note: '', by: 'someone', at: 0, value: 80, expected: 50, lower: 40, upper: 60, score: 0.9995 },
};

function parsePairs(tokens: readonly string[]): [string, string][] {
  return tokens.map((token) => {
    const match = /^([A-Za-z_]\w*)=(.+)$/.exec(token);
    if (match === null) throw new SyntaxError(`expected name=value, not ${token}`);
    const text = match[2]!;
    return [match[1]!, text.startsWith('"') ? (JSON.parse(text) as string) : text];
  });
}

function parseSeriesToken(text: string): Series {
  const { name, labels } = parseSeries(text);
  const problem = seriesProblem(name, labels);
  if (problem !== undefined) throw new SyntaxError(problem);
  return makeSeries(name, labels);
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text !== 'NaN' && Number.isNaN(value)) throw new SyntaxError(`${text} is not a number`);
  return value;
}

function parseNumberOrTime(text: string): number {
  return Number.isNaN(Number(text)) ? parseTime(text) : Number(text);
}

/** `10s`, `1h30m` since the epoch, or ISO 8601; ms. */
export function parseTime(text: string): Time {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : parseDuration(text);
  if (ms === undefined || Number.isNaN(ms)) throw new SyntaxError(`${text} is not a time: write 10s, 5m, 2h, 3d since the epoch, or ISO 8601`);
  return ms;
}

const DURATIONS_END = 1_000 * 86_400_000;

/** Times of the first thousand days as durations since the epoch, later ones as ISO 8601. */
export function formatTime(time: Time): string {
  if (!Number.isInteger(time)) return `${time}ms`;
  if (time >= 0 && time < DURATIONS_END) return formatDuration(time);
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** At most 6 significant digits. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(6)) + 0);
}

/** The text form of what came out: rows by (time, series text), findings by (time, id, revision), late rows by (time, series text). */
export function formatOutcome(outcome: Outcome): string[] {
  return [
    ...outcome.rows.toSorted(byTimeAndSeries).map(formatRow),
    ...outcome.findings.toSorted(compareFindings).map(formatFinding),
    ...outcome.late.toSorted(byTimeAndSeries).map((row) => `${formatTime(row.time)} ${row.reason} ${row.series} ${formatNumber(row.value)}`),
  ];
}

function byTimeAndSeries(a: { time: Time; series: string }, b: { time: Time; series: string }): number {
  return a.time - b.time || (a.series < b.series ? -1 : a.series > b.series ? 1 : 0);
}

function formatRow(row: OutputRow): string {
  const value = (row.flags & STALE) !== 0 ? 'stale' : formatNumber(row.value);
  const columns = Object.entries(row.columns).map(([name, number]) => ` ${name}=${formatNumber(number)}`);
  return `${formatTime(row.time)} ${row.series} ${value}${columns.join('')}`;
}

function formatFinding(finding: Finding): string {
  return `${formatTime(finding.time)} ${finding.kind} ${finding.state} ${finding.series} ${finding.severity}: ${finding.explanation}`;
}

/** The text form of a message; `parseMessages` reads it back. Of a finding only what the text form tells by itself. */
export function formatMessage(message: Message): string {
  if (message.type === 'watermark') return `watermark ${formatTime(message.time)}`;
  const prefix = message.port === 0 ? '' : `port ${message.port}: `;
  if (message.type === 'row') {
    const { row } = message;
    return prefix + formatRow({ ...row, series: seriesText(row.series.name, row.series.labels) });
  }
  const { finding } = message;
  return `${prefix}${formatTime(finding.time)} finding ${finding.kind} ${finding.state} ${finding.series} ${finding.severity}`;
}
