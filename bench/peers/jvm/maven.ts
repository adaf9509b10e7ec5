import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Missing } from '../../engine.js';

const BUILD_LIMIT_MS = 10 * 60_000;
const OLDEST_JAVA = 17;

/**
 * Builds bench/peers/`peer` (a pom.xml and src/, with the sources of bench/peers/jvm) in `cache`, unless these
 * sources were built there before, and gives the path of its jar; its libraries lie beside it.
 */
export async function buildWithMaven(peer: string, cache: string): Promise<string | Missing> {
  const peers = sources(peer);
  const files = [join(peer, 'pom.xml'), ...tree(peers, join(peer, 'src')), ...tree(peers, 'jvm/src')];
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(peers, file))).update('\0');
  const built = join(cache, hash.digest('hex').slice(0, 16));
  const jar = join(built, peer, 'target', `${peer}.jar`);
  if (existsSync(jar)) return jar;

  const java = /version "(?<major>\d+)/.exec((await run('java', ['-version'], '.')).output)?.groups?.['major'];
  if (java === undefined || Number(java) < OLDEST_JAVA) return { missing: `Java ${OLDEST_JAVA} or later: ${java === undefined ? 'no java on the PATH' : `java is ${java}`}` };
  const building = `${built}.building`;
  for (const folder of existsSync(cache) ? readdirSync(cache) : []) rmSync(join(cache, folder), { recursive: true });
  for (const file of files) {
    mkdirSync(dirname(join(building, file)), { recursive: true });
    cpSync(join(peers, file), join(building, file));
  }
  process.stderr.write(`${peer}: mvn package, in ${building}\n`);
  const { code, output } = await run('nice', ['mvn', '-q', '-B', '-Dstyle.color=never', 'package'], join(building, peer));
  if (code !== 0) {
    const error = output.split('\n').find((line) => line.includes('[ERROR]')) ?? output.trim().split('\n').at(-1) ?? '';
    return { missing: `mvn package of bench/peers/${peer} ${code === null ? 'took too long or did not start' : 'failed'}: ${error.trim()}` };
  }
  renameSync(building, built);
  return jar;
}

/** The folder bench/peers of the sources; compiled, this module is a few folders below the root. */
function sources(peer: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const peers = join(folder, 'bench/peers');
    if (existsSync(join(peers, peer, 'pom.xml'))) return peers;
    if (folder === dirname(folder)) throw new Error(`bench/peers/${peer}/pom.xml is not above ${import.meta.dirname}: run it from a clone`);
  }
}

const tree = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

/** All it printed, told to stderr as well; the code is null where it did not start or was ended. */
function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], signal: AbortSignal.timeout(BUILD_LIMIT_MS) });
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      process.stderr.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: null, output: output + error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
