import { readFileSync, readdirSync } from 'node:fs';

/** What a process and all that descends from it have taken so far. */
export interface ProcessUsage {
  /** User and system time; of ended children too, once their parent has waited for them. */
  readonly cpu_s: number;
  /** Sum of the peaks of resident memory (VmHWM) of those that live. */
  readonly peak_rss_mb: number;
}

/** What the whole machine has done since it started, in seconds of all its processors. */
export interface MachineUsage {
  readonly busy_s: number;
  readonly total_s: number;
}

/** Linux tells times to user space in hundredths of a second (USER_HZ), whatever its own tick is. */
const TICKS = 100;

/** From /proc; undefined where there is none, or the process is gone. */
export function processUsage(pid: number): ProcessUsage | undefined {
  let found: ProcessUsage | undefined;
  for (const member of [pid, ...descendants(pid)]) {
    const stat = read(`/proc/${member}/stat`);
    if (stat === undefined) continue;
    // The name of the command stands in brackets and may have spaces: fields are counted behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${member}/status`) ?? '');
    found = {
      cpu_s: (found?.cpu_s ?? 0) + (fields[11]! + fields[12]! + fields[13]! + fields[14]!) / TICKS,
      peak_rss_mb: (found?.peak_rss_mb ?? 0) + Number(peak?.[1] ?? 0) / 1024,
    };
  }
  return found;
}

/** Children are listed by the thread that started them. */
export function descendants(pid: number): number[] {
  const found: number[] = [];
  for (const thread of list(`/proc/${pid}/task`)) {
    for (const child of read(`/proc/${pid}/task/${thread}/children`)?.trim().split(' ') ?? []) {
      if (child !== '') found.push(Number(child), ...descendants(Number(child)));
    }
  }
  return found;
}

/** Undefined where there is no /proc. Time that a hypervisor gave to other machines counts as busy. */
export function machineUsage(): MachineUsage | undefined {
  const line = /^cpu +(.*)$/m.exec(read('/proc/stat') ?? '')?.[1];
  if (line === undefined) return undefined;
  const [user, nice, system, idle, waiting, hard, soft, stolen = 0] = line.split(' ').map((ticks) => Number(ticks) / TICKS);
  const busy = user! + nice! + system! + hard! + soft! + stolen;
  return { busy_s: busy, total_s: busy + idle! + waiting! };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
