import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check } from './engine.js';

/** Workloads whose results the specification determines. */
export type OracleWorkload = 'W1' | 'W2' | 'W3' | 'questdb';

interface Sample {
  readonly time: number;
  readonly value: number;
}

/**
 * What the results of a workload must add up to, straight from its specification: series by series, as none
 * knows of another; every window with a list of its values; two passes for a deviation. No sample is ever
 * late, so watermarks are not needed.
 */
export function oracle(workload: OracleWorkload, samples: number, series: number): Check {
  const of = { W1: tumbling, W2: sliding, W3: keyed, questdb: kept }[workload];
  const total: Record<string, number> = {};
  for (let s = 0; s < series; s++) {
    for (const [figure, value] of Object.entries(of(samplesOf(s, samples, series)))) total[figure] = (total[figure] ?? 0) + value;
  }
  return total;
}

/** As `oracle`, but remembered in a folder: 20 million samples take some seconds. */
export function rememberedOracle(workload: OracleWorkload, samples: number, series: number, folder: string): Check {
  // Under what the oracle is, so that a change of it forgets.
  const version = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url))).digest('hex').slice(0, 12);
  const path = join(folder, `${workload}-${samples}-${series}-${version}.json`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Check;
  } catch {
    const check = oracle(workload, samples, series);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, JSON.stringify(check));
    return check;
  }
}

/** The samples of one series, in the order in which they arrive. */
function samplesOf(series: number, samples: number, allSeries: number): Sample[] {
  const found: Sample[] = [];
  for (let i = series; i < samples; i += allSeries) {
    const h = timesModulo32(i, 2654435761);
    let time = 1700000000000 + Math.floor(i / allSeries) * 1000;
    if (h % 20 === 0) time -= 1000 * (1 + (Math.floor(i / 8) % 5));
    found.push({ time, value: (h % 1000) / 10 });
  }
  return found;
}

/** a * b mod 2^32, by halves of b, so that no product is beyond what a double holds exactly. */
function timesModulo32(a: number, b: number): number {
  const high = (a * Math.floor(b / 65536)) % 65536;
  return (high * 65536 + a * (b % 65536)) % 4294967296;
}

/** The values of each window, by its start: of `size` every `slide` ms, aligned to the epoch. */
function windows(samples: readonly Sample[], size: number, slide: number): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { time, value } of samples) {
    for (let start = Math.floor(time / slide) * slide; start > time - size; start -= slide) {
      const values = found.get(start);
      if (values === undefined) found.set(start, [value]);
      else values.push(value);
    }
  }
  return found;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function tumbling(samples: readonly Sample[]): Check {
  const check = { results: 0, counts: 0, means: 0, deviations: 0 };
  for (const values of windows(samples, 10_000, 10_000).values()) {
    const mean = sum(values) / values.length;
    check.results += 1;
    check.counts += values.length;
    check.means += mean;
    check.deviations += Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
  }
  return check;
}

function sliding(samples: readonly Sample[]): Check {
  const check = { results: 0, counts: 0, means: 0 };
  for (const values of windows(samples, 60_000, 1_000).values()) {
    check.results += 1;
    check.counts += values.length;
    check.means += sum(values) / values.length;
  }
  return check;
}

function keyed(samples: readonly Sample[]): Check {
  const check = { results: 0, z: 0 };
  let mean = 0;
  let variance = 0;
  let seen = 0;
  for (const { value } of samples) {
    if (seen >= 10 && variance > 0) {
      const z = (value - mean) / Math.sqrt(variance);
      if (Math.abs(z) > 3) {
        check.results += 1;
        check.z += Math.abs(z);
      }
    }
    const d = value - mean;
    mean += 0.05 * d;
    variance = 0.95 * (variance + 0.05 * d * d);
    seen += 1;
  }
  return { ...check, means: mean, variances: variance };
}

/** A series has one row a time: the one that came last. */
function kept(samples: readonly Sample[]): Check {
  const rows = new Map(samples.map(({ time, value }) => [time, value]));
  return { results: rows.size, values: sum([...rows.values()]) };
}

/** Where two checks differ by more than a millionth, or what was wanted is not there: `counts: 5, expected 6`. */
export function disagreements(check: Check, wanted: Check): string[] {
  const found: string[] = [];
  for (const [figure, b] of Object.entries(wanted) as [keyof Check, number][]) {
    const a = check[figure];
    if (a === undefined || !(Math.abs(a - b) <= 1e-6 * Math.abs(b))) found.push(`${figure}: ${a ?? 'not told'}, expected ${b}`);
  }
  return found;
}
