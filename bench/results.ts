import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { growthChart, speedChart } from './chart.js';
import type { AbsentEngine } from './contest.js';
import type { Grown } from './expectations.js';
import type { Figure } from './figures.js';
import { engines } from './peers/list.js';
import { chartOf, hasChart, resultsMarkdown, type Report } from './report.js';
import { workloads } from './workloads.js';

const none: Report = { machine: '', figures: [], grown: [], absent: [] };

/**
 * Renews `results.json` in a folder by what was measured now, and all that is drawn from it: RESULTS.md and its
 * charts. Rows that were not measured now stay, with the day on which they were.
 */
export function renew(folder: string, figures: readonly Figure[], grown: readonly Grown[], absent: readonly AbsentEngine[]): void {
  const path = join(folder, 'results.json');
  const all = merge(read(path), figures, grown, absent);
  writeFileSync(path, `${JSON.stringify(all, null, 1)}\n`);
  const titles = Object.fromEntries(engines.map((engine) => [engine.name, engine.title]));
  writeFileSync(join(folder, 'RESULTS.md'), resultsMarkdown(all, workloads, titles));
  for (const workload of workloads) {
    const shown = all.figures.filter((f) => f.workload === workload.name);
    const chart = join(folder, chartOf(workload));
    if (hasChart(workload) && shown.length > 0) writeFileSync(chart, speedChart(workload, shown));
    else rmSync(chart, { force: true });
  }
  if (all.grown.length > 0) writeFileSync(join(folder, 'growth.svg'), growthChart(all.grown));
}

/** Engines that are in the list no more are dropped. In the order of workloads and of that list. */
export function merge(old: Report, figures: readonly Figure[], grown: readonly Grown[], absent: readonly AbsentEngine[], known: readonly string[] = engines.map((e) => e.name)): Report {
  const key = (f: Figure): string => `${f.workload} ${f.engine} ${f.threads}`;
  const renewed = new Map([...old.figures, ...figures].map((f) => [key(f), f]));
  const place = (f: Figure): number => workloads.findIndex((w) => w.name === f.workload) * 1_000 + known.indexOf(f.engine);
  const measured = [...renewed.values()].filter((f) => known.includes(f.engine)).toSorted((a, b) => place(a) - place(b) || a.threads - b.threads);
  return {
    machine: `${cpus().length} × ${cpus()[0]!.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`,
    figures: measured,
    grown: [...new Map([...old.grown, ...grown].map((g) => [g.name, g])).values()],
    absent: [...new Map([...old.absent, ...absent].map((a) => [a.engine, a])).values()].filter(({ engine }) => known.includes(engine) && !measured.some((f) => f.engine === engine)),
  };
}

function read(path: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    throw new Error(`${path} is no list of results; remove it to begin anew`, { cause: error });
  }
}
