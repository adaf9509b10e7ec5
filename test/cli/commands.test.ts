import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { millrace, millraces, root, type Done } from './command.js';

const GOOD = `
sources: { queue: { type: file, path: queue.csv } }
operators: { odd: { type: detect, from: queue, warmup: 10 } }
sinks: { out: { type: file, from: odd, path: out.ndjson } }
`;
const BAD = GOOD.replace('type: detect', 'type: detcet').replace('path: queue.csv', 'paht: queue.csv').replace('from: odd', 'from: oda');
const CSV = `time,value\n${Array.from({ length: 50 }, (_, i) => `2024-01-15T10:${String(i).padStart(2, '0')}:00Z,${i === 40 ? 90 : 10 + (i % 3)}`).join('\n')}\n`;

const files = { 'good.yml': GOOD, 'bad.yml': BAD, 'doubtful.yml': `server: { port: 0 }${GOOD}`, 'queue.csv': CSV };
const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

t.test('check: 0 with what is fine, 1 with three mistakes at three places', async (t) => {
  const cwd = t.testdir(files);
  const [good, bad, doubtful] = millraces(cwd, [['check', 'good.yml'], ['check', 'bad.yml'], ['check', 'doubtful.yml', 'good.yml']]) as [Done, Done, Done];
  t.strictSame(good, { code: 0, stdout: 'good.yml: ok, 1 source, 1 operator, 1 sink\n', stderr: '' });

  const { code, stdout, stderr } = bad;
  t.equal(code, 1);
  t.equal(stderr, '');
  t.match(stdout, /bad\.yml:2:33: error: file has no setting `paht`\n.*\n.*did you mean path\?/);
  t.match(stdout, /bad\.yml:3:27: error: there is no operator of type detcet\n.*\n.*did you mean detect\?/);
  t.match(stdout, /bad\.yml:4:35: error: there is no node oda\n.*\n.*did you mean odd\?/);
  t.match(stdout, /\nbad\.yml: 3 errors\n$/);

  t.equal(doubtful.code, 0, 'a warning is no error');
  t.match(doubtful.stdout, /doubtful\.yml:1:17: warning: port 0 is another free port[\s\S]*\ndoubtful\.yml: 1 warning, [\s\S]*\ngood\.yml: ok/);
});

t.test('check --json: the same for programs', async (t) => {
  const { code, stdout } = millrace(t.testdir(files), ['check', '--json', 'good.yml', 'bad.yml']);
  t.equal(code, 1);
  t.match(JSON.parse(stdout), [
    { file: 'good.yml', ok: true, diagnostics: [] },
    { file: 'bad.yml', ok: false, diagnostics: [{ severity: 'error', file: 'bad.yml', line: 2, column: 33, length: 4, message: 'file has no setting `paht`', suggestion: 'did you mean path?' }, {}, {}] },
  ]);
});

t.test('a command line that is wrong is answered, with what was meant, and 1', async (t) => {
  const cwd = t.testdir(files);
  const cases: readonly (readonly [args: readonly string[], told: RegExp])[] = [
    [['chekc'], /unknown command 'chekc'\n\(Did you mean check\?\)/],
    [['check', '--jsno'], /unknown option '--jsno'\n\(Did you mean --json\?\)/],
    [['replay'], /missing required argument 'config'/],
    [['replay', 'good.yml', '--shards', 'two'], /must be a whole number from 1 to 256/],
    [['graph', '--dot', '--mermaid', 'good.yml'], /cannot be used with option/],
    [['check', 'godo.yml'], /^$/],
    [['replay', 'bad.yml'], /did you mean detect\?/],
    [['run', 'godo.yml'], /godo\.yml: error: there is no such file: did you mean good\.yml\?/],
    [['run', 'good.yml', '--port', 'x'], /must be a whole number from 0 to 65535/],
    [['docs', 'detetc'], /there is no page about detetc: did you mean detect\?/],
    [['dead-letters', 'show', 'x', '-c', 'good.yml'], /`show` and a number, or `resubmit` and numbers, not show x/],
    [['dead-letters', 'show', '7', '-c', 'good.yml'], /there is no dead letter 7/],
    [['dead-letters', 'resubmit', '-c', 'good.yml'], /resubmit takes the numbers of dead letters, or --all/],
    [['dead-letters', 'resubmit', '1', '--all', '-c', 'good.yml'], /or --all/],
    [['dead-letters', 'resubmit', '1', '2', '--file', 'x', '-c', 'good.yml'], /--file is the payload of one dead letter/],
    [['dead-letters', 'resubmit', '1', '--file', 'no-such', '-c', 'good.yml'], /payload cannot be read: ENOENT/],
  ];
  const done = millraces(cwd, cases.map(([args]) => args));
  for (const [i, [args, told]] of cases.entries()) {
    const { code, stderr } = done[i]!;
    t.equal(code, 1, args.join(' '));
    t.match(stderr, told, args.join(' '));
    t.notMatch(stderr, /\n\s+at /, 'without a stack');
  }
});

t.test('help teaches: every command with examples', async (t) => {
  const commands = ['run', 'check', 'graph', 'replay', 'explain', 'quality', 'dead-letters', 'docs'];
  const [{ code, stdout }, version, ...helps] = millraces(t.testdir({}), [['--help'], ['--version'], ...commands.map((command) => [command, '--help'])]) as [Done, Done, ...Done[]];
  t.equal(code, 0);
  t.match(stdout, /A first graph/);
  for (const [i, command] of commands.entries()) {
    t.match(stdout, new RegExp(`^  ${command} +\\w`, 'm'));
    const help = helps[i]!;
    t.equal(help.code, 0);
    t.match(help.stdout, /Examples:\n  millrace /, command);
    t.match(help.stdout, /Exit codes: 0/, command);
  }
  t.equal(version.stdout, `${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}\n`);
});

t.test('graph: text, Mermaid, DOT, plan, JSON', async (t) => {
  const cwd = t.testdir(files);
  const all = [[], ['--mermaid'], ['--dot'], ['--plan', '--shards', '3'], ['--json'], ['--plan', '--json']];
  const done = millraces(cwd, all.map((args) => ['graph', ...args, 'good.yml']));
  const graph = (...args: string[]): string => {
    const { code, stdout, stderr } = done[all.findIndex((each) => each.join() === args.join())]!;
    t.equal(code, 0, stderr);
    return stdout;
  };
  t.equal(graph(), ['sources', '  queue  file', 'operators', '  odd    detect  <- queue  [+score +agree +expected +lower +upper !anomaly]', 'sinks', '  out    file    <- odd', ''].join('\n'));
  t.equal(graph('--mermaid'), ['flowchart LR', '  queue(["queue<br/>file"])', '  odd["odd<br/>detect"]', '  out[("out<br/>file")]', '  queue --> odd', '  odd --> out', ''].join('\n'));
  t.match(graph('--dot'), /^digraph millrace \{\n[\s\S]*"queue" -> "odd";\n  "odd" -> "out";\n\}\n$/);

  const plan = graph('--plan', '--shards', '3');
  t.match(plan, /64 partitions on 3 shards, at most 22 each/);
  t.match(plan, /main thread[\s\S]*reads +queue \(file\)[\s\S]*writes +out \(file\), in order of time and series <- odd/);
  t.match(plan, /chain 0\n +odd \(detect\) <- queue \(link\); \+ score, agree, expected, lower, upper; [\d,]+ bytes a series/);
  t.match(plan, /intake -> chain 0: queue for odd, by series\n +chain 0 -> out: odd/);

  t.match(JSON.parse(graph('--json')), { sources: [{ name: 'queue', type: 'file' }], operators: [{ name: 'odd', from: ['queue'] }], sinks: [{ name: 'out' }] });
  const planned = JSON.parse(graph('--plan', '--json')) as { plan: { partitions: number; actors: object[] } };
  t.match(planned.plan, { partitions: 64, actors: [{ nodes: [0] }] });
  t.notMatch(JSON.stringify(planned), /queue\.csv/, 'without the configs, which may hold secrets');
});

t.test('replay: the same bytes on any number of shards; a summary; what was refused', async (t) => {
  const cwd = t.testdir({ ...files, 'queue.csv': `${CSV}not a time,5\n` });
  const first = millrace(cwd, ['replay', 'good.yml', '--shards', '1']);
  t.equal(first.code, 0, first.stderr);
  t.match(first.stderr, /^50 rows in [\d.]+ s, [\d,]+ rows\/s, 2 findings, 1 refused\n +refused queue\.csv:52: column "time"/m);
  t.equal(first.stdout, '');
  const bytes = hash(join(cwd, 'out.ndjson'));
  const rows = readFileSync(join(cwd, 'out.ndjson'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  t.equal(rows.filter((row) => 'score' in row && 'expected' in row && 'lower' in row && 'upper' in row).length, 50);

  const second = millrace(cwd, ['replay', 'good.yml', '--shards', '2', '--json']);
  t.equal(second.code, 0, second.stderr);
  t.equal(hash(join(cwd, 'out.ndjson')), bytes);
  t.match(JSON.parse(second.stdout), { ended: true, shards: 2, rows: 50, nodes: { queue: { rows_out: 50 }, odd: { rows_in: 50, rows_out: 50, findings: 2 } } });
  t.strictSame(readdirSync(cwd).sort(), ['bad.yml', 'doubtful.yml', 'good.yml', 'out.ndjson', 'queue.csv'], 'and nothing else is left behind');
});

t.test('replay: rows of a source that shards read themselves are counted, too', async (t) => {
  const cwd = t.testdir({ 'made.yml': 'sources: { made: { type: generate, series: 10, count: 1000 } }\noperators: { odd: { type: detect, from: made } }\nsinks: { out: { type: file, from: odd, path: out.csv } }' });
  for (const shards of ['1', '2']) {
    const { code, stdout, stderr } = millrace(cwd, ['replay', 'made.yml', '--json', '--shards', shards]);
    t.equal(code, 0, stderr);
    t.match(JSON.parse(stdout), { rows: 1_000, nodes: { made: { rows_out: 1_000 }, odd: { rows_in: 1_000 } } });
  }
});

t.test('replay: what goes wrong while it runs is told, with 2', async (t) => {
  const cwd = t.testdir({ 'good.yml': GOOD });
  const { code, stderr } = millrace(cwd, ['replay', 'good.yml']);
  t.equal(code, 2);
  t.match(stderr, /queue\.csv/);
  t.notMatch(stderr, /\n\s+at /);
});

t.test('docs: topics, pages, files and whether they are up to date', async (t) => {
  const cwd = t.testdir({});
  const check = ['docs', '--check', 'pages'];
  const write = ['docs', '--write', 'pages'];
  const [topics, detect, cli, before, written, after] = millraces(cwd, [['docs'], ['docs', 'detect'], ['docs', 'cli'], check, write, check]) as [Done, Done, Done, Done, Done, Done];
  t.match(topics.stdout, /operators: .*detect.*\nconnectors: .*host.*\nmore: .*config/);
  t.match(detect.stdout, /# detect\n[\s\S]*\| `sensitivity` \|/);
  t.match(cli.stdout, /## millrace replay\n[\s\S]*--shards <n>/);

  t.equal(before.code, 1, 'nothing is written yet');
  t.equal(written.code, 0);
  t.strictSame(after, { code: 0, stdout: '', stderr: '' });
  writeFileSync(join(cwd, 'pages/operators/gone.md'), '');
  writeFileSync(join(cwd, 'pages/config.md'), 'changed');
  const [stale, again, own] = millraces(cwd, [check, write, ['docs', '--check', join(root, 'docs')]]) as [Done, Done, Done];
  t.equal(stale.code, 1);
  t.match(stale.stdout, /pages\/config\.md is out of date\npages\/operators\/gone\.md is out of date\n/);
  t.equal(again.code, 0);
  t.notOk(existsSync(join(cwd, 'pages/operators/gone.md')));

  t.equal(own.stdout, '', 'docs/cli.md, and all other pages of the project');
});

t.test('whoever stops reading the output is no failure', async (t) => {
  const { spawnSync } = await import('node:child_process');
  const main = new URL('../../cli/main.js', import.meta.url).href;
  const script = `${process.execPath} --input-type=module -e 'import { main } from "${main}"; process.exitCode = await main(process.argv.slice(1));' -- docs --json | head -c 10 > /dev/null; echo "$\{PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  t.equal(stdout, '0\n');
  t.equal(stderr, '');
});
