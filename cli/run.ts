import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Logger } from 'pino';
import { loadConfig, type Loaded } from '../config/load.js';
import { modules, registry } from '../config/registry.js';
import { systemClock } from '../engine/clock.js';
import { DeadLetters } from '../engine/dead-letters.js';
import { systemRandom } from '../engine/random.js';
import { Resubmissions } from '../engine/resubmissions.js';
import { Runtime } from '../engine/runtime.js';
import { viewOf } from '../server/runtime-view.js';
import { startServer, type Server, type ServerConfig } from '../server/serve.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { exitCodes, exitCodesHelp } from './exit-codes.js';
import { openLog } from './log.js';
import { styled, writeDiagnostics } from './output.js';
import { packageVersion, root } from './package-root.js';
import { stopSignals, type StopSignals } from './stop-signals.js';

/** A drain that takes longer is given up: the last checkpoint stands. */
const DRAIN_MS = 9_000;
/** Something that keeps the process alive after all is closed. */
const LINGER_MS = 500;

const EXAMPLES = `
Starts where the last run stopped: state, positions and history are kept in the data folder. Ctrl-C or SIGTERM stops reading,
lets through what is under way, saves it and ends within 10 s; a second one ends at once.

Examples:
  millrace run                             watch this machine
  millrace run mine.yml
  millrace run mine.yml --port 9090        the same as MILLRACE_SERVER_PORT=9090
  LOG_LEVEL=debug millrace run --json      log in JSON lines, more of it

${exitCodesHelp}`;

interface Options {
  readonly port?: number;
  readonly json?: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument(...CONFIG_ARGUMENT)
    .option('-p, --port <port>', 'port of the API and the dashboard', portNumber)
    .option('--json', 'log JSON lines, in a terminal too')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: Options) => {
      done(await run(configFile(file), options));
    });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return port;
}

async function run(file: string, { port, json = false }: Options): Promise<number> {
  const env = port === undefined ? process.env : { ...process.env, MILLRACE_SERVER_PORT: String(port) };
  const config = await loadConfig(file, env);
  const log = await openLog(config, 1, json);
  if (process.stdout.isTTY && !json) writeDiagnostics(process.stderr, config.warnings);
  else for (const { place, message } of config.warnings) log.warn({ file: place.file, line: place.line, column: place.column }, message);

  const stop = stopSignals(systemClock);
  const server = await startServer({ config: serverConfig(config), version: packageVersion(), clock: systemClock, log, assets: join(root, 'build/dashboard') });
  let deadLetters: DeadLetters | undefined;
  let resubmissions: Resubmissions;
  let runtime: Runtime;
  try {
    deadLetters = await DeadLetters.open(join(config.folder, 'dead-letters'), systemClock, (message) => log.warn(message));
    resubmissions = await Resubmissions.open(deadLetters, systemClock, (letter, attempt) => runtime.resubmit(letter, attempt));
    runtime = await Runtime.start({
      graph: config.graph,
      registry,
      modules,
      shards: config.server.shards,
      replay: false,
      clock: systemClock,
      random: systemRandom,
      log,
      routes: server.routes,
      base: config.base,
      folder: config.folder,
      checkpoint: { intervalMs: config.checkpoint.interval, folder: config.checkpoint.folder },
      deadLetters,
    });
    await resubmissions.finish((message) => log.warn(message));
  } catch (error) {
    await deadLetters?.close();
    await server.close();
    throw error;
  }
  server.attach(viewOf(runtime, deadLetters, resubmissions));
  announce(server, log, json);
  return end(runtime, server, [resubmissions, deadLetters], stop, log);
}

function serverConfig({ server: { host, port, api_port, transport, origins } }: Loaded): ServerConfig {
  return { host, port, transport, origins, ...(api_port === undefined ? {} : { apiPort: api_port }) };
}

/** The one line that a person waits for; in JSON where the log is. */
function announce({ address }: Server, log: Logger, json: boolean): void {
  if (process.stdout.isTTY && !json) process.stdout.write(`Millrace is running: ${styled(process.stdout, ['bold', 'cyan'], address)}\n`);
  else log.info({ address }, `Millrace is running: ${address}`);
}

/** Until all sources have ended, or a signal asks to stop. A graph that stays down is told by /health until then. */
async function end(runtime: Runtime, server: Server, letters: readonly { close(): Promise<void> }[], stop: StopSignals, log: Logger): Promise<number> {
  const finished = runtime.finished.then(
    () => 'ended' as const,
    () => 'failed' as const,
  );
  let how: string = await Promise.race([finished, stop.first]);
  if (how === 'failed') {
    await stop.first;
  } else if (how === 'ended') {
    log.info('all sources have ended');
  } else {
    log.info({ signal: how }, 'stopping: what is under way is let through and saved');
    how = await drained(runtime);
    if (how === 'failed') log.error('what was under way could not be let through: the last checkpoint stands');
  }
  await server.close();
  for (const each of letters) await each.close();
  const code = how === 'failed' ? exitCodes.failure : exitCodes.ok;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}

async function drained(runtime: Runtime): Promise<'drained' | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'failed'>((resolve) => {
    timer = setTimeout(() => resolve('failed'), DRAIN_MS);
  });
  const done = runtime.drain().then(
    () => 'drained' as const,
    () => 'failed' as const,
  );
  const how = await Promise.race([done, late]);
  clearTimeout(timer);
  return how;
}
