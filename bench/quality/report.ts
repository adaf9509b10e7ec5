import { judge } from '../expectations.js';
import { asMarkdown, asText, expectationsTable, missed, short, type Table } from '../report.js';
import { median } from '../statistics.js';
import { expectations, explanations } from './expectations.js';
import type { CalibrationFigure } from './calibration.js';
import type { AlarmFigure, CleanFigure, CostFigure, EventFigure, NabFigure, Quality } from './figures.js';
import type { ForestFigures } from './forest.js';
import type { PerturbedFigure } from './perturbed.js';
import { mayTune } from './split.js';

const points = (value: number): string => value.toFixed(1);
const share = (value: number): string => value.toFixed(3);

function nabTable(figures: readonly NabFigure[]): Table {
  const rows = figures.toSorted((a, b) => b.profiles.standard - a.profiles.standard);
  return [
    ['detector', 'standard', 'low FP', 'low FN', 'dev', 'confirm'],
    ...rows.map(({ detector, profiles, dev, confirm }) => [detector, points(profiles.standard), points(profiles.reward_low_FP_rate), points(profiles.reward_low_FN_rate), points(dev), points(confirm)]),
  ];
}

function eventTable(figures: readonly EventFigure[]): Table {
  const rows = figures.toSorted((a, b) => b.f1 - a.f1);
  return [
    ['detector', 'F1', 'found', 'missed', 'false alarms', 'median delay, rows', 'dev', 'confirm'],
    ...rows.map(({ detector, f1, hits, missed: left, falseAlarms, delay, dev, confirm }) => [detector, share(f1), String(hits), String(left), String(falseAlarms), short(delay), share(dev), share(confirm)]),
  ];
}

function perturbedTable(figures: readonly PerturbedFigure[]): Table {
  return [['change of every series', 'NAB standard', 'F1 of events'], ...figures.map(({ change, nab, events }) => [change, points(nab), share(events)])];
}

function alarmTable(figures: readonly AlarmFigure[]): Table {
  return [
    ['series', 'rows', 'found', 'missed', 'elsewhere', 'median delay, rows'],
    ...figures.map(({ set, rows, found, missed: left, elsewhere, delays }) => [set, rows.toLocaleString('en-US'), String(found), String(left), String(elsewhere), short(median(delays))]),
  ];
}

function cleanTable(figures: readonly CleanFigure[]): Table {
  return [['clean series', 'series-months', 'alarms', 'a series and month'], ...figures.map(({ set, alarms, seriesMonths }) => [set, short(seriesMonths), String(alarms), short(alarms / seriesMonths)])];
}

function calibrationTable(figures: readonly CalibrationFigure[]): Table {
  const percent = (part: number): string => `${Number((100 * part).toPrecision(2))} %`;
  return [
    ['clean series', ...(figures[0]?.tails.map(({ p }) => `above ${1 - p}`) ?? []), 'calibrated'],
    ...figures.map(({ shape, tails }) => [shape, ...tails.map(({ share: of }) => percent(of)), tails.every(({ held }) => held) ? 'yes' : 'no']),
  ];
}

function costTable(figures: readonly CostFigure[]): Table {
  return [['detector', 'µs a sample', 'bytes a series', 'on'], ...figures.map(({ detector, us, bytes, on }) => [detector, short(us), bytes === undefined ? '-' : bytes.toLocaleString('en-US'), on])];
}

function forestTables({ tables, times }: ForestFigures): Section[] {
  return [
    {
      title: 'Isolation forest: ranking',
      text: 'Area under the curve on tables with outliers (ODDS): mean over 100 seeds, 100 trees of 256 rows, beside mean and standard deviation of scikit-learn over ten. (Means of ten seeds vary by a third of that deviation: over 60, scikit-learn itself has 0.803 on arrhythmia and 0.633 on letter.)',
      table: [['table', 'rows × numbers', 'millrace', 'scikit-learn', 'standard deviation'], ...tables.map(({ name, rows, features, auc, reference, deviation }) => [name, `${rows.toLocaleString('en-US')} × ${features}`, share(auc), share(reference), share(deviation)])],
    },
    {
      title: 'Isolation forest: time',
      text: 'Milliseconds for 100 trees on 10,000 rows of 4 normal numbers, on one thread: the median of 21 rounds. `ml-isolation-forest` grows its trees from all rows, as it has no subsampling; of 3 rounds.',
      table: [['forest', 'fit, ms', 'score, ms'], ...times.toSorted((a, b) => a.scoreMs - b.scoreMs).map(({ engine, fitMs, scoreMs }) => [engine, short(fitMs), short(scoreMs)])],
    },
  ];
}

interface Section {
  readonly title: string;
  readonly text: string;
  readonly table: Table;
}

function sections({ nab, events, eventsForNothing, perturbed, alarms, clean, calibration, costs, forest }: Quality): Section[] {
  return [
    { title: 'Numenta Anomaly Benchmark', text: 'Points of 100 by the official rules, each profile at its best threshold for all files. `dev`: standard profile on the files that parameters may be chosen by; `confirm`: on the others, at the threshold of `dev`.', table: nabTable(nab) },
    { title: 'Cloud monitoring', text: `F1 of events, at the best threshold for all files at which at most a tenth of the rows are detections: who detects every row finds all, with one false alarm between two segments, and would have ${share(eventsForNothing)}. Never adjusted by points. \`dev\` and \`confirm\` as above.`, table: eventTable(events) },
    { title: 'The same series, changed', text: 'Who has learnt the files by heart does worse on such as look like them.', table: perturbedTable(perturbed) },
    { title: 'What people are told', text: 'Anomalies that `detect` opens with its defaults: labelled stretches that one overlaps, and anomalies that overlap none.', table: alarmTable(alarms) },
    { title: 'False alarms on clean series', text: 'Series of `generate` without anomalies: every anomaly that opens is false.', table: cleanTable(clean) },
    { title: 'What a score means', text: 'Share of rows with a score above 1 - p, where nothing is unusual: it should be p, give or take half of it and three standard deviations of the count.', table: calibrationTable(calibration) },
    { title: 'Cost', text: 'Processor time of one sample, and state of one series. Of Millrace: of a graph with the operator less that of the same graph without.', table: costTable(costs) },
    ...forestTables(forest),
  ].filter(({ table }) => table.length > 1);
}

/** Of the forest alone, for a terminal. */
export function forestText(forest: ForestFigures): string {
  return forestTables(forest).flatMap(({ title, text, table }) => [title, text, asText(table)]).join('\n\n');
}

/** For a terminal. */
export function qualityText(quality: Quality): string {
  const parts = sections(quality).flatMap(({ title, text, table }) => [title, text, asText(table)]);
  const absent = quality.absent.map(({ engine, reason }) => `Not measured: ${engine}: ${reason}`);
  return [...parts, asText(expectationsTable(judge(quality, expectations))), ...absent].join('\n\n');
}

/** The whole of QUALITY.md. */
export function qualityMarkdown(quality: Quality, names: readonly string[]): string {
  const judged = judge(quality, expectations);
  const parts = [
    '# How good detection is',
    'The shipped `detect` without any options, one configuration for all series, beside published detectors and what one would take in Python, scored in the same run. Written by `npm run quality -- --write`; rules are told in [README.md](README.md).',
    `Machine: ${quality.machine}; measured ${quality.measuredAt.slice(0, 10)}. It is shared with others: trust ratios of times more than times.`,
    '## What is expected, and what is met',
    asMarkdown(expectationsTable(judged)).replaceAll('| not met |', '| **not met** |'),
    ...missed(judged, explanations),
    ...sections(quality).flatMap(({ title, text, table }) => [`## ${title}`, text, asMarkdown(table)]),
    '## The files',
    `Parameters may be chosen by (\`dev\`): ${list(names.filter(mayTune))}.`,
    `They confirm: ${list(names.filter((name) => !mayTune(name)))}.`,
    ...(quality.absent.length === 0 ? [] : ['Not measured:', quality.absent.map(({ engine, reason }) => `- ${engine}: ${reason}`).join('\n')]),
  ];
  return `${parts.join('\n\n')}\n`;
}

const list = (names: readonly string[]): string => names.map((name) => name.replace(/^.*\/|\.csv$/g, '')).join(', ');
