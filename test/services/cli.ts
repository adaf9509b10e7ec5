// npm run services -- up|down|status [nats] [questdb]: the servers that tests use, for a person at work. They run until `down`,
// on their usual ports where those are free; their data stays in the cache folder.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, withLock } from './cache.js';
import { isLiving } from './living.js';
import { natsService } from './nats-server.js';
import { freePorts, isFree } from './ports.js';
import { questdbService } from './questdb-server.js';
import { logFile, PortTaken, ready, spawnServer } from './server.js';
import { Unavailable, type Ports, type Service } from './service.js';

const STOP_MS = 20_000;
const LOOK_MS = 50;
const services: readonly Service[] = [natsService, questdbService];
const settings: Readonly<Record<string, object>> = { nats: { jetstream: true } };

interface Running {
  readonly pid: number;
  readonly ports: Ports;
}

const usage = `Usage: npm run services -- up|down|status [${services.map(({ name }) => name).join('] [')}]\n`;

const folderOf = ({ name }: Service) => join(cacheFolder(), 'at-work', name);
const recordOf = (service: Service) => `${folderOf(service)}.json`;

/** What runs by the record of an earlier `up`; a number that the system has given to another process since does not count. */
function running(service: Service): Running | undefined {
  if (!existsSync(recordOf(service))) return undefined;
  const record = JSON.parse(readFileSync(recordOf(service), 'utf8')) as Running;
  const commandLine = `/proc/${record.pid}/cmdline`;
  const other = existsSync(commandLine) && !readFileSync(commandLine, 'utf8').includes(folderOf(service));
  return isLiving(record.pid) && !other ? record : undefined;
}

function line(service: Service, state: string, ports?: Ports): string {
  const addresses = ports === undefined ? '' : Object.values(service.addresses(ports)).join('  ');
  return `${service.name.padEnd(8)} ${state.padEnd(18)} ${addresses}`.trimEnd();
}

async function up(service: Service): Promise<string> {
  const already = running(service);
  if (already !== undefined) return line(service, `runs (${already.pid})`, already.ports);
  const program = await service.find();
  mkdirSync(folderOf(service), { recursive: true });
  for (let tries = 1; ; tries += 1) {
    const ports = await portsFor(service);
    const launch = service.launch(program, folderOf(service), ports, settings[service.name] ?? {});
    const { child, from } = spawnServer(launch, folderOf(service), 'detached');
    try {
      await ready(service, child, folderOf(service), from);
      writeFileSync(recordOf(service), JSON.stringify({ pid: child.pid!, ports } satisfies Running));
      child.unref();
      const moved = Object.entries(ports).filter(([name, port]) => port !== service.usualPorts[name]);
      const taken = moved.map(([name]) => service.usualPorts[name]).join(', ');
      return line(service, `started (${child.pid})`, ports) + (taken === '' ? '' : `\n${' '.repeat(9)}not on the usual ports: taken by another process: ${taken}`);
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === 5) throw error;
    }
  }
}

/** The usual ports, with others for those that are taken. */
async function portsFor(service: Service): Promise<Ports> {
  const others = await freePorts(Object.keys(service.usualPorts));
  const entries = Object.entries(service.usualPorts).map(async ([name, port]) => [name, (await isFree(port)) ? port : others[name]!] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function down(service: Service): Promise<string> {
  const record = running(service);
  if (record !== undefined) {
    const end = performance.now() + STOP_MS;
    for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; isLiving(record.pid); signal = performance.now() > end ? 'SIGKILL' : 0) {
      send(record.pid, signal);
      await sleep(LOOK_MS);
    }
  }
  rmSync(recordOf(service), { force: true });
  return line(service, record === undefined ? 'did not run' : 'stopped') + `; its data: ${folderOf(service)}`;
}

function send(pid: number, signal: NodeJS.Signals | 0): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function main([command = '', ...names]: readonly string[]): Promise<number> {
  const chosen = names.length === 0 ? services : services.filter(({ name }) => names.includes(name));
  if (!['up', 'down', 'status'].includes(command) || chosen.length < names.length) {
    process.stderr.write(usage);
    return 2;
  }
  mkdirSync(join(cacheFolder(), 'at-work'), { recursive: true });
  let failed = false;
  for (const service of chosen) {
    try {
      if (command === 'status') {
        const record = running(service);
        failed ||= record === undefined;
        process.stdout.write(`${line(service, record === undefined ? 'does not run' : `runs (${record.pid})`, record?.ports)}\n`);
      } else {
        // Two that start it at once would both write its record.
        process.stdout.write(`${await withLock(`${recordOf(service)}.lock`, () => (command === 'up' ? up(service) : down(service)))}\n`);
        if (command === 'up') process.stdout.write(`${' '.repeat(9)}log: ${logFile(folderOf(service))}\n`);
      }
    } catch (error) {
      failed = true;
      const message = error instanceof Unavailable ? `${service.name} ${service.version} can't be had: ${error.message}` : String((error as Error).message);
      process.stderr.write(`${message}\n`);
    }
  }
  return failed ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
