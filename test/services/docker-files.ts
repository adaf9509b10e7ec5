import { basename, join } from 'node:path';
import { runTool, type Ran } from './run-tool.js';

const LIMIT_MS = 600_000;

/**
 * Takes a file or folder out of an image. The server then runs like one that was installed, so that a test can kill it
 * like any process; a container would outlive its client.
 */
export async function dockerFiles(image: string, path: string, folder: string): Promise<Ran & { made: string }> {
  const made = join(folder, basename(path));
  if (process.platform !== 'linux') return { ok: false, output: `error: programs of an image run on Linux, not on ${process.platform}`, made };
  const created = await runTool('docker', ['create', '--quiet', image], LIMIT_MS);
  if (!created.ok) return { ...created, made };
  const container = created.output.trim().split('\n').at(-1)!;
  const copied = await runTool('docker', ['cp', `${container}:${path}`, made], LIMIT_MS);
  await runTool('docker', ['rm', container], LIMIT_MS);
  return { ...copied, made };
}
