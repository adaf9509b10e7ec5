import { seeded } from '../../engine/random.js';
import { World, type Outcome } from './world.js';
import { drawWorkload, type Workload } from './workload.js';
import { sinksOf, type SinkWorld } from './sinks.js';
import { sourcesOf, type Input, type Row, type SourceWorld } from './sources.js';

export interface Failure {
  readonly seed: number;
  /** What is not as it must be. */
  readonly what: readonly string[];
  readonly workload: Workload;
  readonly disturbed: Outcome;
}

export interface Simulated {
  readonly failure: Failure | undefined;
  readonly steps: number;
}

/** Types of sources and sinks, to check graphs by. */
const registry = { sources: sourcesOf({} as SourceWorld), sinks: sinksOf({} as SinkWorld) };

/**
 * Runs what the seed says, with all that it lets go wrong, and then again from the beginning without faults, with the same
 * decisions of clock and training in the journal. What is stored must be the same.
 */
export async function simulate(seed: number): Promise<Simulated> {
  const workload = drawWorkload(seed, registry);
  const random = seeded(seed ^ 0x5bd1e995);
  const disturbed = await new World(workload, Math.floor(random() * 2 ** 32)).run();
  const what = disturbed.violations.slice(0, SHOWN);
  what.push(...missing(workload, disturbed));
  let { steps } = disturbed;
  if (what.length === 0) {
    const calm = await new World(workload, Math.floor(random() * 2 ** 32), { decisions: disturbed.decisions }).run();
    steps += calm.steps;
    what.push(...calm.violations.slice(0, SHOWN).map((violation) => `without faults: ${violation}`));
    what.push(...differences('stored rows', disturbed.rows, calm.rows), ...differences('findings by revision', disturbed.findings, calm.findings));
    what.push(...difference('lines in order', disturbed.lines, calm.lines));
  }
  return { failure: what.length === 0 ? undefined : { seed, what, workload, disturbed }, steps };
}

/** What is not there of the rows that went in, where a sink reads a source itself: each once, whatever was sent twice. */
function missing({ graph, inputs }: Workload, { rows, lines }: Outcome): string[] {
  const reads = (sink: string, source: string): boolean => graph.sinks.some(({ name, from }) => name === sink && from.includes(source));
  return inputs.flatMap((input) => {
    const given = rowsOf(input);
    const last = new Map(given.map(([time, series, value]) => [`${input.name} ${time} ${series}`, JSON.stringify([value, 0])]));
    const stored = new Map([...rows].filter(([key]) => key.startsWith(`${input.name} `)));
    const written = lines.filter((line) => line.split(' ', 2)[1] === input.name).length;
    return [
      ...(reads('store', input.name) ? differences(`rows of ${input.name}, by what went in`, stored, last) : []),
      ...(reads('ordered', input.name) && written !== given.length ? [`lines of ${input.name}: ${written}, of ${given.length} rows that went in`] : []),
    ];
  });
}

function rowsOf(input: Input): Row[] {
  if (input.kind === 'file') return [...input.rows];
  if (input.kind === 'said') return [];
  const first = new Map(input.messages.toReversed().map((message) => [message.id, message]));
  return input.messages.filter((message) => first.get(message.id) === message).flatMap(({ rows }) => rows);
}

/** The first few that are different. */
const SHOWN = 3;

function differences(of: string, got: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] {
  const keys = [...new Set([...got.keys(), ...wanted.keys()])].filter((key) => got.get(key) !== wanted.get(key));
  if (keys.length === 0) return [];
  const shown = keys.slice(0, SHOWN).map((key) => `  ${key}: ${got.get(key) ?? 'missing'}, and without faults ${wanted.get(key) ?? 'missing'}`);
  return [`${of}: ${keys.length} differ, of ${wanted.size}\n${shown.join('\n')}`];
}

function difference(of: string, got: readonly string[], wanted: readonly string[]): string[] {
  const length = Math.max(got.length, wanted.length);
  for (let i = 0; i < length; i++) {
    if (got[i] !== wanted[i]) return [`${of}: number ${i} of ${wanted.length} is ${got[i] ?? 'missing'}, and without faults ${wanted[i] ?? 'missing'}`];
  }
  return [];
}

/** A failure for a person, with the way to see it again. */
export function describeFailure({ seed, what, workload, disturbed }: Failure, mutant?: string): string {
  const graph = [...workload.graph.sources, ...workload.graph.operators, ...workload.graph.sinks].map(({ name, type, from, config }) => `  ${name}: ${type}${from.length === 0 ? '' : ` from ${from.join(', ')}`} ${JSON.stringify(config)}`);
  return [`seed ${seed}:`, ...what, 'graph:', ...graph, 'what happened:', ...disturbed.trace.slice(-LINES).map((line) => `  ${line}`), `again: npm run simulate -- --seed ${seed}${mutant === undefined ? '' : ` --mutant ${mutant}`}`].join('\n');
}

const LINES = 40;
