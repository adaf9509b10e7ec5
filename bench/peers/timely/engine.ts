import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command, Engine, Missing } from '../../engine.js';
import { fingerprint, run, sourceFolder } from '../toolchain.js';

const LOOK_LIMIT_MS = 30_000;
/** Twenty packages, optimized as a whole. */
const BUILD_LIMIT_MS = 10 * 60_000;
/** The processors are shared with what is measured beside it. */
const JOBS = '2';

/** The program, built once for its sources and compiler: `cache/<fingerprint>`. What cargo made lies beside it, so that a change does not build the libraries again. */
async function build(cache: string): Promise<string | Missing> {
  const compiler = await run('rustc', ['--version'], LOOK_LIMIT_MS);
  if (compiler.code !== 0) return { missing: `Rust (rustup.rs): rustc --version: ${compiler.last}` };
  const folder = sourceFolder('timely', 'Cargo.toml');
  const files = ['Cargo.toml', 'Cargo.lock', 'build.rs', ...readdirSync(join(folder, 'src')).sort().map((file) => join('src', file))];
  const program = join(cache, fingerprint(folder, files, [compiler.stdout]));
  if (existsSync(program)) return program;

  mkdirSync(cache, { recursive: true });
  const target = join(cache, 'target');
  process.stderr.write(`timely: cargo build, in ${target}\n`);
  const args = ['cargo', 'build', '--release', '--locked', '--jobs', JOBS, '--manifest-path', join(folder, 'Cargo.toml'), '--target-dir', target];
  const built = await run('nice', args, BUILD_LIMIT_MS, { RUSTFLAGS: '-C target-cpu=native' });
  if (built.code !== 0) return { missing: `cargo build of bench/peers/timely: ${built.last}` };
  copyFileSync(join(target, 'release', 'millrace-bench-timely'), `${program}.new`);
  renameSync(`${program}.new`, program);
  return program;
}

/** Both engines are one program, which is in the folder of the first. */
async function prepare(cache: string, args: readonly string[]): Promise<Command | Missing> {
  const program = await build(join(dirname(cache), 'timely'));
  return typeof program === 'string' ? { command: program, args } : program;
}

export const engines: readonly Engine[] = [
  {
    name: 'timely',
    title: 'timely-dataflow (Rust): dense state by series, one capability for the next result; of two workers each makes the samples of its own series',
    runs: { W1: { threads: [1, 2] }, W2: { threads: [1, 2] }, W3: { threads: [1, 2] }, W4: { threads: [1, 2] } },
    toolchain: 'cargo',
    prepare: (cache) => prepare(cache, []),
  },
  {
    name: 'timely-exchange',
    title: 'timely-dataflow (Rust), rows exchanged by series: half of what a worker makes is for the other',
    runs: { W1: { threads: [2] }, W2: { threads: [2] }, W3: { threads: [2] }, W4: { threads: [2] } },
    toolchain: 'cargo',
    prepare: (cache) => prepare(cache, ['--exchange']),
  },
];
