import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { expectations, explanations, judge, type Expectation } from '../../bench/expectations.js';
import { figure, type Figure } from '../../bench/figures.js';
import type { Run } from '../../bench/measure.js';
import { asMarkdown, asText, expectationsTable, figuresTable, short, sizeLine } from '../../bench/report.js';
import { merge, renew } from '../../bench/results.js';
import { workload } from '../../bench/workloads.js';

/** A run of two jobs, the first half as fast, in which others took `others` of the machine. */
const run = (engine: string, millions: number, others: number, threads = 1): Run => {
  const outcome = { workload: 'W1' as const, engine, threads, samples: 20e6, check: { counts: 20e6 }, versions: { node: '20' } };
  const seconds = 20 / millions;
  return { outcomes: [{ ...outcome, seconds: 2 * seconds }, { ...outcome, seconds }], first_result_ms: 100, peak_rss_mb: 50 + 100 * others, cpu_s: seconds, others_cpu: others };
};
const figureOf = (engine: string, speeds: readonly number[], others = 0, threads = 1): Figure => figure(speeds.map((speed) => run(engine, speed, others, threads)) as [Run, ...Run[]], 10_000, '2026-01-02T03:04');

const figures = [figureOf('loop', [100, 120, 110]), figureOf('millrace', [40, 44, 60], 0.2), figureOf('millrace', [66], 0.05, 2)];

await t.test('a figure is the spread of the last jobs, the largest memory, and how many runs were noisy', (t) => {
  const { samples_per_second: speed, ...rest } = figure([run('loop', 100, 0.05), run('loop', 130, 0.3), run('loop', 110, 0)], 10_000, '2026-01-02T03:04');
  t.strictSame([speed.min, speed.median, speed.max].map(Math.round), [100e6, 110e6, 130e6]);
  t.match(rest, { engine: 'loop', threads: 1, runs: 3, noisy_runs: 1, others_cpu: 0.3, peak_rss_mb: 80, first_result_ms: 100, check: { counts: 20e6 } });
  t.ok(Math.abs(rest.cold_samples_per_second!.median - 55e6) < 1);
  t.ok(Math.abs(rest.cpu_s_per_million! - 1 / 110) < 1e-9);
  t.end();
});

await t.test('what the machine can not tell is left out', (t) => {
  const { outcomes } = run('loop', 100, 0);
  const bare = figure([{ outcomes }], 10_000, '2026-01-02T03:04');
  t.notHas(bare, { peak_rss_mb: Number });
  t.match(figuresTable(workload('W1'), [bare])[1], [/loop/, '1', '100', '100 to 100', '1.00', '50.0', '-', '-', '-', '-', '0 of 1']);
  t.end();
});

await t.test('rows have their ratio against the yardstick, and name other numbers of samples', (t) => {
  const [, loop, millrace] = figuresTable(workload('W1'), [figures[0]!, { ...figures[1]!, samples: 5e6 }]);
  t.equal(loop![4], '1.00');
  t.strictSame(millrace!.slice(0, 5), ['millrace (5.00 M)', '1', '44.0', '40.0 to 60.0', '0.400']);
  t.end();
});

await t.test('the size of a job is told, and where its series are not those of the workload', (t) => {
  t.equal(sizeLine(workload('W1'), figures), '20,000,000 samples a job; the figure is that of the last of 2 jobs in one process.');
  const [small] = figures.map((f) => ({ ...f, workload: 'W6' as const, series: 500 }));
  t.equal(sizeLine(workload('W6'), [small!]), '20,000,000 samples a job over 500 series instead of 1,000,000; the figure is that of the last of 2 jobs in one process.');
  const memory = (series: number) => judge({ figures: [{ ...figures[1]!, workload: 'W6', series, peak_rss_mb: 1_000 }], grown: [] }, expectations).find((j) => j.expectation.name === 'W6-memory')!;
  t.equal(memory(500).verdict, 'not measured');
  t.equal(memory(1_000_000).verdict, 'met');
  t.end();
});

await t.test('numbers have three digits that count', (t) => {
  t.strictSame([0, 0.0012345, 0.9999, 1.2345, 12.345, 123.45, 12_345.6, NaN, Infinity, -2.5].map(short), ['0', '0.00123', '1.00', '1.23', '12.3', '123', '12,346', '-', '-', '-2.50']);
  t.end();
});

await t.test('an expectation is met on its side of its bound', (t) => {
  const base = { name: 'x', says: 'x', unit: 'ms', figure: () => 3 };
  const verdicts = ([{ bound: 'at most', longRun: 3 }, { bound: 'at most', expected: 3 }, { bound: 'at most', expected: 2.9, longRun: 1 }, { bound: 'at least', expected: 3, longRun: 4 }, { bound: 'at least', expected: 3.1 }] as const).map((e) => judge({ figures: [], grown: [] }, [{ ...base, ...e } as Expectation])[0]!);
  t.strictSame(verdicts.map((v) => [v.verdict, v.longRun]), [[undefined, 'met'], ['met', undefined], ['not met', 'not met'], ['met', 'not met'], ['not met', undefined]]);
  t.end();
});

await t.test('the table of expectations takes its figures from what was measured', (t) => {
  const grown = [{ name: 'series', points: [{ at: 1_000, samples_per_second: 90e6 }, { at: 10_000, samples_per_second: 60e6 }, { at: 1_000_000, samples_per_second: 10e6 }] }];
  const judged = new Map(judge({ figures, grown }, expectations).map((j) => [j.expectation.name, j]));
  t.match(judged.get('W1-loop'), { figure: 2.5, verdict: 'not met' });
  t.match(judged.get('W1-own-parts'), { figure: 1.5, verdict: 'not met' });
  t.match(judged.get('growth-series'), { figure: 6, verdict: 'not met' }, 'from 10,000 on');
  t.match(judged.get('W1-jet'), { figure: undefined, verdict: 'not measured' });
  t.equal(judged.size, expectations.length, 'each has a name of its own');
  for (const name of Object.keys(explanations)) t.ok(judged.has(name), `${name} is expected`);
  t.match(asText(expectationsTable(judge({ figures, grown }, expectations))), /W1, one shard: time against the hand-written loop's +at most 2 times +1\.5 +2\.50 +not met/);
  t.end();
});

await t.test('tables line up', (t) => {
  const table = [['engine', 'speed'], ['loop', '1.5'], ['millrace', '10']];
  t.equal(asText(table), 'engine    speed\n--------  -----\nloop        1.5\nmillrace     10');
  t.equal(asMarkdown(table), '| engine | speed |\n| --- | ---: |\n| loop | 1.5 |\n| millrace | 10 |');
  t.end();
});

await t.test('new figures take the place of old ones, and others stay', (t) => {
  const old = merge({ machine: '', figures: [], grown: [], absent: [{ engine: 'jet', reason: 'no Maven' }] }, figures, [], [], ['loop', 'millrace', 'jet']);
  const renewed = merge(old, [figureOf('jet', [7]), figureOf('loop', [150])], [], [], ['loop', 'millrace', 'jet']);
  t.strictSame(renewed.figures.map((f) => [f.engine, f.threads, Math.round(f.samples_per_second.median / 1e6)]), [['loop', 1, 150], ['millrace', 1, 44], ['millrace', 2, 66], ['jet', 1, 7]]);
  t.strictSame(renewed.absent, [], 'it was measured now');
  t.strictSame(merge(renewed, [], [], [], ['millrace']).figures.map((f) => f.engine), ['millrace', 'millrace']);
  t.end();
});

await t.test('the results are one text with its charts', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'results-'));
  const grown = [{ name: 'shards', points: [{ at: 1, samples_per_second: 60e6 }, { at: 2, samples_per_second: 90e6 }] }];
  renew(folder, figures, [], [{ engine: 'jet', reason: 'no Maven\n at all' }]);
  renew(folder, [], grown, []);
  const text = readFileSync(join(folder, 'RESULTS.md'), 'utf8');
  t.match(text, /^# Results\n/);
  t.match(text, /\| W1, one shard: time against the hand-written loop's \| at most 2 times \| 1\.5 \| 2\.50 \| \*\*not met\*\* \|/);
  t.match(text, /\| millrace \| 2 \| 66\.0 \|/);
  t.notMatch(text, /undefined|NaN|at all/);
  const charts = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path!);
  t.strictSame(charts, ['w1.svg', 'growth.svg']);
  t.strictSame(readdirSync(folder).toSorted(), ['RESULTS.md', 'growth.svg', 'results.json', 'w1.svg']);
  t.match(readFileSync(join(folder, 'w1.svg'), 'utf8'), /^<svg [^]*110[^]*loop[^]*<\/svg>\n$/);
  t.end();
});
