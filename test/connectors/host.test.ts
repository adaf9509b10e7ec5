import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hostSource } from '../../connectors/host/source.js';
import { Basket, folder, source, stage, type Stage } from './stage.js';

const linux = process.platform === 'linux' ? false : 'only Linux has /proc';

/** A machine of files that the test writes. */
function machine(t: Test): { base: string; set: (path: string, content: string) => void; config: Record<string, unknown> } {
  const base = folder(t);
  const set = (path: string, content: string): void => writeFileSync(join(base, path), content);
  for (const path of ['proc/net', 'proc/1', 'proc/22', 'sys/block/sda', 'sys/block/loop0', 'sys/block/sdb']) mkdirSync(join(base, path), { recursive: true });
  set('proc/stat', 'cpu  100 10 50 800 20 5 10 5 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n');
  set('proc/meminfo', 'MemTotal:       1000 kB\nMemFree:         200 kB\nMemAvailable:    400 kB\nBuffers:          10 kB\nCached:          100 kB\nSReclaimable:     20 kB\nHugePages_Total:       0\n');
  set('proc/loadavg', '0.50 0.25 0.10 2/345 6789\n');
  set('proc/uptime', '1234.56 2000.00\n');
  set('proc/diskstats', '   7 0 loop0 9 0 9 0 9 0 9 0 0 0 0\n   8 0 sda 10 0 100 0 20 0 200 0 0 0 0\n   8 1 sda1 10 0 100 0 20 0 200 0 0 0 0\n   8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n');
  set('proc/net/dev', 'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n  eth0: 1000 10 1 0 0 0 0 0 2000 20 2 0 0 0 0 0\nveth12ab: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n  eth1:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n');
  return { base, set, config: { host: 'h', proc: join(base, 'proc'), sys: join(base, 'sys'), mounts: ['/'] } };
}

/** Reads one round, with the clock put forward until it is due. */
async function round(from: ReturnType<typeof source>): Promise<{ time: number; values: Map<string, number> }> {
  const basket = new Basket();
  await from.read(basket, 1_000, new AbortController().signal);
  return { time: basket.samples[0]![0], values: new Map(basket.samples.map(([, series, value]) => [series, value])) };
}

async function opened(config: Record<string, unknown>, on: Stage): Promise<ReturnType<typeof source>> {
  const from = source(hostSource, config, on);
  await from.open(undefined);
  return from;
}

t.test('gauges at once, rates after 250 ms, then on the grid of the clock', { skip: linux }, async (t) => {
  const { set, config } = machine(t);
  const on = stage('.');
  on.clock.time = 1_700_000_000_400;
  const from = await opened(config, on);
  const first = await round(from);
  t.equal(first.time, 1_700_000_000_400);
  for (const [series, value] of Object.entries({
    'load_average{host="h",window="1m"}': 0.5,
    'load_average{host="h",window="15m"}': 0.1,
    'memory_used_bytes{host="h"}': 600 * 1_024,
    'memory_free_bytes{host="h"}': 200 * 1_024,
    'memory_cached_bytes{host="h"}': 130 * 1_024,
    'memory_available_bytes{host="h"}': 400 * 1_024,
    'memory_used_percent{host="h"}': 60,
    'processes{host="h"}': 2,
    'threads{host="h"}': 345,
    'uptime_seconds{host="h"}': 1_234.56,
  })) t.equal(first.values.get(series), value, series);
  t.ok(first.values.get('filesystem_used_percent{host="h",mount="/"}')! > 0);
  t.ok(first.values.get('millrace_resident_bytes{host="h"}')! > 1e7);
  t.notOk([...first.values.keys()].some((series) => series.includes('per_second') || series.includes('cpu')), 'no rate yet');

  set('proc/stat', 'cpu  130 10 60 840 30 5 15 5 0 0\n');
  set('proc/diskstats', '   8 0 sda 20 0 300 0 25 0 250 0 0 0 0\n   8 1 sda1 20 0 300 0 25 0 250 0 0 0 0\n   7 0 loop0 99 0 99 0 99 0 99 0 0 0 0\n');
  set('proc/net/dev', 'x\nx\n  eth0: 3000 30 1 0 0 0 0 0 2500 25 3 0 0 0 0 0\n    lo: 500 50 0 0 0 0 0 0 500 50 0 0 0 0 0 0\n');
  on.clock.time += 250;
  const second = await round(from);
  t.equal(second.time, 1_700_000_000_650);
  // 95 ticks: 30 user, 10 system, 40 idle, 10 iowait, 5 irq.
  for (const [series, value] of Object.entries({
    'cpu_usage{host="h",mode="user"}': 3_000 / 95,
    'cpu_usage{host="h",mode="system"}': 1_000 / 95,
    'cpu_usage{host="h",mode="idle"}': 4_000 / 95,
    'cpu_usage{host="h",mode="iowait"}': 1_000 / 95,
    'cpu_usage{host="h",mode="irq"}': 500 / 95,
    'cpu_usage{host="h",mode="nice"}': 0,
    'cpu_busy_percent{host="h"}': 4_500 / 95,
    'disk_read_bytes_per_second{device="sda",host="h"}': (200 * 512) / 0.25,
    'disk_write_bytes_per_second{device="sda",host="h"}': (50 * 512) / 0.25,
    'disk_reads_per_second{device="sda",host="h"}': 40,
    'disk_writes_per_second{device="sda",host="h"}': 20,
    'network_receive_bytes_per_second{host="h",interface="eth0"}': 8_000,
    'network_transmit_bytes_per_second{host="h",interface="eth0"}': 2_000,
    'network_receive_packets_per_second{host="h",interface="eth0"}': 80,
    'network_receive_errors_per_second{host="h",interface="eth0"}': 0,
    'network_transmit_errors_per_second{host="h",interface="eth0"}': 4,
  })) t.equal(second.values.get(series), value, series);
  t.same([...second.values.keys()].filter((series) => /loop0|sda1|sdb|lo"|veth|eth1/.test(series)), [], 'what is left out');

  set('proc/diskstats', '   8 0 sda 1 0 1 0 1 0 1 0 0 0 0\n');
  set('proc/net/dev', 'x\nx\n');
  on.clock.time = 1_700_000_001_003;
  const third = await round(from);
  t.equal(third.time, 1_700_000_001_000);
  t.notOk([...third.values.keys()].some((series) => /disk_|network_/.test(series)), 'a counter that went back and a device that is gone give nothing');
  on.clock.time = 1_700_000_005_001;
  t.equal((await round(from)).time, 1_700_000_002_000);
  t.equal((await (async () => { on.clock.time = 1_700_000_006_500; return round(from); })()).time, 1_700_000_006_000, 'readings that were missed are not made up');
});

t.test('a part that can not be read does not take the others with it', { skip: linux }, async (t) => {
  const { base, config } = machine(t);
  rmSync(join(base, 'proc/net'), { recursive: true });
  rmSync(join(base, 'proc/diskstats'));
  const on = stage('.');
  const from = await opened({ ...config, mounts: ['/', '/no/such/mount'] }, on);
  t.ok((await round(from)).values.has('memory_used_percent{host="h"}'));
  on.clock.time += 1_000;
  await round(from);
  t.same(on.logged.map(({ msg }) => msg.replace(/:.*/, '')), ['host', 'host', 'host'], 'told once each');
  t.equal(on.counts.get('failed_readings'), 6);
  cpSync(join(base, 'proc/stat'), join(base, 'proc/diskstats'));
});

t.test('this machine', async (t) => {
  const on = stage('.');
  const from = await opened({}, on);
  await round(from);
  on.clock.time += 250;
  // Ticks of the CPU come every 10 ms.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { values } = await round(from);
  const of = (metric: string): number[] => [...values].filter(([series]) => series.startsWith(`${metric}{`)).map(([, value]) => value);
  const shares = of('cpu_usage');
  t.ok(Math.abs(shares.reduce((a, b) => a + b) - 100) < 1e-6, 'the modes make 100 percent');
  const [used] = of('memory_used_percent');
  t.ok(used! > 0 && used! < 100);
  t.equal(of('uptime_seconds').length, 1);
  t.same([...values.values()].filter((value) => !Number.isFinite(value)), []);
});

t.test('it waits for its time, ends a wait when told, and has nothing for a replay', async (t) => {
  const on = stage('.');
  const from = await opened({}, on);
  await round(from);
  const basket = new Basket();
  t.same(await from.read(basket, 10, AbortSignal.timeout(20)), { position: null });
  t.equal(basket.length, 0);
  const replayed = await opened({}, stage('.', { replay: true }));
  t.same(await replayed.read(basket, 10, new AbortController().signal), { position: null, ended: true });
  t.match(hostSource.config.safeParse({ ignore_devices: '(' }).error?.issues[0]?.message, /is not a regular expression/);
});
