import type { Unit } from '../format/units.js';

/** Metrics that belong into one chart, under a title that says more than their names. */
export interface Family {
  readonly title: string;
  readonly unit: Unit;
  /** Metric name → what it is in this chart; empty where the title says it. */
  readonly metrics: Readonly<Record<string, string>>;
  /** Label values of series that are listed but not drawn at first: they only mirror the others. */
  readonly aside?: readonly string[];
}

/** What a machine is looked at for first, in this order. */
export const machine: readonly Family[] = [
  { title: 'CPU busy', unit: 'percent', metrics: { cpu_busy_percent: '' } },
  { title: 'Memory used', unit: 'percent', metrics: { memory_used_percent: '' } },
  { title: 'CPU usage', unit: 'percent', metrics: { cpu_usage: '' }, aside: ['idle'] },
  { title: 'Load average', unit: 'none', metrics: { load_average: '' } },
  { title: 'Network', unit: 'bytes/s', metrics: { network_receive_bytes_per_second: 'received', network_transmit_bytes_per_second: 'sent' } },
  { title: 'Disk', unit: 'bytes/s', metrics: { disk_read_bytes_per_second: 'read', disk_write_bytes_per_second: 'written' } },
  { title: 'File systems', unit: 'percent', metrics: { filesystem_used_percent: 'used' } },
  { title: 'Processes', unit: 'none', metrics: { processes: '' } },
];

/** The rest of what the host source tells. */
export const details: readonly Family[] = [
  { title: 'Memory', unit: 'bytes', metrics: { memory_used_bytes: 'used', memory_cached_bytes: 'cached', memory_available_bytes: 'available', memory_free_bytes: 'free' } },
  { title: 'File system space', unit: 'bytes', metrics: { filesystem_used_bytes: 'used', filesystem_available_bytes: 'available' } },
  { title: 'Disk operations', unit: 'per second', metrics: { disk_reads_per_second: 'reads', disk_writes_per_second: 'writes' } },
  { title: 'Network packets', unit: 'per second', metrics: { network_receive_packets_per_second: 'received', network_transmit_packets_per_second: 'sent' } },
  { title: 'Network errors', unit: 'per second', metrics: { network_receive_errors_per_second: 'received', network_transmit_errors_per_second: 'sent' } },
  { title: 'Threads', unit: 'none', metrics: { threads: '' } },
  { title: 'Millrace: CPU', unit: 'percent', metrics: { millrace_cpu_percent: '' } },
  { title: 'Millrace: memory', unit: 'bytes', metrics: { millrace_resident_bytes: '' } },
  { title: 'Uptime', unit: 'seconds', metrics: { uptime_seconds: '' } },
];
