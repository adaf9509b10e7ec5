import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { compare, describe, judgePairs, type Pair, type Side } from '../../bench/compare.js';
import { entries, prepare } from '../../bench/contest.js';
import { buildOld } from '../../bench/old-build.js';
import { workload } from '../../bench/workloads.js';
import { seeded } from '../../engine/random.js';

/** Speeds whose noise is about three in a hundred, on a machine that is now faster and now slower; one run of ten is disturbed, and takes up to half as long again. */
function noisyPairs(truth: number, seed: number): Pair[] {
  const random = seeded(seed);
  return Array.from({ length: 15 }, () => {
    const machine = 1 + 0.2 * (random() - 0.5);
    const speed = (): number => (machine * (1 + 0.06 * (random() + random() + random() - 1.5))) / (random() < 0.1 ? 1 + random() / 2 : 1);
    return { old: speed(), now: truth * speed() };
  });
}

await t.test('no change can not be told, a loss of a tenth is slower, a gain of a tenth faster', (t) => {
  const verdicts = (truth: number): Record<string, number> => {
    const count: Record<string, number> = {};
    for (let seed = 1; seed <= 40; seed++) {
      const { verdict } = judgePairs(noisyPairs(truth, seed), seeded(seed));
      count[verdict] = (count[verdict] ?? 0) + 1;
    }
    return count;
  };
  const same = verdicts(1);
  t.ok(same["can't tell"]! >= 38, JSON.stringify(same));
  const loss = verdicts(0.9);
  t.ok(loss['slower']! >= 34 && loss['faster'] === undefined, JSON.stringify(loss));
  const gain = verdicts(1.1);
  t.ok(gain['faster']! >= 34 && gain['slower'] === undefined, JSON.stringify(gain));
  t.end();
});

await t.test('old and new exchanged give the opposite', (t) => {
  const speed = fc.double({ min: 0.5, max: 2, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.record({ old: speed, now: speed }), { minLength: 3, maxLength: 20 }), (pairs) => {
      const one = judgePairs(pairs, seeded(1));
      const other = judgePairs(pairs.map(({ old, now }) => ({ old: now, now: old })), seeded(1));
      const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9 * b;
      return near(one.ratio, 1 / other.ratio) && near(one.interval.low, 1 / other.interval.high) && !(one.verdict === 'faster' && other.verdict === 'faster');
    }),
    { numRuns: 20 },
  );
  t.end();
});

await t.test('the verdict is told with its interval and what could have been seen', (t) => {
  t.equal(
    describe(workload('W1'), 'HEAD~1', { verdict: 'slower', ratio: 0.9, interval: { low: 0.88, high: 0.927 } }),
    'W1: slower than HEAD~1. Speed -10.0 %, 95 % interval -12.0 % to -7.3 %; with runs as steady as these a difference of 4.0 % would be seen.',
  );
  t.match(describe(workload('W1'), 'v1', { verdict: "can't tell", ratio: 1.01, interval: { low: 0.98, high: 1.04 } }), /^W1: can't tell from v1\. Speed \+1\.0 %/);
  t.end();
});

await t.test('a commit is built aside and runs against the work tree', async (t) => {
  const root = repository();
  const cache = mkdtempSync(join(tmpdir(), 'compare-cache-'));
  await t.rejects(buildOld(root, 'HEAD~1', cache, () => {}), /HEAD~1 is from before bench\/millrace\/engine\.ts: .*Compare with a later commit/);
  await t.rejects(buildOld(root, 'no-such', cache, () => {}), /there is no commit no-such/);

  const said: string[] = [];
  const built = await buildOld(root, 'HEAD', cache, (text) => said.push(text));
  t.match(said, [/^Building HEAD /]);
  t.ok(built.folder.startsWith(cache) && existsSync(join(built.folder, 'build/bench/millrace/main.js')));
  t.notOk(existsSync(join(root, 'build')), 'nothing is built in the tree');
  t.equal(execFileSync('git', ['status', '--short'], { cwd: root, encoding: 'utf8' }), '', 'and its index stays as it was');
  await buildOld(root, 'HEAD', cache, (text) => said.push(text));
  t.equal(said.length, 1, 'it is built once');

  const { ready } = await prepare([built.engine], () => {});
  const old: Side = { entry: entries(workload('W1'), ready)[0]!, folder: built.folder };
  const fast: Side = { ...old, entry: { ...old.entry, command: { ...old.entry.command, args: [...old.entry.command.args, 'twice'] } } };
  t.match(await compare(workload('W1'), old, fast, { pairs: 4, jobs: 3 }, () => {}), { verdict: 'faster', ratio: 2 });
  t.match(await compare(workload('W1'), old, old, { pairs: 4, jobs: 3 }, () => {}), { verdict: "can't tell", ratio: 1 });
});

/** One with two commits: without benchmarks, and with an engine that tells what it is told to. */
function repository(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'compare-')));
  const git = (...args: string[]): void => void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root, stdio: 'ignore' });
  git('init');
  const files: Readonly<Record<string, string>> = {
    'package.json': '{ "type": "module" }',
    'package-lock.json': '{}',
    '.gitignore': 'node_modules',
    'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "target": "es2023", "rootDir": ".", "types": ["node"], "strict": true }, "include": ["bench"] }',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  symlinkSync(join(projectRoot(), 'node_modules'), join(root, 'node_modules'));
  git('add', '-A');
  git('commit', '-m', 'before');
  mkdirSync(join(root, 'bench/millrace'), { recursive: true });
  writeFileSync(
    join(root, 'bench/millrace/engine.ts'),
    "export const engine = { name: 'millrace', title: '', runs: { W1: { threads: [1] } }, prepare: () => Promise.resolve({ command: process.execPath, args: [new URL('main.js', import.meta.url).pathname] }) };\n",
  );
  writeFileSync(
    join(root, 'bench/millrace/main.ts'),
    "for (let job = 0; job < 3; job++) console.log(JSON.stringify({ workload: 'W1', engine: 'millrace', threads: 1, samples: 100, seconds: process.argv[2] === 'twice' ? 0.5 : 1, check: { counts: 100 }, versions: {} }));\n",
  );
  git('add', '-A');
  git('commit', '-m', 'after');
  return root;
}

function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
