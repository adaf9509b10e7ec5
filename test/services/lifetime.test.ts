import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { emptyFolder, plainEnvironment, until } from '../engine-process.js';
import { cacheFolder } from './cache.js';
import { serversNeeded } from './in-tests.js';
import { isLiving } from './living.js';
import { natsService } from './nats-server.js';
import { isFree } from './ports.js';
import { Server } from './server.js';

const needed = await serversNeeded('nats', 'questdb');

/** A process of this folder, killed at the latest when the test ends; with the number of the server that it started. */
async function holder(t: Test) {
  const folder = emptyFolder(t);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'holder-child.js'), folder], { stdio: ['ignore', 'pipe', 'inherit'], env: plainEnvironment() });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const pid = await until(() => (said.endsWith('\n') ? Number(said) : undefined));
  return { child, pid, folder };
}

/** Processes with a folder in their command line: a server, and what guards it. None where the system does not tell. */
function processesAbout(folder: string): number {
  if (!existsSync('/proc/self/cmdline')) return 0;
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid) && commandLine(name).includes(folder)).length;
}

t.test('no server outlives its test', needed, async (t) => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const { child, pid, folder } = await holder(t);
    t.ok(isLiving(pid));
    if (process.platform === 'linux') t.equal(processesAbout(folder), 3, 'the test, the server and its guard');
    child.kill(signal);
    await until(() => !isLiving(pid) && processesAbout(folder) === 0);
    t.pass(`nothing is left after ${signal}`);
  }
});

t.test('what ends leaves nothing behind: no server, no guard, no port', needed, async (t) => {
  const folder = emptyFolder(t);
  const server = await Server.start(natsService, folder);
  const { pid, ports } = server;
  await server.stop();
  t.notOk(isLiving(pid!));
  for (const port of Object.values(ports)) t.ok(await isFree(port));
  await until(() => processesAbout(folder) === 0);
});

t.test('the command for people: up, status, down', needed, async (t) => {
  const home = emptyFolder(t);
  const own = join(home, 'millrace-services');
  mkdirSync(own);
  // What is installed serves here as well; what runs is this test's own.
  for (const name of existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : []) if (/^(nats-server|questdb)-[\d.]+(-image|\.jar)?$/.test(name)) symlinkSync(join(cacheFolder(), name), join(own, name));
  const services = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'cli.js'), ...args], { encoding: 'utf8', env: plainEnvironment({ XDG_CACHE_HOME: home }) });
    return { status, stdout, stderr };
  };
  t.teardown(() => services('down'));

  t.match(services('status'), { status: 1, stdout: /^nats +does not run\nquestdb +does not run\n$/ });
  const started = services('up');
  t.match(started, { status: 0, stdout: /^nats +started \(\d+\) +nats:\/\/127\.0\.0\.1:\d+ [\s\S]*\nquestdb +started \(\d+\) +http:\/\/127\.0\.0\.1:\d+ /, stderr: '' });
  const pids = [...started.stdout.matchAll(/started \((\d+)\)/g)].map(([, pid]) => Number(pid));
  t.ok(pids.length === 2 && pids.every(isLiving), 'they go on when the command has ended');
  const url = /http:\/\/127\.0\.0\.1:\d+(?=\s+postgresql)/.exec(started.stdout)![0];
  t.match(await (await fetch(`${url}/exec?query=select+1`)).json(), { dataset: [[1]] });
  t.match(services('status'), { status: 0, stdout: new RegExp(`^nats +runs \\(${pids[0]}\\) .*\nquestdb +runs \\(${pids[1]}\\) `) });
  t.match(services('up', 'nats'), { status: 0, stdout: new RegExp(`^nats +runs \\(${pids[0]}\\) `) }, 'what runs is not started again');

  t.match(services('down', 'nats'), { status: 0, stdout: /^nats +stopped; its data: / });
  t.notOk(isLiving(pids[0]!));
  t.ok(isLiving(pids[1]!), 'only what was named');
  t.match(services('status'), { status: 1, stdout: /^nats +does not run\nquestdb +runs / });
  t.match(services('down'), { status: 0, stdout: /^nats +did not run.*\nquestdb +stopped/ });
  t.notOk(isLiving(pids[1]!));

  for (const args of [[], ['start'], ['up', 'redis']]) t.match(services(...args), { status: 2, stdout: '', stderr: /^Usage: npm run services -- up\|down\|status \[nats\] \[questdb\]\n$/ });
});
