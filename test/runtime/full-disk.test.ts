import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { plainEnvironment, until } from '../engine-process.js';
import { tinyDisk, tinyDiskNeeded } from '../tiny-disk.js';
import { difference, folder, linesOf } from './fixture.js';

const needed = tinyDiskNeeded();
const program = fileURLToPath(new URL('full-disk-child.js', import.meta.url));
const SECONDS = 1_200;
const ROWS = SECONDS * 20;
/** Room for the kept checkpoints and one more. */
const DISK_BYTES = 2 * 1024 * 1024;

interface Said {
  readonly state: string;
  readonly restarts: number;
  readonly read: number;
  readonly checkpoint: number;
  readonly failure?: string;
  readonly complaints: readonly string[];
  readonly ended: boolean;
}

class Child {
  said: Said | undefined;
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly #child;

  constructor(t: Test, at: string, disk: string) {
    mkdirSync(at, { recursive: true });
    const child = spawn(process.execPath, [program, at, disk, String(SECONDS)], { env: plainEnvironment() });
    this.#child = child;
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      const lines = `${text}${more}`.split('\n');
      text = lines.pop()!;
      for (const line of lines) this.said = JSON.parse(line) as Said;
    });
    child.stderr.setEncoding('utf8').on('data', (more: string) => (this.stderr += more));
    child.stdin.on('error', () => undefined);
    this.exited = once(child, 'close').then(([code]) => code as number | null);
    t.teardown(() => child.kill('SIGKILL'));
  }

  /** So many rows may be read in all. */
  let(rows: number): void {
    this.#child.stdin.write(`${rows}\n`);
  }

  until(so: (said: Said) => boolean): Promise<Said> {
    return until(() => {
      if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      return this.said !== undefined && so(this.said) && this.said;
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

await t.test('the disk of the checkpoints is full: the graph goes on and says so once, saves again when there is room, and after a kill nothing is missing', needed, async (t) => {
  const [calm, hurt] = [join(folder(t), 'calm'), join(folder(t), 'hurt')];
  const disk = tinyDisk(t, DISK_BYTES);
  const alone = new Child(t, calm, join(calm, 'checkpoints'));
  alone.let(ROWS);
  t.equal(await alone.exited, 0);

  const checkpoints = join(disk.folder, 'checkpoints');
  let child = new Child(t, hurt, checkpoints);
  child.let(ROWS / 4);
  const saved = await child.until(({ read, checkpoint }) => read === ROWS / 4 && checkpoint > 3);
  t.match(saved, { failure: undefined, complaints: [] });

  disk.fill();
  child.let(ROWS / 2);
  const full = await child.until(({ read, failure }) => read === ROWS / 2 && failure !== undefined);
  t.match(full, { state: 'running', restarts: 0, failure: /ENOSPC|[Nn]o space/, complaints: ['no checkpoint can be taken: the last one stands, and the graph goes on'] });
  disk.makeRoom();
  const again = await child.until(({ checkpoint, failure }) => failure === undefined && checkpoint > full.checkpoint + 3);
  t.same(again.complaints, [...full.complaints, 'checkpoints are taken again'], 'however often it was tried');

  disk.fill();
  child.let((ROWS * 3) / 4);
  await child.until(({ read, failure }) => read === (ROWS * 3) / 4 && failure !== undefined);
  await child.kill();
  child = new Child(t, hurt, checkpoints);
  t.not(await child.exited, 0, 'it does not start without room for its records');
  t.match(child.stderr, /no space left on the disk, \d+ bytes are needed: make room and start again/);
  disk.makeRoom();
  child = new Child(t, hurt, checkpoints);
  child.let(ROWS);
  t.equal(await child.exited, 0, child.stderr);
  t.match(child.said, { restarts: 0, complaints: [], ended: true });
  t.same(readdirSync(checkpoints).filter((name) => name.includes('damaged')), [], 'nothing was taken for damaged');
  const wanted = linesOf(join(calm, 'out.ndjson'));
  t.ok(wanted.some((line) => line.includes('anomaly')), `${wanted.length} rows and findings`);
  t.same(difference(linesOf(join(hurt, 'out.ndjson')), wanted), undefined);
});
