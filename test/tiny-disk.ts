import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

const BALLAST = 'ballast';

/** A disk of its own, so small that a test can fill it. */
export interface TinyDisk {
  readonly folder: string;
  /** Until not a byte fits. */
  fill(): void;
  /** Gives back what `fill` took. */
  makeRoom(): void;
}

/** Options of a test that needs one: a skip with the reason where this process may not mount. */
export function tinyDiskNeeded(): { skip?: string } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  try {
    mount(folder, 65_536);
    execFileSync('umount', [folder]);
    return {};
  } catch (error) {
    return { skip: `a tmpfs can't be mounted: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Mounted, and gone after the test. */
export function tinyDisk(t: Test, bytes: number): TinyDisk {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  mount(folder, bytes);
  t.teardown(() => {
    // Whoever was killed a moment ago may still hold a file.
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  const ballast = join(folder, BALLAST);
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a');
      try {
        for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) writeAll(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
      try {
        appendFileSync(ballast, 'x');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
        throw error;
      }
      throw new Error(`${folder} is not full`);
    },
    makeRoom: () => rmSync(ballast, { force: true }),
  };
}

function mount(folder: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Again and again, until the disk takes no more. */
function writeAll(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      if (writeSync(file, bytes) === 0) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
