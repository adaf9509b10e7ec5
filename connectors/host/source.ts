import { statfs } from 'node:fs/promises';
import { cpus, freemem, hostname, loadavg, totalmem, uptime as osUptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineSource, type ConnectorContext, type Intake, type Reading, type Source } from '../../engine/connector.js';
import { duration } from '../../engine/scalars.js';
import { cpuTicks, disks, loads, memory, networks, processes, uptime, type Left, type Memory } from './linux.js';
import { Readings } from './readings.js';

/** The second reading comes this soon, so that there are rates before the first interval has passed. */
const FIRST_RATE_MS = 250;

/** The longest wait for the clock: a clock that is set is noticed within it. */
const LONGEST_WAIT_MS = 1_000;

const pattern = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .refine(
      (text) => {
        try {
          new RegExp(text);
          return true;
        } catch {
          return false;
        }
      },
      { error: (issue) => `${JSON.stringify(issue.input)} is not a regular expression` },
    );

const config = z.strictObject({
  interval: duration({ min: '100ms' }).default(1_000).describe('between two readings, on whole multiples of it by the clock'),
  host: z.string().min(1).optional().describe("label `host`; default the machine's name"),
  mounts: z.array(z.string().min(1)).default(['/']).describe('file systems whose use is read'),
  ignore_devices: pattern('^(loop|ram|zram|dm-|md|sr|fd)\\d*').describe('disks left out; by default memory disks, and those whose bytes are counted at the disks they lie on'),
  ignore_interfaces: pattern('^(lo|ifb\\d*|dummy\\d*|veth.*|docker\\d*|br-.*|virbr.*|cali.*|flannel.*|cni\\d*|tunl\\d*|sit\\d*)$').describe('network interfaces left out; by default the loopback and those of containers and bridges'),
  proc: z.string().default('/proc').describe("Linux: the folder of the machine's /proc, where a container has it elsewhere"),
  sys: z.string().default('/sys').describe('Linux: and of its /sys'),
});
type HostConfig = z.output<typeof config>;

class HostSource implements Source {
  readonly #config: HostConfig;
  readonly #context: ConnectorContext;
  readonly #readings: Readings;
  readonly #left: Left;
  readonly #linux = process.platform === 'linux';
  /** When the next reading is due; the rounds taken. */
  #due = 0;
  #rounds = 0;
  readonly #failing = new Set<string>();

  constructor(options: HostConfig, context: ConnectorContext) {
    this.#config = options;
    this.#context = context;
    this.#readings = new Readings(options.host ?? hostname());
    this.#left = { devices: new RegExp(options.ignore_devices), interfaces: new RegExp(options.ignore_interfaces) };
  }

  open(): Promise<void> {
    this.#due = this.#context.clock.now();
    return Promise.resolve();
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    // What a machine was, nobody can ask it.
    if (this.#context.replay) return { position: null, ended: true };
    const { clock } = this.#context;
    for (let wait = this.#due - clock.now(); wait > 0 && !signal.aborted; wait = this.#due - clock.now()) {
      await sleep(Math.min(LONGEST_WAIT_MS, Math.ceil(wait)), undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) return { position: null };
    const time = this.#due;
    this.#readings.begin(clock.elapsed(), (series, value) => into.add(time, series, value));
    await this.#round();
    this.#rounds += 1;
    const now = clock.now();
    this.#due = this.#rounds === 1 ? time + FIRST_RATE_MS : (Math.floor(now / this.#config.interval) + 1) * this.#config.interval;
    return { position: null };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #round(): Promise<void> {
    const { proc, sys } = this.#config;
    const readings = this.#readings;
    await this.#part('cpu', () => this.#cpu(this.#linux ? cpuTicks(proc) : osTicks()));
    await this.#part('load', () => {
      // Windows has none and says 0.
      const averages = this.#linux ? loads(proc) : process.platform === 'win32' ? [] : loadavg();
      for (const [i, window] of ['1m', '5m', '15m'].entries()) readings.gauge('load_average', averages[i] ?? NaN, 'window', window);
    });
    await this.#part('memory', () => this.#memory(this.#linux ? memory(proc) : osMemory()));
    for (const mount of this.#config.mounts) await this.#part(`file system ${mount}`, () => this.#fileSystem(mount));
    if (this.#linux) {
      await this.#part('disks', () => disks(proc, sys, this.#left, readings));
      await this.#part('network', () => networks(proc, this.#left, readings));
      await this.#part('processes', () => processes(proc, readings));
    }
    await this.#part('uptime', () => readings.gauge('uptime_seconds', this.#linux ? uptime(proc) : osUptime()));
    const { user, system } = process.cpuUsage();
    readings.gauge('millrace_resident_bytes', process.memoryUsage.rss());
    readings.gauge('millrace_cpu_percent', readings.change('millrace_cpu', user + system) / 1e4 / readings.seconds);
  }

  /** One part that can't be read must not take the others with it; it is told once until it works again. */
  async #part(name: string, read: () => void | Promise<void>): Promise<void> {
    try {
      await read();
      this.#failing.delete(name);
    } catch (error) {
      this.#context.count('failed_readings');
      if (this.#failing.has(name)) return;
      this.#failing.add(name);
      this.#context.log.warn(`host: ${name} can't be read: ${(error as Error).message}`);
    }
  }

  #cpu(ticks: ReadonlyMap<string, number>): void {
    // Linux may let iowait fall by a little.
    const changes = [...ticks].map(([mode, count]) => [mode, Math.max(0, this.#readings.change(`cpu\0${mode}`, count))] as const);
    const all = changes.reduce((sum, [, change]) => sum + change, 0);
    if (!(all > 0)) return;
    let busy = 0;
    for (const [mode, change] of changes) {
      this.#readings.gauge('cpu_usage', (100 * change) / all, 'mode', mode);
      if (mode !== 'idle' && mode !== 'iowait') busy += change;
    }
    this.#readings.gauge('cpu_busy_percent', (100 * busy) / all);
  }

  #memory({ total, free, available, cached }: Memory): void {
    this.#readings.gauge('memory_used_bytes', total - available);
    this.#readings.gauge('memory_free_bytes', free);
    this.#readings.gauge('memory_cached_bytes', cached);
    this.#readings.gauge('memory_available_bytes', available);
    this.#readings.gauge('memory_used_percent', (100 * (total - available)) / total);
  }

  async #fileSystem(mount: string): Promise<void> {
    const { bsize, blocks, bfree, bavail } = await statfs(mount);
    const used = blocks - bfree;
    this.#readings.gauge('filesystem_used_bytes', used * bsize, 'mount', mount);
    this.#readings.gauge('filesystem_available_bytes', bavail * bsize, 'mount', mount);
    // As df: of what is not kept for root.
    this.#readings.gauge('filesystem_used_percent', (100 * used) / (used + bavail), 'mount', mount);
  }
}

function osTicks(): Map<string, number> {
  const ticks = new Map<string, number>();
  for (const { times } of cpus()) {
    for (const [mode, name] of [['user', 'user'], ['nice', 'nice'], ['sys', 'system'], ['idle', 'idle'], ['irq', 'irq']] as const) ticks.set(name, (ticks.get(name) ?? 0) + times[mode]);
  }
  return ticks;
}

/** Other systems tell only what is free. */
function osMemory(): Memory {
  return { total: totalmem(), free: freemem(), available: freemem(), cached: NaN };
}

export const hostSource = defineSource<HostConfig>({
  name: 'host',
  summary: 'Reads this machine: CPU, load, memory, disks, network, processes.',
  description: `Every series has the label \`host\`. Rates are over the time since the reading before; the first come after 250 ms.

| metric | labels | unit |
| --- | --- | --- |
| cpu_usage | mode: user, nice, system, idle, iowait, irq, steal | percent of all cores |
| cpu_busy_percent | | percent of all cores, neither idle nor waiting for a disk |
| load_average | window: 1m, 5m, 15m | |
| memory_used_bytes, memory_free_bytes, memory_cached_bytes, memory_available_bytes | | bytes; used is all that is not available |
| memory_used_percent | | percent |
| filesystem_used_bytes, filesystem_available_bytes, filesystem_used_percent | mount | |
| disk_read_bytes_per_second, disk_write_bytes_per_second, disk_reads_per_second, disk_writes_per_second | device | |
| network_receive_bytes_per_second, network_transmit_bytes_per_second, and the same for packets and errors | interface | |
| processes, threads, uptime_seconds | | |
| millrace_resident_bytes, millrace_cpu_percent | | of this process; 100 percent is one core |

On Linux from /proc; elsewhere CPU, load, memory, file systems and uptime. Only whole disks are read; disks and interfaces that match \`ignore_devices\` and
\`ignore_interfaces\`, and those that have never moved a byte, are left out. A device that disappears stops giving samples.

It can't be asked again: samples of the time when Millrace was down do not exist, and a replay gives none.`,
  config,
  examples: [{ title: 'This machine, every second', yaml: 'sources:\n  host: { type: host, interval: 1s }' }],
  live: () => true,
  disorder: () => 0,
  create: (options, context) => new HostSource(options, context),
});
