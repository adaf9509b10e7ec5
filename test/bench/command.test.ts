import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const folder = mkdtempSync(join(tmpdir(), 'bench-'));

function bench(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('../../bench/run.js', import.meta.url)), ...args], { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: folder } });
  return { code: status, out: stdout, err: stderr };
}

await t.test('workloads and engines are chosen, measured and written as JSON', (t) => {
  const file = join(folder, 'figures.json');
  const { code, out } = bench('w1', 'W3', '--engines', 'loop,rxjs-expert', '--runs', '1', '--samples', '20_000', '--json', file);
  t.equal(code, 0);
  t.match(out, /\nW1: windows of 10 s[^\n]*\n20,000 samples a job; the figure is that of the last of (\d to )?\d jobs in one process\.\n\nengine +threads +M samples\/s/);
  t.match(out, /\nloop +1 +[\d.]+ +[\d.]+ to [\d.]+ +1\.00 /);
  t.match(out, /\nrxjs-expert +1 /);
  t.match(out, /W1, one shard: time against the hand-written loop's .* not measured/);
  const figures = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>[];
  t.strictSame([...new Set(figures.map((f) => `${String(f['workload'])} ${String(f['engine'])}`))], ['W1 loop', 'W1 rxjs-expert', 'W3 loop', 'W3 rxjs-expert']);
  for (const figure of figures) {
    t.match(figure, { threads: Number, samples_per_second: { min: Number, median: Number, max: Number }, check: Object, versions: { node: process.versions.node }, runs: 1, samples: 20_000 });
  }
  t.match(figures[0], { first_result_ms: Number, check: { results: Number, counts: 20_000, means: Number, deviations: Number } });
  t.end();
});

await t.test('what is asked for wrongly is said, with what there is', (t) => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['W11'], /there is no workload W11; there are W1, W2, /],
    [['--engines', 'loop,lop'], /there is no engine lop; there are loop, /],
    [['--runs', 'many'], /--runs many: a whole number above zero is wanted/],
    [['--samples', '0'], /--samples 0: /],
    [['--peers', 'none'], /--peers none: npm or all is wanted/],
    [['--fast'], /'--fast'/],
  ];
  for (const [args, message] of wrong) {
    const { code, err } = bench(...args);
    t.match(err, message);
    t.match(err, /npm run bench \[-- /);
    t.equal(code, 2, args.join(' '));
  }
  const { code, out } = bench('--help');
  t.equal(code, 0);
  t.match(out, /--compare REF/);
  t.end();
});

await t.test('an engine that can not be profiled or compared says so', (t) => {
  const { code, err } = bench('W1', '--compare', 'no-such-commit');
  t.equal(code, 1);
  t.match(err, /there is no commit no-such-commit/);
  t.end();
});
