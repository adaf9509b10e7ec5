import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readings } from './readings.js';

/** Which devices and interfaces are left out. */
export interface Left {
  readonly devices: RegExp;
  readonly interfaces: RegExp;
}

/** Linux counts disk sectors of 512 bytes, whatever the disk has (block/stat.txt of the kernel's documentation). */
const SECTOR_BYTES = 512;

const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** Ticks of all CPUs by mode, from the first line of /proc/stat: `cpu user nice system idle iowait irq softirq steal ...`. */
export function cpuTicks(proc: string): Map<string, number> {
  const numbers = readFileSync(join(proc, 'stat'), 'latin1').split('\n', 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const ticks = new Map<string, number>();
  for (const [i, mode] of CPU_MODES.entries()) {
    // Time in interrupts of either kind is one thing to an operator of services.
    const name = mode === 'softirq' ? 'irq' : mode;
    ticks.set(name, (ticks.get(name) ?? 0) + (numbers[i] ?? 0));
  }
  return ticks;
}

export interface Memory {
  readonly total: number;
  readonly free: number;
  readonly available: number;
  readonly cached: number;
}

/** Bytes, from /proc/meminfo. */
export function memory(proc: string): Memory {
  const kilobytes = new Map<string, number>();
  for (const match of readFileSync(join(proc, 'meminfo'), 'latin1').matchAll(/^(\w+):\s+(\d+) kB$/gm)) kilobytes.set(match[1]!, Number(match[2]));
  const bytes = (name: string): number => (kilobytes.get(name) ?? 0) * 1_024;
  return { total: bytes('MemTotal'), free: bytes('MemFree'), available: bytes('MemAvailable'), cached: bytes('Cached') + bytes('Buffers') + bytes('SReclaimable') };
}

/** Reads and writes of whole disks, from /proc/diskstats; partitions are told by /sys/block, which lists whole devices only. */
export async function disks(proc: string, sys: string, left: Left, readings: Readings): Promise<void> {
  const whole = new Set(await readdir(join(sys, 'block')).catch(() => []));
  for (const line of readFileSync(join(proc, 'diskstats'), 'latin1').split('\n')) {
    const [, , device, reads, , sectorsRead, , writes, , sectorsWritten] = line.trim().split(/\s+/);
    if (device === undefined || !whole.has(device) || left.devices.test(device)) continue;
    if (reads === '0' && writes === '0') continue;
    readings.rate('disk_read_bytes_per_second', Number(sectorsRead) * SECTOR_BYTES, 'device', device);
    readings.rate('disk_write_bytes_per_second', Number(sectorsWritten) * SECTOR_BYTES, 'device', device);
    readings.rate('disk_reads_per_second', Number(reads), 'device', device);
    readings.rate('disk_writes_per_second', Number(writes), 'device', device);
  }
}

/** Bytes, packets and errors of each interface, from /proc/net/dev. */
export function networks(proc: string, left: Left, readings: Readings): void {
  for (const line of readFileSync(join(proc, 'net', 'dev'), 'latin1').split('\n').slice(2)) {
    const colon = line.lastIndexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    const [receivedBytes, receivedPackets, receiveErrors, , , , , , sentBytes, sentPackets, sendErrors] = line.slice(colon + 1).trim().split(/\s+/).map(Number);
    if (left.interfaces.test(name) || (receivedPackets === 0 && sentPackets === 0)) continue;
    readings.rate('network_receive_bytes_per_second', receivedBytes!, 'interface', name);
    readings.rate('network_transmit_bytes_per_second', sentBytes!, 'interface', name);
    readings.rate('network_receive_packets_per_second', receivedPackets!, 'interface', name);
    readings.rate('network_transmit_packets_per_second', sentPackets!, 'interface', name);
    readings.rate('network_receive_errors_per_second', receiveErrors!, 'interface', name);
    readings.rate('network_transmit_errors_per_second', sendErrors!, 'interface', name);
  }
}

/** Processes, and threads from the fourth field of /proc/loadavg: `running/all`. */
export async function processes(proc: string, readings: Readings): Promise<void> {
  readings.gauge('processes', (await readdir(proc)).filter((name) => /^\d+$/.test(name)).length);
  readings.gauge('threads', Number(readFileSync(join(proc, 'loadavg'), 'latin1').split(' ')[3]?.split('/')[1]));
}

/** Load averages over 1, 5 and 15 minutes. */
export function loads(proc: string): number[] {
  return readFileSync(join(proc, 'loadavg'), 'latin1').split(' ', 3).map(Number);
}

/** Seconds since the start of the machine. */
export function uptime(proc: string): number {
  return Number(readFileSync(join(proc, 'uptime'), 'latin1').split(' ', 1)[0]);
}
