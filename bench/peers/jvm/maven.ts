import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Missing } from '../../engine.js';
import { fingerprint, run, sourceFolder } from '../toolchain.js';

const BUILD_LIMIT_MS = 10 * 60_000;
const JAVA_LIMIT_MS = 60_000;
const OLDEST_JAVA = 17;

/**
 * Builds bench/peers/`peer` (a pom.xml and src/, with the sources of bench/peers/jvm) in `cache`, unless these
 * sources were built there before, and gives the path of its jar; its libraries lie beside it.
 */
export async function buildWithMaven(peer: string, cache: string): Promise<string | Missing> {
  const peers = dirname(sourceFolder(peer, 'pom.xml'));
  const files = [join(peer, 'pom.xml'), ...tree(peers, join(peer, 'src')), ...tree(peers, 'jvm/src')];
  const built = join(cache, fingerprint(peers, files, []));
  const jar = join(built, peer, 'target', `${peer}.jar`);
  if (existsSync(jar)) return jar;

  const java = await run('java', ['--version'], JAVA_LIMIT_MS);
  // A Java before 9 does not know the option.
  const version = Number(/^\S+ (?<major>\d+)/.exec(java.stdout)?.groups?.['major'] ?? 8);
  if (java.code === null || version < OLDEST_JAVA) return { missing: `Java ${OLDEST_JAVA} or later: ${java.code === null ? 'no java on the PATH' : `java is ${version}`}` };
  const building = `${built}.building`;
  for (const folder of existsSync(cache) ? readdirSync(cache) : []) rmSync(join(cache, folder), { recursive: true });
  for (const file of files) {
    mkdirSync(dirname(join(building, file)), { recursive: true });
    cpSync(join(peers, file), join(building, file));
  }
  process.stderr.write(`${peer}: mvn package, in ${building}\n`);
  const { code, stdout, last } = await run('nice', ['mvn', '-q', '-B', '-Dstyle.color=never', '-f', join(building, peer, 'pom.xml'), 'package'], BUILD_LIMIT_MS);
  if (code !== 0) {
    const error = stdout.split('\n').find((line) => line.includes('[ERROR]')) ?? last;
    return { missing: `mvn package of bench/peers/${peer} ${code === null ? 'took too long or did not start' : 'failed'}: ${error.trim()}` };
  }
  renameSync(building, built);
  return jar;
}

const tree = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
