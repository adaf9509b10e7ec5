import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.js';
import type { Launch, Ports, Program, Service } from './service.js';

/** With ten processes on each core QuestDB took more than a minute. */
const START_MS = 180_000;
const STOP_MS = 20_000;
const LOOK_MS = 20;
const PORT_TRIES = 20;
const PORT_PAUSE_MS = 250;
const LOG_TAIL = 8_192;

// The server takes the place of the shell, so that signals, exit code and process number are its own. What stays behind
// of the shell waits until its standard input ends, which it does however the process ends that started it, and kills the server.
const GUARDED = 'exec 3<&0; own=$$; { read -r _ <&3; kill -9 "$own"; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-';

/** What a started server writes on stdout and stderr. */
export function logFile(folder: string): string {
  return join(folder, 'server.log');
}

/** Its last words, for people. */
export function lastLog(folder: string): string {
  return textFrom(logFile(folder), -LOG_TAIL);
}

/** The text of a file from an offset in bytes; a negative one counts from its end. */
function textFrom(file: string, offset: number): string {
  if (!existsSync(file)) return '';
  const { size } = statSync(file);
  const start = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size);
  const bytes = Buffer.alloc(size - start);
  const handle = openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, readSync(handle, bytes, 0, bytes.length, start));
  } finally {
    closeSync(handle);
  }
}

/** The environment of a server: variables that are meant for Node or for another server would change it. */
function environment({ env }: Launch): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('QDB_'))), ...env };
}

/** Starts a process that writes into the log of the folder; gives it, and where in the log it begins. */
export function spawnServer(launch: Launch, folder: string, kind: 'guarded' | 'detached'): { child: ChildProcess; from: number } {
  const log = openSync(logFile(folder), 'a');
  try {
    const from = statSync(logFile(folder)).size;
    const env = environment(launch);
    const child =
      kind === 'guarded'
        ? spawn('/bin/sh', ['-c', GUARDED, 'sh', launch.command, ...launch.args], { cwd: folder, env, stdio: ['pipe', log, log] })
        : spawn(launch.command, launch.args, { cwd: folder, env, stdio: ['ignore', log, log], detached: true });
    // Written to nobody: it ends before the server does where a server ends by itself.
    child.stdin?.on('error', () => undefined);
    return { child, from };
  } finally {
    closeSync(log);
  }
}

/** A server could not listen, because another process has one of its ports. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/** Waits until a process that was just started says that it answers. Throws `PortTaken`, or an error with its log. */
export async function ready(service: Service, child: ChildProcess, folder: string, from: number): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const end = performance.now() + START_MS;
  for (;;) {
    const ended = failure !== undefined || child.exitCode !== null || child.signalCode !== null;
    const said = textFrom(logFile(folder), from);
    if (!ended && service.readyLine.test(said)) return;
    if (ended || performance.now() > end) {
      child.kill('SIGKILL');
      const how = failure?.message ?? (ended ? `it ended with ${child.exitCode ?? child.signalCode}` : `it was not ready within ${START_MS / 1_000} s`);
      const message = `${service.name} did not start: ${how}\n${lastLog(folder)}`;
      throw service.portTaken.test(said) ? new PortTaken(message) : new Error(message);
    }
    await sleep(LOOK_MS);
  }
}

/** A server of this process, in a folder of its own: it ends when this process does, however that ends. */
export class Server<Options extends object = object> {
  #child: ChildProcess | undefined;

  private constructor(
    readonly service: Service<Options>,
    private readonly program: Program,
    readonly folder: string,
    readonly options: Partial<Options>,
    private held: Ports,
  ) {}

  /** Starts it on free ports, in a folder that exists. Throws `Unavailable`, or an error with its log. */
  static async start<Options extends object>(service: Service<Options>, folder: string, options: Partial<Options> = {}): Promise<Server<Options>> {
    const program = await service.find();
    const names = Object.keys(service.usualPorts);
    const server = new Server(service, program, folder, options, await freePorts(names));
    await server.#begin(async () => {
      server.held = await freePorts(names);
    });
    return server;
  }

  get ports(): Ports {
    return this.held;
  }

  get addresses(): Readonly<Record<string, string>> {
    return this.service.addresses(this.held);
  }

  /** Of the running process; undefined while it is stopped. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get log(): string {
    return lastLog(this.folder);
  }

  /** Asks it to end and waits until it has; one that does not end in time is killed. */
  async stop(): Promise<void> {
    const force = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_MS);
    await this.#end('SIGTERM');
    clearTimeout(force);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops it where it runs, and starts it on the same ports and folder. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#begin(() => sleep(PORT_PAUSE_MS));
  }

  async #begin(onPortTaken: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const launch = this.service.launch(this.program, this.folder, this.held, this.options);
      const { child, from } = spawnServer(launch, this.folder, 'guarded');
      this.#child = child;
      try {
        return await ready(this.service, child, this.folder, from);
      } catch (error) {
        await this.#end('SIGKILL');
        if (!(error instanceof PortTaken) || tries === PORT_TRIES) throw error;
        await onPortTaken();
      }
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    }
    // Ends the guard as well.
    child?.stdin?.destroy();
    this.#child = undefined;
  }
}
