/** The public sets that detection is judged by, read from where they lie: the folder `data` of MILLRACE_SHARED. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { spansOf, type Labelled, type Span } from '../../quality/labelled.js';
import type { ProfileName } from '../../quality/nab.js';

export interface Series extends Labelled {
  /** `realTweets/Twitter_volume_AAPL.csv` */
  readonly name: string;
  /** ms since the epoch */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export const dataFolder = join(resolve(process.env['MILLRACE_SHARED'] ?? '../shared'), 'data');

/** Why the sets can't be read, if they can't. */
export function setsMissing(): string | undefined {
  return existsSync(join(dataFolder, 'nab/data')) ? undefined : `no data at ${dataFolder} (MILLRACE_SHARED says where)`;
}

/** The files of the Numenta Anomaly Benchmark, with its windows. */
export function readNab(): Series[] {
  const windows = JSON.parse(readFileSync(join(dataFolder, 'nab/combined_windows.json'), 'utf8')) as Readonly<Record<string, readonly [string, string][]>>;
  return csvFiles('nab').map((name) => {
    const { times, values } = readSeries(join(dataFolder, 'nab/data', name));
    const spans = (windows[name] ?? []).map(([from, to]): Span => ({ first: times.indexOf(timeOf(from)), last: times.lastIndexOf(timeOf(to)) }));
    if (spans.some(({ first, last }) => first < 0 || last < first)) throw new Error(`${name}: a window begins or ends where there is no row`);
    return { name, times, values, rows: times.length, spans };
  });
}

/** The files of Microsoft's cloud monitoring set, labelled by experts. */
export function readCloudMonitoring(): Series[] {
  return csvFiles('ms-cloud-monitoring').map((name) => {
    const { times, values, labels } = readSeries(join(dataFolder, 'ms-cloud-monitoring/data', name));
    return { name, times, values, rows: times.length, spans: spansOf(labels) };
  });
}

/** What a published detector gave. */
export interface Golden {
  readonly detector: string;
  readonly scores: Readonly<Record<string, readonly number[]>>;
  readonly expected: Readonly<Record<ProfileName, { readonly threshold: number; readonly files: Readonly<Record<string, { readonly score: number; readonly tp: number; readonly tn: number; readonly fp: number; readonly fn: number }>> }>>;
}

export function readGolden(): Golden[] {
  const folder = join(dataFolder, 'nab/golden');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json.gz'))
    .toSorted()
    .map((file) => JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString()) as Golden);
}

/** A table of points, some of which are outliers. */
export interface Points {
  readonly name: string;
  readonly points: readonly Float64Array[];
  readonly outlier: readonly boolean[];
  /** What the isolation forest of scikit-learn reaches, over ten seeds. */
  readonly reference: { readonly auc_mean: number; readonly auc_sd: number };
}

/** Tabular sets with outliers (ODDS). */
export function readOdds(): Points[] {
  const folder = join(dataFolder, 'odds');
  const references = JSON.parse(readFileSync(join(folder, 'sklearn_iforest_ref.json'), 'utf8')) as Readonly<Record<string, Points['reference']>>;
  return Object.entries(references).map(([name, reference]) => {
    const rows = linesOf(join(folder, `${name}.csv`)).map((line) => Float64Array.from(line.split(','), Number));
    return { name, points: rows.map((row) => row.subarray(0, -1)), outlier: rows.map((row) => row.at(-1) === 1), reference };
  });
}

/** By folder and file, in order: `realTweets/Twitter_volume_AAPL.csv`. */
function csvFiles(set: string): string[] {
  const folder = join(dataFolder, set, 'data');
  return readdirSync(folder).flatMap((domain) => readdirSync(join(folder, domain)).filter((file) => file.endsWith('.csv')).map((file) => `${domain}/${file}`)).toSorted();
}

/** A header, then time, value and in some sets a label; no field has a comma. */
function readSeries(path: string): { times: Float64Array; values: Float64Array; labels: boolean[] } {
  const rows = linesOf(path).slice(1).map((line) => line.replaceAll('"', '').split(','));
  return {
    times: Float64Array.from(rows, ([time]) => timeOf(time!)),
    values: Float64Array.from(rows, ([, value]) => Number(value)),
    labels: rows.map(([, , label]) => Number(label) === 1),
  };
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split(/\r?\n/).filter((line) => line !== '');
}

/** `2014-04-10 16:15:00.000000`, `2018-04-25T00:01:00Z`: of UTC where nothing is said, to the second. */
function timeOf(text: string): number {
  const time = Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
  if (Number.isNaN(time)) throw new Error(`${text} is no time`);
  return time;
}
