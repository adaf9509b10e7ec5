import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare, describe, EFFORT } from './compare.js';
import { cache, contest, entries, nameOf, prepare } from './contest.js';
import type { Engine } from './engine.js';
import { expectations, judge, type Grown } from './expectations.js';
import type { Figure } from './figures.js';
import { grow } from './growth.js';
import { buildOld } from './old-build.js';
import { engines } from './peers/list.js';
import { asText, expectationsTable, figuresTable, furtherLines, growthTable, sizeLine } from './report.js';
import { profile } from './profile.js';
import { renew } from './results.js';
import { growths, workloads, type Workload } from './workloads.js';

const RUNS = 5;
const USAGE = `npm run bench [-- [W1 W3 ...] [options]]

  --peers all          engines that need a toolchain, too; and nothing is shortened to stay under five minutes
  --engines a,b        these engines only, of whatever kind
  --runs N             interleaved runs of each engine (${RUNS}), or pairs of runs to compare (${EFFORT.pairs})
  --samples N          samples of a job, instead of the workload's own
  --growth             Millrace over series, shards, windows and idle nodes
  --json FILE          writes what was measured
  --write              renews bench/RESULTS.md and its charts
  --profile            a CPU profile and a flame graph of Millrace (or of --engines) at the workload
  --compare REF        Millrace of this tree against that of a commit: faster, slower or can't tell`;

const say = (text: string): void => console.error(text);

class UsageError extends Error {}

type Given = ReturnType<typeof options>;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peers: { type: 'string', default: 'npm' },
      engines: { type: 'string' },
      runs: { type: 'string' },
      samples: { type: 'string' },
      growth: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      compare: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const names = values.engines?.split(',').map((name) => name.trim());
  const count = (name: 'runs' | 'samples'): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text.replaceAll('_', ''));
    if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} ${text}: a whole number above zero is wanted`);
    return value;
  };
  if (values.peers !== 'npm' && values.peers !== 'all') throw new UsageError(`--peers ${values.peers}: npm or all is wanted`);
  return {
    ...values,
    runs: count('runs') ?? RUNS,
    pairs: count('runs') ?? EFFORT.pairs,
    samples: count('samples'),
    workloads: choose(positionals),
    all: positionals.length === 0,
    quick: values.peers === 'npm' && names === undefined && positionals.length === 0,
    named: names !== undefined,
    engines: names === undefined ? engines.filter((e) => values.peers === 'all' || e.toolchain === undefined) : names.map(engineNamed),
  };
}

function choose(names: readonly string[]): readonly Workload[] {
  for (const name of names) {
    if (!workloads.some((w) => w.name.toLowerCase() === name.toLowerCase())) throw new UsageError(`there is no workload ${name}; there are ${workloads.map((w) => w.name).join(', ')}`);
  }
  return names.length === 0 ? workloads : workloads.filter((w) => names.some((name) => name.toLowerCase() === w.name.toLowerCase()));
}

function engineNamed(name: string): Engine {
  const engine = engines.find((e) => e.name === name);
  if (engine === undefined) throw new UsageError(`there is no engine ${name}; there are ${engines.map((e) => e.name).join(', ')}`);
  return engine;
}

/** Measures and prints, workload by workload; resolves with whether all worked and agreed. */
async function bench(given: Given): Promise<boolean> {
  const contestants = given.engines.filter((e) => given.workloads.some((w) => e.runs[w.name] !== undefined));
  const growing = given.growth ? engines.filter((e) => growths.some((g) => g.points.some((p) => p.engine === e.name))) : [];
  const { ready, absent } = await prepare([...new Set([...contestants, ...growing])], say);
  const figures: Figure[] = [];
  const grown: Grown[] = [];
  const failures: string[] = [];
  for (const workload of given.workloads) {
    const rows = entries(workload, ready.filter(({ engine }) => contestants.includes(engine)), given);
    if (rows.length === 0) continue;
    const found = await contest(workload, rows, { runs: given.runs, warm: !given.quick, say });
    figures.push(...found.figures.values());
    failures.push(...found.failures);
    if (found.figures.size > 0) print(workload, [...found.figures.values()]);
  }
  for (const growth of given.growth ? growths : []) {
    const found = await grow(growth, ready, { runs: given.runs, warm: !given.quick, samples: given.samples, say });
    grown.push(found.grown);
    failures.push(...found.failures);
    console.log(`\n${growth.title}\n\n${asText(growthTable(growth, found.grown.points))}`);
  }
  console.log(`\n${asText(expectationsTable(judge({ figures, grown }, expectations)))}\n`);
  for (const { engine, reason } of absent) console.log(`Not measured: ${engine}: ${reason}`);
  if (!given.named) for (const { name, toolchain } of engines.filter((e) => !given.engines.includes(e))) console.log(`Not measured: ${name}: it needs ${toolchain} (--peers all)`);
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (given.write && failures.length > 0) console.log('bench/RESULTS.md stays as it was, as not all worked and agreed.');
  else if (given.write) renew('bench', figures, grown, absent);
  return failures.length === 0;
}

/** Millrace, or the engines that were named, one after the other. */
async function profiles(given: Given): Promise<boolean> {
  const { ready, absent } = await prepare(given.named ? given.engines : [engineNamed('millrace')], say);
  for (const { engine, reason } of absent) console.log(`Not there: ${engine}: ${reason}`);
  for (const workload of given.workloads) {
    for (const entry of entries(workload, ready, given)) {
      const lines = await profile(workload, entry, 'bench/profiles');
      console.log([`\n${workload.name}, ${nameOf(entry)}\n`, ...lines].join('\n'));
    }
  }
  return absent.length === 0;
}

/** Millrace as it was at a commit against Millrace as it is here. */
async function compareWith(ref: string, given: Given): Promise<boolean> {
  const root = process.cwd();
  const { folder, engine } = await buildOld(root, ref, cache, say);
  const [before, now] = [await prepare([engine], say), await prepare([engineNamed('millrace')], say)];
  for (const workload of given.workloads) {
    // The others, which take long, only when asked for.
    if (given.all && workload.against !== 'loop') continue;
    const of = ({ ready }: typeof now) => entries(workload, ready, given)[0];
    const sides = [of(before), of(now)] as const;
    if (sides[0] === undefined || sides[1] === undefined) console.log(`${workload.name}: Millrace ${sides[1] === undefined ? 'does not run it' : `did not run it at ${ref}`}`);
    else console.log(describe(workload, ref, await compare(workload, { entry: sides[0], folder }, { entry: sides[1], folder: root }, { ...EFFORT, pairs: given.pairs }, say)));
  }
  return true;
}

function print(workload: Workload, figures: readonly Figure[]): void {
  console.log(`\n${workload.title}\n${sizeLine(workload, figures)}\n`);
  console.log(asText(figuresTable(workload, figures)));
  for (const line of furtherLines(figures)) console.log(line);
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  const given = options();
  if (given.help) console.log(USAGE);
  else if (!(await (given.compare !== undefined ? compareWith(given.compare, given) : given.profile ? profiles(given) : bench(given)))) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
