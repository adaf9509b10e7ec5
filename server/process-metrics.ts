import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFamily } from '../engine/status.js';

const NS = 1e9;

/** Resolution of the event-loop delay, ms: a timer of this interval tells how late it is. */
const RESOLUTION_MS = 20;

/** What the process is and uses. Starts a measurement of the event loop that does not keep the process alive. */
export class ProcessMetrics {
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.delay.enable();
  }

  families(): MetricFamily[] {
    const { rss, heapUsed, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const late = (ns: number) => Math.max(0, ns / NS - RESOLUTION_MS / 1_000);
    return [
      { name: 'process_cpu', unit: 'seconds', type: 'counter', help: 'CPU time of all threads, user and system.', samples: [{ labels: {}, value: (user + system) / 1e6 }] },
      { name: 'process_resident_memory', unit: 'bytes', type: 'gauge', help: 'Resident memory.', samples: [{ labels: {}, value: rss }] },
      {
        name: 'millrace_memory',
        unit: 'bytes',
        type: 'gauge',
        help: 'Memory of the main thread by kind.',
        samples: [
          { labels: { kind: 'heap' }, value: heapUsed },
          { labels: { kind: 'external' }, value: external },
        ],
      },
      {
        name: 'millrace_event_loop_delay',
        unit: 'seconds',
        type: 'gauge',
        help: 'How late the main thread turns to its timers, since the start; quantile 1 is the longest.',
        samples: [50, 99, 100].map((percentile) => ({
          labels: { quantile: String(percentile / 100) },
          value: late(percentile === 100 ? this.delay.max : this.delay.percentile(percentile)),
        })),
      },
    ];
  }

  close(): void {
    this.delay.disable();
  }
}
