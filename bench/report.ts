import { expectations, judge, explanations, type Judged, type Results } from './expectations.js';
import type { AbsentEngine } from './contest.js';
import type { Figure } from './figures.js';
import { NOISY } from './figures.js';
import { growths, type Growth, type Workload } from './workloads.js';

/** Cells as text; the first row is the heading. Columns of figures are set to the right. */
export type Table = readonly (readonly string[])[];

/** Three significant digits, without exponents: 0.00123, 4.57, 62.1, 1,234. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 100 ? Math.round(value).toLocaleString('en-US') : rounded.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)))));
}

const optional = (value: number | undefined, text: (value: number) => string = short): string => (value === undefined ? '-' : text(value));
/** A number that was chosen, not measured. */
const plain = (value: number): string => value.toLocaleString('en-US');
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const yardstickOf = (workload: Workload, figures: readonly Figure[]): Figure | undefined => figures.find((f) => f.engine === workload.against && f.threads === 1);

/** Samples and series of the row that others are compared with. */
const sizeOf = (workload: Workload, figures: readonly Figure[]): { samples: number; series: number } => yardstickOf(workload, figures) ?? figures[0] ?? workload;

/** What is counted, for the heading of a table. */
export function sizeLine(workload: Workload, figures: readonly Figure[]): string {
  const { samples, series } = sizeOf(workload, figures);
  const most = Math.max(...figures.map((f) => f.jobs));
  const least = Math.min(...figures.map((f) => f.jobs));
  const jobs = most === 1 ? '' : `; the figure is that of the last of ${least === most ? most : `${least} to ${most}`} jobs in one process`;
  const inSeries = series === workload.series ? '' : ` over ${series.toLocaleString('en-US')} series instead of ${workload.series.toLocaleString('en-US')}`;
  return `${samples.toLocaleString('en-US')} ${workload.unit} a job${inSeries}${jobs}.`;
}

export function figuresTable(workload: Workload, figures: readonly Figure[]): Table {
  const yardstick = yardstickOf(workload, figures)?.samples_per_second.median;
  const size = sizeOf(workload, figures);
  const latency = figures.some((f) => f.latency_ms !== undefined);
  const speedHead = [`M ${workload.unit}/s`, 'min to max', `against ${workload.against}`, 'first job'];
  const head = ['engine', 'threads', ...(latency ? ['p50 ms', 'p99 ms', 'max ms'] : []), ...(workload.paced ? [] : speedHead), 'peak MB', 'CPU s/M', 'first result ms', "others' CPU", 'noisy runs'];
  const rows = figures.map((f) => {
    const { min, median, max } = f.samples_per_second;
    const speeds = [short(median / 1e6), `${short(min / 1e6)} to ${short(max / 1e6)}`, optional(yardstick && median / yardstick), optional(f.cold_samples_per_second?.median, (v) => short(v / 1e6))];
    return [
      // Where minutes would be needed, fewer samples are told with the name.
      f.samples === size.samples ? f.engine : `${f.engine} (${short(f.samples / 1e6)} M)`,
      String(f.threads),
      ...(latency ? [optional(f.latency_ms?.p50), optional(f.latency_ms?.p99), optional(f.latency_ms?.max)] : []),
      ...(workload.paced ? [] : speeds),
      optional(f.peak_rss_mb),
      optional(f.cpu_s_per_million),
      optional(f.first_result_ms),
      optional(f.others_cpu, percent),
      `${f.noisy_runs} of ${f.runs}`,
    ];
  });
  return [head, ...rows];
}

/** Figures that only some engines of a workload tell: a line each. */
export function furtherLines(figures: readonly Figure[]): string[] {
  return figures.flatMap((f) => {
    const named = Object.entries(f.further ?? {}).map(([name, value]) => `${name.replaceAll('_', ' ')} ${short(value)}`);
    return named.length === 0 ? [] : [`${f.engine}, ${f.threads === 1 ? '1 thread' : `${f.threads} threads`}: ${named.join(', ')}.`];
  });
}

export function expectationsTable(judged: readonly Judged[]): Table {
  const rows = judged.map(({ expectation: e, figure, verdict, longRun }) => {
    const expected = e.expected === undefined ? '-' : `${e.bound} ${plain(e.expected)} ${e.unit}`;
    const goal = e.longRun === undefined ? '-' : `${plain(e.longRun)}${longRun === 'met' ? ' (met)' : ''}`;
    return [e.says, expected, goal, optional(figure), verdict ?? '-'];
  });
  return [['expected of Millrace', 'bound', 'in the long run', 'measured', ''], ...rows];
}

export function growthTable(growth: Growth, points: readonly { at: number; samples_per_second: number }[]): Table {
  return [[growth.axis, 'M samples/s', 'ns a sample'], ...points.map((p) => [p.at.toLocaleString('en-US'), short(p.samples_per_second / 1e6), short(1e9 / p.samples_per_second)])];
}

const isFigure = (text: string): boolean => /^(?:-|\d.*)$/.test(text);

/** For a terminal. */
export function asText(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => (rightColumn(table, column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd();
  return [line(table[0]!), widths.map((width) => '-'.repeat(width)).join('  '), ...table.slice(1).map(line)].join('\n');
}

export function asMarkdown(table: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [line(table[0]!), line(table[0]!.map((_, column) => (rightColumn(table, column) ? '---:' : '---'))), ...table.slice(1).map(line)].join('\n');
}

const rightColumn = (table: Table, column: number): boolean => column > 0 && table.slice(1).every((row) => isFigure(row[column]!));

/** A chart of speeds tells something where there are peers. */
export const hasChart = (workload: Workload): boolean => workload.against === 'loop';
export const chartOf = (workload: Workload): string => `${workload.name.toLowerCase()}.svg`;

export interface Report extends Results {
  readonly absent: readonly AbsentEngine[];
  /** What it was measured on. */
  readonly machine: string;
}

/** The whole of RESULTS.md. */
export function resultsMarkdown({ figures, grown, absent, machine }: Report, workloads: readonly Workload[], titles: Readonly<Record<string, string>>): string {
  const judged = judge({ figures, grown }, expectations);
  const measured = workloads.filter((w) => figures.some((f) => f.workload === w.name));
  const parts = [
    '# Results',
    'Millrace beside the engines that one would otherwise take, on the same work in the same run. Written by `npm run bench -- --peers all --growth --write`; how it is measured is told in [README.md](README.md).',
    `Machine: ${machine}. It is shared with others: trust ratios more than figures. A run is noisy when others took more than ${percent(NOISY)} of the machine meanwhile.`,
    ...(figures.some((f) => f.workload === 'W1') ? ['![Speed of each engine at W1](w1.svg)'] : []),
    '## What is expected, and what is met',
    asMarkdown(expectationsTable(judged)).replaceAll('| not met |', '| **not met** |'),
    'Zero garbage a sample on the fused path is expected as well; `test/engine/allocation.test.ts` holds it, so that it is met whenever the tests pass.',
    ...missed(judged, explanations),
    ...measured.flatMap((workload) => section(workload, figures.filter((f) => f.workload === workload.name))),
    ...(grown.length === 0 ? [] : ['## The cost of growth', 'The same number of samples at every point, by Millrace.', '![Speed over series, shards, windows and nodes](growth.svg)', ...grown.flatMap((g) => growthSection(g))]),
    '## The engines',
    engineLines(figures, titles),
    ...(absent.length === 0 ? [] : ['Not measured:', absent.map(({ engine, reason }) => `- ${engine}: ${firstLine(reason)}`).join('\n')]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Why what is expected is not met, where that is known. */
export function missed(judged: readonly Judged[], explanations: Readonly<Record<string, string>>): string[] {
  const lines = judged
    .filter(({ verdict, expectation }) => verdict === 'not met' && explanations[expectation.name] !== undefined)
    .map(({ expectation }) => `- **${expectation.says}**: ${explanations[expectation.name]}`);
  return lines.length === 0 ? [] : ['Where it is not met:', lines.join('\n')];
}

function section(workload: Workload, figures: readonly Figure[]): string[] {
  const further = furtherLines(figures);
  const times = [...new Set(figures.map((f) => f.measured_at.slice(0, 10)))].sort();
  return [
    `## ${workload.title}`,
    `${sizeLine(workload, figures)} ${Math.min(...figures.map((f) => f.runs))} interleaved runs; measured ${times.join(', ')}.`,
    // That of W1 is at the top.
    ...(hasChart(workload) && workload.name !== 'W1' ? [`![Speed of each engine at ${workload.name}](${chartOf(workload)})`] : []),
    asMarkdown(figuresTable(workload, figures)),
    ...(further.length === 0 ? [] : [further.map((line) => `- ${line}`).join('\n')]),
  ];
}

function growthSection({ name, points }: Results['grown'][number]): string[] {
  const growth = growths.find((g) => g.name === name);
  return growth === undefined ? [] : [`### ${growth.title}`, asMarkdown(growthTable(growth, points))];
}

function engineLines(figures: readonly Figure[], titles: Readonly<Record<string, string>>): string {
  const versions = new Map(figures.map((f) => [f.engine, f.versions]));
  return [...versions].map(([engine, of]) => `- **${engine}**: ${titles[engine] ?? ''} (${Object.entries(of).map(([name, version]) => `${name} ${version}`).join(', ')})`).join('\n');
}

const firstLine = (text: string): string => text.split('\n')[0]!;
