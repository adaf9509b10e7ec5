import { existsSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { z } from 'zod';
import { registry } from '../config/registry.js';
import { systemClock } from '../engine/clock.js';
import type { RefusedInput, Source } from '../engine/connector.js';
import { seeded } from '../engine/random.js';
import { parseSeries } from '../engine/series.js';
import { spansOf, type Labelled, type Span } from '../quality/labelled.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Recorded } from './judge.js';

/** Names of columns; `label` undefined: windows tell what is unusual. */
export interface LabelledColumns {
  readonly time: string;
  readonly value: string;
  readonly label: string | undefined;
}

export interface LabelledFile extends Recorded, Labelled {
  readonly path: string;
}

/** Refused lines that a message tells. */
const TOLD = 5;
const READ_ROWS = 10_000;

const moment = z.string().transform((text, context) => {
  // Of UTC where nothing is said, as the source `file` takes it.
  const time = Date.parse(/(?:[zZ]|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
  if (Number.isNaN(time)) context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no time` });
  return time;
});
const listed = z.array(z.tuple([moment, moment]).refine(([from, to]) => from <= to, { error: 'begins after it ends' }));
const byFile = z.record(z.string(), listed, { error: 'is neither a list of windows, each [from, to], nor an object with such a list for each file' });

/** Windows of unusual rows by file, or of any file. */
export type Windows = z.output<typeof byFile> | z.output<typeof listed>;

export function readWindows(path: string): Windows {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw wrong(`${path}: ${(error as Error).message}`);
  }
  const parsed = (Array.isArray(json) ? listed : byFile).safeParse(json);
  if (parsed.success) return parsed.data;
  throw wrong(parsed.error.issues.map(({ path: at, message }) => `${[path, ...at].join(': ')}: ${message}`).join('\n'));
}

/** Reads a file as the source `file` does; every line must be right, as a score of a part would mean nothing. `series`: the canonical text that it gets. */
export async function readLabelled(path: string, columns: LabelledColumns, windows: Windows | undefined, series: string): Promise<LabelledFile> {
  if (!existsSync(path)) throw wrong(`${path}: there is no such file`);
  const { times, values, labels } = await readRows(path, columns);
  if (times.length === 0) throw wrong(`${path}: has no row with a ${columns.value}`);
  const back = times.findIndex((time, row) => row > 0 && time < times[row - 1]!);
  if (back > 0) throw wrong(`${path}: ${iso(times[back]!)} comes after ${iso(times[back - 1]!)}: rows must be in order of time, so sort them first`);
  const spans = windows === undefined ? spansOf(labels) : windowsOf(windows, path).map((window) => spanOf(window, times, path));
  return { path, series, times: Float64Array.from(times), values: Float64Array.from(values), rows: times.length, spans };
}

async function readRows(path: string, columns: LabelledColumns): Promise<{ times: number[]; values: number[]; labels: boolean[] }> {
  const refused: RefusedInput[] = [];
  const source = fileSource(path, columns, refused);
  const [times, values, labels]: [number[], number[], boolean[]] = [[], [], []];
  let strange: number | undefined;
  const into = {
    length: 0,
    add(time: number, text: string, value: number): boolean {
      if (parseSeries(text).name === 'value') {
        times.push(time);
        values.push(value);
        labels.push(false);
      } else if (times.at(-1) === time) {
        // The label follows its value; a row without a value has none.
        if (value !== 0 && value !== 1) strange ??= value;
        labels[labels.length - 1] = value === 1;
      }
      return true;
    },
    finding: (): void => {},
  };
  try {
    await source.open(undefined);
    const { signal } = new AbortController();
    while ((await source.read(into, READ_ROWS, signal)).ended !== true);
  } catch (error) {
    throw wrong((error as Error).message);
  } finally {
    await source.close();
  }
  if (refused.length > 0) throw wrong([...refused.slice(0, TOLD).map(({ origin, reason }) => `${origin}: ${reason}`), ...(refused.length > TOLD ? [`and ${refused.length - TOLD} more lines`] : [])].join('\n'));
  if (strange !== undefined) throw wrong(`${path}: column ${JSON.stringify(columns.label)}: ${strange} is no label: 1 is unusual, 0 is not`);
  return { times, values, labels };
}

function fileSource(path: string, { time, value, label }: LabelledColumns, refused: RefusedInput[]): Source {
  const file = registry.sources.find(({ name }) => name === 'file')!;
  const config = file.config.parse({ path, time, value: { [value]: 'value', ...(label === undefined ? {} : { [label]: 'label' }) }, labels: [], file_label: '' });
  return file.create(config, {
    node: 'labelled',
    clock: systemClock,
    random: seeded(1),
    log: pino({ level: 'silent' }),
    routes: undefined,
    folder: process.cwd(),
    base: process.cwd(),
    replay: true,
    deadLetter: (letter) => void refused.push(letter),
    count: () => {},
  });
}

function windowsOf(windows: Windows, path: string): readonly (readonly [from: number, to: number])[] {
  if (Array.isArray(windows)) return windows;
  const name = Object.keys(windows).find((key) => path === key || path.endsWith(`/${key}`));
  if (name === undefined) throw wrong(`${path}: no windows are told of it; there are of ${Object.keys(windows).slice(0, TOLD).join(', ') || 'no file'}`);
  return windows[name]!;
}

function spanOf([from, to]: readonly [from: number, to: number], times: readonly number[], path: string): Span {
  const first = times.findIndex((time) => time >= from);
  const last = times.findLastIndex((time) => time <= to);
  if (first < 0 || last < first) throw wrong(`${path}: no row lies in the window from ${iso(from)} to ${iso(to)}`);
  return { first, last };
}

const iso = (time: number): string => new Date(time).toISOString();
const wrong = (message: string): CommandError => new CommandError(message, exitCodes.usage);
