import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './contest.js';
import { callTree, flameGraph, type CpuProfile, type Frame, type Kind, type ProfileNode } from './flame-graph.js';
import { measure } from './measure.js';
import type { Workload } from './workloads.js';

/** Of a frame, by the folder of its module. Colours are told apart by the colour-blind too (Okabe and Ito, lightened). */
const kinds = {
  operators: { name: "operators' kernels", colour: '#f0b44c' },
  engine: { name: 'engine around them', colour: '#8ecbf0' },
  connectors: { name: 'connectors (samples made and counted)', colour: '#6cc7a8' },
  peer: { name: "the peer's own program", colour: '#c9a7e0' },
  collector: { name: 'garbage collection', colour: '#e69a9a' },
  other: { name: 'other (start, compiling, Node, libraries, harness)', colour: '#d4d4d8', rows: 6 },
} as const satisfies Readonly<Record<string, Kind>>;

/** Where what is compiled of this project lies. */
const root = import.meta.url.replace(/bench\/[^/]*$/, '');

/** Of a module, by its path from there; operators and connectors that a benchmark brings are such, too. */
const folders: readonly (readonly [RegExp, Kind])[] = [
  [/^operators\/|^bench\/millrace\/far-out\.js$/, kinds.operators],
  [/^connectors\/|^bench\/millrace\/(gated-sources|timed-count)\.js$/, kinds.connectors],
  [/^engine\//, kinds.engine],
  [/^bench\/(peers\/|samples\.js)/, kinds.peer],
];

/** Of a frame by itself; `undefined` for what has no module, which is its caller's: `sqrt`, a native part of Node. */
function ownKind({ name, url }: Frame): Kind | undefined {
  if (name === '(garbage collector)') return kinds.collector;
  if (url === '') return name.startsWith('(') ? kinds.other : undefined;
  const path = url.startsWith(root) ? url.slice(root.length) : '';
  return folders.find(([folder]) => folder.test(path))?.[1] ?? kinds.other;
}

/** Time in which a thread does nothing: asleep in its event loop, or waiting for another one. */
export const waits = ({ callFrame: { functionName, url } }: ProfileNode): boolean => functionName === '(idle)' || (url === '' && functionName === 'wait');

/** Microseconds of each kind, of what functions take themselves. */
export function timeByKind(threads: readonly Frame[]): Map<Kind, number> {
  const found = new Map<Kind, number>(Object.values(kinds).map((kind) => [kind, 0]));
  const walk = (at: Frame, callers: Kind): void => {
    const kind = ownKind(at) ?? callers;
    found.set(kind, found.get(kind)! + at.self);
    for (const child of at.children.values()) walk(child, kind);
  };
  for (const thread of threads) walk(thread, kinds.other);
  return found;
}

/** Call trees of profiles, with kinds, as an SVG. */
export function draw(title: string, threads: readonly Frame[]): string {
  // A frame without a module has the colour of its caller.
  const kindOf = new Map<Frame, Kind>();
  const walk = (at: Frame, callers: Kind): void => {
    const kind = ownKind(at) ?? callers;
    kindOf.set(at, kind);
    for (const child of at.children.values()) walk(child, kind);
  };
  for (const thread of threads) walk(thread, kinds.other);
  return flameGraph(title, threads, (at) => kindOf.get(at)!);
}

/** More jobs than a measurement has: what is looked for is where time goes once code is compiled. */
const JOBS = 4;

/**
 * Runs an engine that is a Node program with a CPU profile of each of its threads, and writes the profiles and one
 * flame graph of all into a folder. Resolves with lines that tell where time went.
 */
export async function profile(workload: Workload, entry: Entry, folder: string): Promise<string[]> {
  const { command, args, env } = entry.command;
  if (command !== process.execPath) throw new Error(`${entry.engine} is no program of Node: only such can be profiled`);
  mkdirSync(folder, { recursive: true });
  const raw = mkdtempSync(join(folder, 'raw-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${raw}`, '--cpu-prof-interval=500', `--import=${new URL('profile-workers.js', import.meta.url).href}`];
    const run = await measure({ ...entry, command: { command, args: [...flags, ...args], ...(env !== undefined && { env }) }, workload: workload.name, jobs: workload.paced ? 1 : JOBS, limit_s: 2 * workload.limit_s });

    const name = `${workload.name.toLowerCase()}-${entry.engine}-${entry.threads}`;
    for (const old of readdirSync(folder)) if (old.startsWith(`${name}.`)) rmSync(join(folder, old));
    const main: CpuProfile[] = [];
    const workers: CpuProfile[] = [];
    for (const [i, file] of readdirSync(raw).toSorted((a, b) => threadOf(a) - threadOf(b)).entries()) {
      const kept = join(folder, `${name}.${i}.cpuprofile`);
      renameSync(join(raw, file), kept);
      (threadOf(file) === 0 ? main : workers).push(JSON.parse(readFileSync(kept, 'utf8')) as CpuProfile);
    }
    const threads = [callTree('main thread', main, waits), callTree(workers.length === 1 ? 'worker thread' : `${workers.length} worker threads`, workers, waits)];
    const drawing = join(folder, `${name}.svg`);
    const { samples } = run.outcomes.at(-1)!;
    writeFileSync(drawing, draw(`${workload.title}: ${entry.engine}, ${entry.threads} thread(s), ${run.outcomes.length} jobs of ${(samples / 1e6).toLocaleString('en-US')} M ${workload.unit}`, threads));
    return [...shares(threads, samples * run.outcomes.length), `Flame graph: ${drawing}; profiles beside it open in Chrome's or VS Code's viewer.`];
  } finally {
    rmSync(raw, { recursive: true, force: true });
  }
}

/** A profile is called CPU.<day>.<time>.<process>.<thread>.<sequence>.cpuprofile */
const threadOf = (file: string): number => Number(file.split('.').at(-3));

/** Workers do the work; on the main thread there is also the start of it all. */
function shares(threads: readonly Frame[], samples: number): string[] {
  const times = timeByKind(threads);
  const ofWorkers = timeByKind(threads.slice(1));
  const percent = (of: ReadonlyMap<Kind, number>, kind: Kind): string => `${((100 * of.get(kind)!) / ([...of.values()].reduce((a, b) => a + b, 0) || 1)).toFixed(1)} %`.padStart(11);
  return ['all threads   workers  ns a sample', ...[...times].filter(([, time]) => time > 0).map(([kind, time]) => `${percent(times, kind)}${percent(ofWorkers, kind).slice(1)}${((1000 * time) / samples).toFixed(2).padStart(13)}  ${kind.name}`)];
}
