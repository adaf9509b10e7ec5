/** The isolation forest by itself: how well it ranks tables with outliers, and what it costs, beside those that one would take else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsolationForest } from 'ml-isolation-forest';
import { seeded } from '../../engine/random.js';
import { growForest } from '../../operators/isolation-forest/grow.js';
import { rankForest, scoreRows } from '../../operators/isolation-forest/ranked-forest.js';
import { auc } from '../../quality/auc.js';
import { cache, type AbsentEngine } from '../contest.js';
import { pythonProgram } from '../peers/python.js';
import { run } from '../peers/toolchain.js';
import { median } from '../statistics.js';
import { readOdds } from './sets.js';

const PYTHON_LIMIT_MS = 5 * 60_000;
const TREES = 100;
const SAMPLE = 256;
const SEEDS = 100;
const ROWS = 10_000;
const FEATURES = 4;
/** Of which the median counts; the first ones are not counted. */
const ROUNDS = 21;
const WARM = 10;
/** It takes seconds. */
const LIBRARY_ROUNDS = 3;

export interface RankedTable {
  readonly name: string;
  readonly rows: number;
  readonly features: number;
  /** Area under the curve, mean over seeds. */
  readonly auc: number;
  /** That of scikit-learn, and its standard deviation over seeds. */
  readonly reference: number;
  readonly deviation: number;
}

export interface ForestTime {
  readonly engine: string;
  readonly fitMs: number;
  readonly scoreMs: number;
}

export interface ForestFigures {
  readonly tables: readonly RankedTable[];
  readonly times: readonly ForestTime[];
}

export const OUR_FOREST = 'millrace isolation-forest';
export const THEIR_FOREST = 'scikit-learn';

export function rankedTables(): RankedTable[] {
  return readOdds().map(({ name, points, outlier, reference }) => {
    const features = points[0]!.length;
    const rows = Float64Array.from(points.flatMap((point) => Array.from(point)));
    const scores = new Float64Array(points.length);
    const found = Array.from({ length: SEEDS }, (_, seed) => {
      scoreRows(rankForest(growForest(rows, features, { trees: TREES, sample: SAMPLE, random: seeded(seed) })), rows, scores);
      return auc(outlier, scores);
    });
    return { name, rows: points.length, features, auc: found.reduce((sum, of) => sum + of, 0) / SEEDS, reference: reference.auc_mean, deviation: reference.auc_sd };
  });
}

/** Normal numbers, as most rows are. */
function rowsToScore(): Float64Array {
  const random = seeded(1);
  return Float64Array.from({ length: ROWS * FEATURES }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

function ourTime(rows: Float64Array): ForestTime {
  const fits: number[] = [];
  const scorings: number[] = [];
  const scores = new Float64Array(ROWS);
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const began = performance.now();
    const forest = rankForest(growForest(rows, FEATURES, { trees: TREES, sample: SAMPLE, random: seeded(round) }));
    const fitted = performance.now();
    scoreRows(forest, rows, scores);
    const ended = performance.now();
    if (round < WARM) continue;
    fits.push(fitted - began);
    scorings.push(ended - fitted);
  }
  return { engine: OUR_FOREST, fitMs: median(fits), scoreMs: median(scorings) };
}

/** Grown from all rows, as it has no subsampling. */
function libraryTime(rows: Float64Array): ForestTime {
  const points = Array.from({ length: ROWS }, (_, row) => Array.from(rows.subarray(row * FEATURES, (row + 1) * FEATURES)));
  const fits: number[] = [];
  const scorings: number[] = [];
  for (let round = 0; round < LIBRARY_ROUNDS; round++) {
    const forest = new IsolationForest({ nEstimators: TREES });
    const began = performance.now();
    forest.train(points);
    const fitted = performance.now();
    forest.predict(points);
    fits.push(fitted - began);
    scorings.push(performance.now() - fitted);
  }
  return { engine: 'ml-isolation-forest', fitMs: median(fits), scoreMs: median(scorings) };
}

async function pythonTime(rows: Float64Array): Promise<ForestTime | AbsentEngine> {
  const program = await pythonProgram('python-detectors', join(cache, 'python-detectors'));
  if ('missing' in program) return { engine: 'the isolation forest of scikit-learn', reason: program.missing };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const [input, output] = [join(folder, 'rows.json'), join(folder, 'times.json')];
    writeFileSync(input, JSON.stringify({ rows: Array.from(rows), features: FEATURES, trees: TREES, sample: SAMPLE, rounds: ROUNDS }));
    const ran = await run(program.command, [...program.args, 'forest', input, output], PYTHON_LIMIT_MS);
    if (ran.code !== 0) return { engine: 'the isolation forest of scikit-learn', reason: ran.last };
    const { fit_ms, score_ms } = JSON.parse(readFileSync(output, 'utf8')) as { fit_ms: number[]; score_ms: number[] };
    return { engine: THEIR_FOREST, fitMs: median(fit_ms), scoreMs: median(score_ms) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function forestFigures(python: boolean): Promise<{ figures: ForestFigures; absent: AbsentEngine[] }> {
  const rows = rowsToScore();
  const theirs = python ? await pythonTime(rows) : undefined;
  const times = [ourTime(rows), libraryTime(rows)];
  const tables = rankedTables();
  if (theirs === undefined) return { figures: { tables, times }, absent: [] };
  return 'reason' in theirs ? { figures: { tables, times }, absent: [theirs] } : { figures: { tables, times: [...times, theirs] }, absent: [] };
}
