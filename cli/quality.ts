import type { Command } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';
import { alarmsOf, delaysOf } from '../quality/alarms.js';
import { auc } from '../quality/auc.js';
import { eventF1, leftOut } from '../quality/event-f1.js';
import type { Scores } from '../quality/labelled.js';
import { scoreNab } from '../quality/nab.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { judge, rowsOf } from './judge.js';
import { readLabelled, readWindows, type LabelledFile } from './labelled-file.js';
import { count, writeJson } from './output.js';

const EXAMPLES = `
Replays the files through detect, each as a series of its own, and scores what it says by what you know. A row is labelled 1 where
it is unusual; or a JSON file tells windows, [["2024-01-15 10:00:00", "2024-01-15 11:00:00"], ...], or such a list by file.

The scores: that of the Numenta Anomaly Benchmark in its three profiles (100: every window at its first row and nothing else; 0: no
detection), F1 of events (a labelled stretch is found once, false rows near each other are one alarm), and the area under the ROC
curve of rows. Each threshold is the best for all files together. Told by detect: the anomalies that people would hear of.

Examples:
  millrace quality cpu.csv                          columns time, value, label
  millrace quality --time at --value ms --label bad *.csv
  millrace quality --windows windows.json cpu.csv   columns time, value
  millrace quality --detect '{ sensitivity: 4 }' cpu.csv
  millrace quality --json cpu.csv

${exitCodesHelp}`;

interface Options {
  readonly time: string;
  readonly value: string;
  readonly label: string;
  readonly windows?: string;
  readonly detect?: string;
  readonly json?: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('<files...>', 'CSV or NDJSON files, each of one series in order of time')
    .option('--time <column>', 'column of the time', 'time')
    .option('--value <column>', 'column of the value', 'value')
    .option('--label <column>', 'column of the label, 1 or 0', 'label')
    .option('--windows <file>', 'JSON file that tells the unusual windows, in place of labels')
    .option('--detect <yaml>', 'options of detect, as in a config')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], options: Options) => {
      done(await quality(paths, options));
    });
}

async function quality(paths: readonly string[], { time, value, label, windows, detect, json = false }: Options): Promise<number> {
  const told = windows === undefined ? undefined : readWindows(windows);
  const config = detect === undefined ? {} : detectOptions(detect);
  const files: LabelledFile[] = [];
  for (const [i, path] of paths.entries()) files.push(await readLabelled(path, { time, value, label: told === undefined ? label : undefined }, told, `labelled{file="${i}"}`));
  if (files.every(({ spans }) => spans.length === 0)) throw new CommandError('nothing is labelled: there is nothing to score by', exitCodes.usage);
  const report = await score(files, config);
  if (json) writeJson(report);
  else process.stdout.write(say(report));
  return exitCodes.ok;
}

function detectOptions(text: string): Record<string, unknown> {
  let given: unknown;
  try {
    given = parse(text);
  } catch (error) {
    throw new CommandError(`--detect ${text}: ${(error as Error).message}`, exitCodes.usage);
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(given);
  if (!parsed.success) throw new CommandError(`--detect ${text}: options such as '{ sensitivity: 4 }' are wanted`, exitCodes.usage);
  return parsed.data;
}

type Report = Awaited<ReturnType<typeof score>>;

async function score(files: readonly LabelledFile[], config: Readonly<Record<string, unknown>>) {
  let judged;
  try {
    judged = await judge(files, config);
  } catch (error) {
    if (error instanceof z.ZodError) throw new CommandError(error.issues.map(({ path, message }) => `--detect: ${[...path, message].join(': ')}`).join('\n'), exitCodes.usage);
    throw error;
  }
  const scores = judged.map(({ columns }) => columns.score);
  const nab = scoreNab(files, scores);
  const events = eventF1(files, scores);
  const alarms = alarmsOf(files, judged.map(({ anomalies }, i) => rowsOf(files[i]!, anomalies)));
  const atBest = (of: typeof nab.standard) => ({ score: of.score, threshold: finite(of.threshold), windows: of.tally.windows, missed: of.tally.missed, false_rows: of.tally.falseRows });
  return {
    files: files.map(({ path, rows, spans }) => ({ path, rows, labelled: spans.length })),
    nab: { standard: atBest(nab.standard), reward_low_FP_rate: atBest(nab.reward_low_FP_rate), reward_low_FN_rate: atBest(nab.reward_low_FN_rate) },
    events: { f1: events.f1, threshold: finite(events.threshold), found: events.hits, missed: events.missed, false_alarms: events.falseAlarms, delay_rows: middle(delaysOf(files, scores, events.threshold)) },
    auc: rowAuc(files, scores),
    told: { found: alarms.found, missed: alarms.missed, elsewhere: alarms.elsewhere, delay_rows: middle(alarms.delays) },
  };
}

/** Null where nothing is best detected: no threshold is that high. */
const finite = (threshold: number): number | null => (Number.isFinite(threshold) ? threshold : null);

/** The middle one, of an even number the lower of two; null: there is none. */
function middle(delays: readonly number[]): number | null {
  return delays.toSorted((a, b) => a - b)[Math.ceil(delays.length / 2) - 1] ?? null;
}

/** Over all rows that were judged, without those of the beginnings. */
function rowAuc(files: readonly LabelledFile[], scores: readonly Scores[]): number | null {
  const unusual: boolean[] = [];
  const kept: number[] = [];
  files.forEach(({ rows, spans }, file) => {
    for (let row = leftOut(rows); row < rows; row++) {
      if (Number.isNaN(scores[file]![row]!)) continue;
      unusual.push(spans.some(({ first, last }) => row >= first && row <= last));
      kept.push(scores[file]![row]!);
    }
  });
  const area = auc(unusual, kept);
  return Number.isNaN(area) ? null : area;
}

function say({ files, nab, events, auc: area, told }: Report): string {
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const labelled = files.reduce((sum, file) => sum + file.labelled, 0);
  const profile = (title: string, { score: points, threshold, missed, windows, false_rows }: Report['nab']['standard']): string =>
    `${title.padEnd(16)}${points.toFixed(1).padStart(6)}  ${threshold === null ? 'best without any detection' : `score >= ${threshold}: ${windows - missed} of ${windows} found, ${count(false_rows, 'false row')}`}`;
  const delay = (of: number | null): string => (of === null ? '' : `, in the middle after ${count(of, 'row')}`);
  return `${[
    `${count(files.length, 'file')}, ${count(rows, 'row')}, ${labelled.toLocaleString('en-US')} labelled`,
    '',
    profile('NAB standard', nab.standard),
    profile('NAB low FP', nab.reward_low_FP_rate),
    profile('NAB low FN', nab.reward_low_FN_rate),
    `${'F1 of events'.padEnd(16)}${events.f1.toFixed(3).padStart(6)}  ${events.threshold === null ? 'no threshold finds any' : `score >= ${events.threshold}: ${events.found} of ${events.found + events.missed} found${delay(events.delay_rows)}, ${count(events.false_alarms, 'false alarm')}`}`,
    ...(area === null ? [] : [`${'AUC of rows'.padEnd(16)}${area.toFixed(3).padStart(6)}`]),
    `${'Told by detect'.padEnd(24)}${told.found} of ${told.found + told.missed} found${delay(told.delay_rows)}, ${told.elsewhere} elsewhere`,
  ].join('\n')}\n`;
}
