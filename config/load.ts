import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { GraphSpec } from '../engine/graph.js';
import { ConfigError, inOrder, type Diagnostic } from './diagnostic.js';
import { YamlText } from './document.js';
import { graphProblems } from './graph-problems.js';
import { judge, show, type ConfigProblem } from './issues.js';
import { nearest } from './nearest.js';
import { isTree, readNodes } from './nodes.js';
import { Origins } from './origins.js';
import { applyVariables } from './overrides.js';
import { prune } from './prune.js';
import { forReplay } from './replayed.js';
import { componentTypes, sections, settingsSchema, type Settings } from './schema.js';
import { SloFiles } from './slos.js';
import type { Environment } from './variables.js';
import { warningsOf } from './warnings.js';

/** A config that can be run, all defaults filled in; relative folders resolved. */
export interface Loaded {
  /** As it was named. */
  readonly file: string;
  /** Folder at which relative paths of sources and sinks start. */
  readonly base: string;
  /** Folder for what is kept. */
  readonly folder: string;
  readonly graph: GraphSpec;
  readonly server: Settings['server'] & { readonly shards: number };
  /** `interval` in ms. */
  readonly checkpoint: { readonly interval: number; readonly folder: string };
  readonly logging: Settings['logging'];
  readonly global: Settings['global'];
  readonly services: Settings['services'];
  readonly seed: number;
  /** Nodes that are in the file and not in the graph: of components that are switched off, or not replayable. */
  readonly removed: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

export interface LoadOptions {
  /** Only what can be read again from the start. */
  readonly replay?: boolean;
}

/** Reads a config file. Rejects with a `ConfigError` that tells all that is wrong with it. */
export function loadConfig(file: string, env: Environment, options: LoadOptions = {}): Promise<Loaded> {
  return Promise.resolve().then(() => {
    const { config, diagnostics } = readConfig(file, env, options);
    if (config === undefined) throw new ConfigError(diagnostics);
    return config;
  });
}

/** As `loadConfig`, and gives what is wrong instead of throwing it: errors and warnings, in order of the file. */
export function readConfig(file: string, env: Environment, options: LoadOptions = {}): { config?: Loaded; diagnostics: readonly Diagnostic[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { diagnostics: [unreadable(file, error as NodeJS.ErrnoException)] };
  }
  return readConfigText(file, text, env, options);
}

/** As `readConfig`, of a text that was read already; `file` is where it would lie. */
export function readConfigText(file: string, text: string, env: Environment, options: LoadOptions = {}): { config?: Loaded; diagnostics: readonly Diagnostic[] } {
  const document = new YamlText(file, text, env);
  if (document.broken) return { diagnostics: inOrder(document.diagnostics, file) };
  const origins = new Origins(document);
  const tree = document.data ?? {};
  if (!isTree(tree)) return { diagnostics: [origins.diagnostic({ path: [], message: `a config is a map of \`sources\`, \`operators\` and \`sinks\`, not ${show(tree)}` })] };

  const diagnostics = [...document.diagnostics, ...applyVariables(tree, env, origins)];
  const judged = judge(settingsSchema, withoutNulls(tree), 'a config', [], (path) => origins.inserted(path));
  const problems: ConfigProblem[] = judged.problems.map(misplaced);
  const settings: Partial<Settings> = judged.value ?? {};

  readMisspelt(tree, problems, origins);

  const home = dirname(resolve(file));
  const shown = (path: string): string => (isAbsolute(file) ? path : relative(process.cwd(), path));
  const files = new SloFiles(home, shown, env, origins);
  const { problems: inside, broken, ...nodes } = readNodes(tree, settings, origins, files);
  const server = settings.server ?? settingsSchema.shape.server.parse(undefined);
  const written: GraphSpec = { ...nodes, partitions: server.partitions, maxSeries: server.max_series, seed: settings.seed ?? 1 };
  problems.push(...inside);
  diagnostics.push(...files.diagnostics);

  problems.push(...graphProblems(written, broken));
  if (judged.value === undefined) return { diagnostics: told(problems, diagnostics, origins, file) };
  const { base: start, folder, checkpoint, logging, global, services, seed, components } = judged.value;
  const base = start === undefined ? home : resolve(start);
  problems.push(...warningsOf(judged.value, written, base, broken));

  const off = Object.entries(componentTypes).filter(([component]) => components[component as keyof typeof componentTypes]?.enabled === false);
  let { graph, removed } = prune(written, written.operators.filter(({ type }) => off.some(([, of]) => of === type)).map(({ name }) => name));
  const clean = problems.every(({ warning }) => warning === true) && diagnostics.every(({ severity }) => severity === 'warning');
  if (clean && options.replay === true) {
    const replayed = forReplay(graph);
    problems.push(...replayed.problems);
    graph = replayed.graph;
    removed = new Set([...removed, ...replayed.removed]);
  }
  const all = told(problems, diagnostics, origins, file);
  if (all.some(({ severity }) => severity === 'error')) return { diagnostics: all };
  const kept = resolve(base, folder);
  return {
    diagnostics: all,
    config: {
      file,
      base,
      folder: kept,
      graph,
      server: { ...server, shards: server.shards ?? Math.max(1, availableParallelism() - 1) },
      checkpoint: { interval: checkpoint.interval, folder: checkpoint.folder === undefined ? join(kept, 'checkpoints') : resolve(base, checkpoint.folder) },
      logging,
      global,
      services,
      seed,
      removed: [...removed],
      warnings: all,
    },
  };
}

function told(problems: readonly ConfigProblem[], diagnostics: readonly Diagnostic[], origins: Origins, file: string): Diagnostic[] {
  // What comes of a variable that is not there has been told as that.
  const own = problems.filter(({ path }) => origins.inserted(path)?.unresolved !== true);
  return inOrder([...diagnostics, ...own.map((problem) => origins.diagnostic(problem))], file);
}

/** A key with nothing behind it is as if it were not there. */
function withoutNulls(tree: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(tree).filter(([, value]) => value !== null));
}

/** A section whose name is misspelt is read all the same, so that what is wrong inside is told at once. */
function readMisspelt(tree: Record<string, unknown>, problems: readonly ConfigProblem[], origins: Origins): void {
  for (const { path, of } of problems) {
    const [key] = path;
    if (path.length !== 1 || of !== 'key' || typeof key !== 'string') continue;
    const section = nearest(key, sections);
    if (section === undefined || tree[section] !== undefined) continue;
    tree[section] = tree[key];
    origins.add([section], [key]);
  }
}

/** A setting at the top that belongs into one of the sections. */
function misplaced(problem: ConfigProblem): ConfigProblem {
  const [key, ...rest] = problem.path;
  if (rest.length > 0 || problem.of !== 'key' || problem.candidates === undefined || key === undefined) return problem;
  for (const section of ['server', 'checkpoint', 'logging', 'global', 'components', 'services'] as const) {
    const shape = settingsSchema.shape[section].def.innerType.shape;
    if (Object.hasOwn(shape, key)) return { ...problem, hint: `it belongs under \`${section}\`` };
  }
  return problem;
}

function unreadable(file: string, error: NodeJS.ErrnoException): Diagnostic {
  const place = { file, line: 0, column: 0, length: 0, text: '' };
  if (error.code === 'EISDIR') return { severity: 'error', place, message: 'this is a folder: name the config file in it' };
  if (error.code !== 'ENOENT') return { severity: 'error', place, message: `can't be read: ${error.message}` };
  const meant = nearest(basename(file), yamlFiles(dirname(file)));
  return { severity: 'error', place, message: 'there is no such file', ...(meant === undefined ? {} : { suggestion: `did you mean ${join(dirname(file), meant)}?` }) };
}

function yamlFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  } catch {
    return [];
  }
}
