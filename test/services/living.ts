import { existsSync, readFileSync } from 'node:fs';

/** Whether a process runs; one that has ended and that nobody has asked for its exit code does not. */
export function isLiving(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    // No such file: it ended just now, or this system has none.
    return !existsSync('/proc/self/status');
  }
}
