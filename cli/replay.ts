import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig, type Loaded } from '../config/load.js';
import { modules, registry } from '../config/registry.js';
import { systemClock } from '../engine/clock.js';
import type { StoredLetter } from '../engine/dead-letter-files.js';
import { DeadLetters } from '../engine/dead-letters.js';
import { seeded } from '../engine/random.js';
import { Runtime } from '../engine/runtime.js';
import type { RuntimeStatus } from '../engine/status.js';
import { configFile } from './config-file.js';
import { exitCodes, exitCodesHelp } from './exit-codes.js';
import { openLog } from './log.js';
import { count, writeDiagnostics, writeJson } from './output.js';
import { stopSignals } from './stop-signals.js';

/** Refused lines that are shown at the end; of all of them there are numbers. */
const REFUSED_SHOWN = 5;

const EXAMPLES = `
Reads sources of type file and generate from their beginning, by event time alone, as fast as it goes. Sources that can't be
read again (host, http) are left out, with what reads only them. The output is the same each time, on any number of shards.

Examples:
  millrace replay mine.yml
  millrace replay mine.yml --shards 1      on one thread: the same bytes
  millrace replay mine.yml --json          numbers for programs

${exitCodesHelp}`;

interface Options {
  readonly shards?: number;
  readonly json?: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('<config>', 'config file')
    .option('--shards <n>', 'threads that run the operators (default: server.shards of the config)', positive)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: Options) => {
      done(await replay(configFile(file), options));
    });
}

export function positive(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 256) throw new InvalidArgumentError('It must be a whole number from 1 to 256.');
  return n;
}

async function replay(file: string, { shards, json = false }: Options): Promise<number> {
  const config = await loadConfig(file, process.env, { replay: true });
  writeDiagnostics(process.stderr, config.warnings);
  const log = await openLog({ ...config, logging: { ...config.logging, level: process.env['LOG_LEVEL'] === undefined ? 'warn' : config.logging.level } }, 2, false);
  // What connectors keep between runs is not of a replay: the data folder belongs to the run that is live.
  const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
  try {
    const deadLetters = await DeadLetters.open(join(folder, 'dead-letters'), systemClock, (message) => log.warn(message));
    const began = systemClock.elapsed();
    const runtime = await Runtime.start({
      graph: config.graph,
      registry,
      modules,
      shards: shards ?? config.server.shards,
      replay: true,
      clock: systemClock,
      random: seeded(config.seed),
      log,
      base: config.base,
      folder,
      deadLetters,
    });
    void stopSignals(systemClock).first.then(() => runtime.drain());
    const how = await runtime.finished;
    const seconds = (systemClock.elapsed() - began) / 1_000;
    const summary = summarise(runtime.status(), deadLetters, seconds);
    const lastRefused = await deadLetters.list({ limit: REFUSED_SHOWN });
    await deadLetters.close();
    if (json) writeJson({ config: file, ended: how === 'ended', shards: shards ?? config.server.shards, ...summary });
    else process.stderr.write(say(summary, lastRefused, config));
    if (how === 'ended') return exitCodes.ok;
    process.stderr.write('millrace: stopped before the end\n');
    return exitCodes.failure;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Summary {
  readonly seconds: number;
  readonly rows: number;
  readonly rows_per_second: number;
  readonly nodes: Readonly<Record<string, { readonly kind: string; readonly type: string; readonly rows_in: number; readonly rows_out: number; readonly findings: number; readonly late: number }>>;
  /** By reason. */
  readonly dead_letters: Readonly<Record<string, number>>;
}

function summarise({ nodes }: RuntimeStatus, deadLetters: DeadLetters, seconds: number): Summary {
  const rows = nodes.filter(({ kind }) => kind === 'source').reduce((sum, { rowsOut }) => sum + rowsOut, 0);
  return {
    seconds: Math.round(seconds * 1_000) / 1_000,
    rows,
    rows_per_second: Math.round(rows / seconds),
    nodes: Object.fromEntries(nodes.map((node) => [node.name, { kind: node.kind, type: node.type, rows_in: node.rowsIn, rows_out: node.rowsOut, findings: node.findingsOut, late: node.late }])),
    dead_letters: Object.fromEntries(deadLetters.counts()),
  };
}

function say({ seconds, rows, rows_per_second, nodes, dead_letters }: Summary, lastRefused: readonly StoredLetter[], config: Loaded): string {
  const operators = Object.values(nodes).filter(({ kind }) => kind === 'operator');
  const findings = operators.reduce((sum, node) => sum + node.findings, 0);
  const late = operators.reduce((sum, node) => sum + node.late, 0);
  const refused = Object.values(dead_letters).reduce((sum, n) => sum + n, 0);
  const told = [
    `${count(rows, 'row')} in ${seconds.toFixed(2)} s, ${rows_per_second.toLocaleString('en-US')} rows/s`,
    ...(findings > 0 ? [count(findings, 'finding')] : []),
    ...(late > 0 ? [`${late.toLocaleString('en-US')} late`] : []),
    ...(refused > 0 ? [`${refused.toLocaleString('en-US')} refused`] : []),
  ];
  const lines = [told.join(', ')];
  for (const { origin, reason } of lastRefused.toReversed()) lines.push(`  refused ${origin}: ${reason}`);
  if (refused > lastRefused.length) lines.push(`  and ${(refused - lastRefused.length).toLocaleString('en-US')} before: by reason with --json`);
  if (config.removed.length > 0) lines.push(`  left out, as it can't be replayed or is switched off: ${config.removed.join(', ')}`);
  return `${lines.join('\n')}\n`;
}
