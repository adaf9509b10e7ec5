import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, rowsOf, type Judged } from '../../cli/judge.js';
import { seriesText } from '../../engine/series.js';
import detect from '../../operators/detect/definition.js';
import type { Scores, Span } from '../../quality/labelled.js';
import { cache, type AbsentEngine } from '../contest.js';
import { pythonProgram } from '../peers/python.js';
import { run } from '../peers/toolchain.js';
import { OURS } from './expectations.js';
import { readGolden, type Series } from './sets.js';

const PYTHON_LIMIT_MS = 30 * 60_000;

/** What the default is made of, each by itself. */
export const alone: readonly { readonly detector: string; readonly config: Readonly<Record<string, unknown>> }[] = detect.config.parse({}).methods.map((method) => ({ detector: `${OURS}, ${method} alone`, config: { methods: [method] } }));

/** One configuration for all files: none, but where a part is asked for. Series are told apart by a label that says nothing. */
export async function judgeByDetect(files: readonly Series[], config: Readonly<Record<string, unknown>> = {}, type?: string): Promise<{ scores: Scores[]; alarms: Span[][] }> {
  const recorded = files.map(({ times, values }, i) => ({ series: seriesText('recorded', { file: String(i) }), times, values }));
  const judged: Judged[] = await judge(recorded, config, type);
  return { scores: judged.map(({ columns }) => columns.score), alarms: judged.map(({ anomalies }, i) => rowsOf(recorded[i]!, anomalies)) };
}

/** Detectors whose scores were published with the benchmark. */
export function published(files: readonly Series[]): { detector: string; scores: Scores[] }[] {
  return readGolden().map(({ detector, scores }) => ({ detector, scores: files.map(({ name }) => scores[name]!) }));
}

export interface PythonDetector {
  readonly detector: string;
  readonly version: string;
  readonly scores: readonly Scores[];
  /** Processor time a sample, µs. */
  readonly us: number;
}

/** What the detectors in Python give, or why they can't be had. */
export async function judgeInPython(files: readonly Series[]): Promise<{ detectors: PythonDetector[] } | { absent: AbsentEngine }> {
  const program = await pythonProgram('python-detectors', join(cache, 'python-detectors'));
  if ('missing' in program) return { absent: { engine: 'river, scikit-learn', reason: program.missing } };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const [input, output] = [join(folder, 'series.json'), join(folder, 'scores.json')];
    writeFileSync(input, JSON.stringify(files.map(({ values }) => Array.from(values))));
    const ran = await run(program.command, [...program.args, 'judge', input, output], PYTHON_LIMIT_MS);
    if (ran.code !== 0) return { absent: { engine: 'river, scikit-learn', reason: ran.last } };
    const samples = files.reduce((sum, { rows }) => sum + rows, 0);
    const told = JSON.parse(readFileSync(output, 'utf8')) as { detector: string; version: string; cpu_s: number; scores: number[][] }[];
    return { detectors: told.map(({ cpu_s, ...rest }) => ({ ...rest, us: (1e6 * cpu_s) / samples })) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
