import { writeFileSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { systemClock } from '../engine/clock.js';
import { formatDuration, parseDuration } from '../engine/scalars.js';
import { parseSelector, type Selector } from '../engine/selector.js';
import { seriesText } from '../engine/series.js';
import { anomalyChart, type ChartRow } from './anomaly-chart.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { engineAddress } from './engine-address.js';
import { RunningEvidence, WrittenEvidence, type Evidence, type JudgedSeries, type ToldAnomaly } from './evidence.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { printable } from './letter-text.js';
import { count, styled, writeJson } from './output.js';

const EXAMPLES = `
Tells why something was an anomaly, with the numbers: what was usual, how far out it was, and the rows around it. The running engine
of the config is asked; or, with --in, what a sink of type file wrote as NDJSON in a run or a replay.

Examples:
  millrace explain 31c88d5c749f25ff                     an anomaly, by its id
  millrace explain 'cpu_usage{host="a"}'                a series, and its anomalies
  millrace explain 'cpu_usage{host="a"}' --last 7d
  millrace explain 31c88d5c749f25ff --plot why.svg      a picture: value, band, score and anomalies
  millrace replay mine.yml && millrace explain queue_depth --in out.ndjson --plot queue.svg

${exitCodesHelp}`;

interface Options {
  readonly config?: string;
  readonly in?: string;
  readonly last: number;
  readonly plot?: string;
  readonly json?: boolean;
}

const HOUR_MS = 3_600_000;
/** How far back it is looked for rows before an anomaly, until there are enough to tell what was usual. */
const BEFORE_MS = [HOUR_MS, 24 * HOUR_MS, 14 * 24 * HOUR_MS];
const ROWS_BEFORE = 200;
const ROWS_AFTER = 60;
/** Rows that are printed: of before an anomaly, and of the anomaly. */
const PRINTED = [3, 9] as const;

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('<what>', 'the id of an anomaly, or a series as a selector')
    .option('-c, --config <config>', CONFIG_ARGUMENT[1])
    .option('--in <file>', 'NDJSON that a sink of type file wrote, in place of the running engine')
    .option('--last <duration>', 'of the running engine: how far back to look', lasting, 24 * HOUR_MS)
    .option('--plot <file>', 'write an SVG picture')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (what: string, options: Options) => {
      done(await explain(what, options));
    });
}

function lasting(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('It must be a duration such as 6h or 7d.');
  return ms;
}

/** What is told, and drawn. */
interface Explanation {
  readonly judged: JudgedSeries;
  readonly anomalies: readonly ToldAnomaly[];
  /** The one that was asked for. */
  readonly anomaly: ToldAnomaly | undefined;
}

export async function explain(what: string, options: Options): Promise<number> {
  const { plot, json = false } = options;
  const evidence = options.in === undefined ? new RunningEvidence(engineAddress(await loadConfig(configFile(options.config), process.env)), options.last) : new WrittenEvidence(options.in);
  const all = await evidence.anomalies();
  const anomaly = all.find(({ id }) => id === what);
  const explanation = anomaly !== undefined ? await aboutAnomaly(anomaly, all, evidence) : await aboutSeries(selectorOf(what), all, evidence, options);
  if (plot !== undefined) {
    writeFileSync(plot, draw(explanation));
    process.stderr.write(`wrote ${plot}\n`);
  }
  if (json) writeJson(plain(explanation));
  else process.stdout.write(explanation.anomaly === undefined ? saySeries(explanation) : sayAnomaly(explanation, explanation.anomaly));
  return exitCodes.ok;
}

function selectorOf(what: string): Selector {
  if (/^[0-9a-f]{16}$/.test(what)) throw new CommandError(`there is no anomaly ${what} where it was looked for: --last looks further back, --in in a file`, exitCodes.usage);
  try {
    return parseSelector(what);
  } catch (error) {
    throw new CommandError(`${what} is neither the id of an anomaly nor a series: ${(error as Error).message}`, exitCodes.usage);
  }
}

async function aboutAnomaly(anomaly: ToldAnomaly, all: readonly ToldAnomaly[], evidence: Evidence): Promise<Explanation> {
  const { name, labels } = anomaly.series;
  const only: Selector = { metric: name, matchers: Object.entries(labels).map(([label, value]) => ({ label, op: '=', value })) };
  const lasted = anomaly.time - anomaly.openedAt;
  let rows: readonly ChartRow[] = [];
  for (const before of BEFORE_MS) {
    const found = await evidence.rows(only, anomaly.openedAt - Math.max(before, 3 * lasted), anomaly.time + Math.max(HOUR_MS, lasted));
    rows = found.find(({ series }) => seriesText(series.name, series.labels) === anomaly.text)?.rows ?? [];
    if (rows.filter(({ time }) => time < anomaly.openedAt).length >= ROWS_BEFORE) break;
  }
  const opened = rows.findIndex(({ time }) => time >= anomaly.openedAt);
  const ended = rows.findLastIndex(({ time }) => time <= anomaly.time);
  const shown = opened < 0 ? rows : rows.slice(Math.max(0, opened - Math.max(ROWS_BEFORE, 3 * (ended - opened))), ended + 1 + Math.max(ROWS_AFTER, ended - opened));
  return { judged: { series: anomaly.series, rows: shown }, anomalies: all.filter(({ text }) => text === anomaly.text), anomaly };
}

async function aboutSeries(selector: Selector, all: readonly ToldAnomaly[], evidence: Evidence, { in: file, last }: Options): Promise<Explanation> {
  const now = systemClock.now();
  const found = await evidence.rows(selector, file === undefined ? now - last : -Infinity, file === undefined ? now : Infinity);
  const names = found.map(({ series }) => seriesText(series.name, series.labels));
  if (found.length === 0) throw new CommandError(`no detector has rows of such a series${file === undefined ? ` of the last ${formatDuration(last)}` : ` in ${file}`}`, exitCodes.usage);
  if (found.length > 1) throw new CommandError(`there are ${found.length} such series: which one? ${names.slice(0, 8).join(' ')}${names.length > 8 ? ' ...' : ''}`, exitCodes.usage);
  return { judged: found[0]!, anomalies: all.filter(({ text }) => text === names[0]), anomaly: undefined };
}

function draw({ judged: { series, rows }, anomalies, anomaly }: Explanation): string {
  const last = rows.at(-1)?.time ?? 0;
  const spans = anomalies.map(({ openedAt, time, state, severity }) => ({ from: openedAt, to: state === 'closed' ? time : last, severity }));
  return anomalyChart(seriesText(series.name, series.labels), anomaly?.explanation ?? `${count(rows.length, 'row')}, ${anomalies.length === 1 ? '1 anomaly' : `${anomalies.length} anomalies`}`, rows, spans);
}

function sayAnomaly({ judged: { rows } }: Explanation, of: ToldAnomaly): string {
  const opened = rows.findIndex(({ time }) => time >= of.openedAt);
  const [before, during] = PRINTED;
  const printed = opened < 0 ? [] : rows.slice(Math.max(0, opened - before), opened + during);
  const until = of.state === 'closed' ? `until ${clock(of.time)} (${formatDuration(of.time - of.openedAt)})` : `open, last told ${clock(of.time)}`;
  return `${[
    styled(process.stdout, 'bold', of.explanation),
    '',
    `${of.severity}, by ${of.node}, from ${clock(of.openedAt)} ${until}`,
    `value       ${short(of.value)}`,
    `expected    ${short(of.expected)}`,
    `usual       ${short(of.lower)} to ${short(of.upper)}`,
    `score       ${of.score}: ${rarity(of.score)}`,
    `confidence  ${of.confidence.toFixed(2)}`,
    ...(of.contributions === undefined ? [] : [`because of  ${sharesOf(of.contributions)}`]),
    ...(of.feedback === undefined ? [] : [`feedback    ${of.feedback.verdict === 'false_positive' ? 'false alarm' : 'right'}, says ${printable(of.feedback.by)}${of.feedback.note === '' ? '' : `: ${printable(of.feedback.note)}`}`]),
    ...(printed.length === 0 ? ['', 'Its rows are not kept any more.'] : ['', ...table(printed)]),
  ].join('\n')}\n`;
}

/** What a detector waits for that has given no score yet. */
const LEARNING = 'still learnt: no score before `warmup` samples of its detector (of detect 30), a season counts once it has been seen whole';

function saySeries({ judged: { series, rows }, anomalies }: Explanation): string {
  const judged = rows.filter(({ score }) => !Number.isNaN(score));
  const outside = judged.filter(isOutside).length;
  return `${[
    styled(process.stdout, 'bold', seriesText(series.name, series.labels)),
    `${count(rows.length, 'row')} from ${clock(rows[0]!.time)} to ${clock(rows.at(-1)!.time)}, ${outside.toLocaleString('en-US')} outside of the band, ${anomalies.length === 1 ? '1 anomaly' : `${anomalies.length.toLocaleString('en-US')} anomalies`}`,
    ...(judged.every(({ score }) => score === 0) ? [LEARNING] : []),
    '',
    ...table(rows.slice(-PRINTED[1])),
    ...(anomalies.length === 0 ? [] : ['', ...anomalies.toReversed().map(({ id, openedAt, state, severity, explanation }) => `${id}  ${clock(openedAt)}  ${severity}${state === 'closed' ? '' : ', open'}\n    ${explanation}`)]),
  ].join('\n')}\n`;
}

function plain({ judged: { series, rows }, anomalies, anomaly }: Explanation): object {
  const body = ({ series: _, text, openedAt, time, ...rest }: ToldAnomaly): object => ({ ...rest, series: text, opened_at: clock(openedAt), revised_at: clock(time) });
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return {
    series: seriesText(series.name, series.labels),
    ...(anomaly === undefined ? {} : { anomaly: body(anomaly) }),
    anomalies: anomalies.map(body),
    rows: rows.map(({ time, value, score, expected, lower, upper }) => ({ time: clock(time), value: finite(value), score: finite(score), expected: finite(expected), lower: finite(lower), upper: finite(upper) })),
  };
}

function table(rows: readonly ChartRow[]): string[] {
  const cells = [['time', 'value', 'expected', 'lower', 'upper', 'score', ''], ...rows.map((row) => [clock(row.time), short(row.value), short(row.expected), short(row.lower), short(row.upper), Number.isNaN(row.score) ? '-' : row.score.toFixed(6), isOutside(row) ? 'outside' : ''])];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells.map((line) => line.map((cell, column) => (column === 0 || column === 6 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd());
}

/** A series that is hardly known has a band, but is not judged: its score is 0. */
const isOutside = ({ value, lower, upper, score }: ChartRow): boolean => score > 0 && (value < lower || value > upper);

/** `change 52 %, deviation 48 %`: the largest first. */
function sharesOf(contributions: Readonly<Record<string, number>>): string {
  return Object.entries(contributions)
    .sort((a, b) => b[1] - a[1])
    .map(([name, share]) => `${name} ${Math.round(100 * share)} %`)
    .join(', ');
}

/** By what a score means. */
function rarity(score: number): string {
  return score >= 1 ? 'no normal row scores as high' : score <= 0 ? 'every normal row scores as high' : `one of ${short(1 / (1 - score))} normal rows scores as high`;
}

const clock = (time: number): string => new Date(time).toISOString();

/** Four significant digits. */
function short(value: number): string {
  return Number.isFinite(value) ? Number(value.toPrecision(4)).toLocaleString('en-US', { maximumSignificantDigits: 4 }) : '-';
}
