import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { millrace, millraces, root, start, type Done, type Running } from './command.js';

const GRAPH = `
server: { port: 0 }
checkpoint: { interval: 1s }
sources: { http: { type: http } }
operators: { odd: { type: detect, from: http } }
sinks: { live: { type: live, from: [http, odd] }, total: { type: count, from: odd } }
`;

/** The JSON lines of the log. */
function logged(text: string): Record<string, unknown>[] {
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function addressOf(running: Running): Promise<string> {
  await running.says('Millrace is running');
  return logged(running.stdout()).find(({ address }) => address !== undefined)!['address'] as string;
}

t.test('run: one line with the address; ready; SIGTERM ends it well', async (t) => {
  const cwd = t.testdir({ 'mine.yml': GRAPH });
  const running = start(cwd, ['run', 'mine.yml']);
  const address = await addressOf(running);
  t.match(address, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.equal((await fetch(`${address}/readyz`)).status, 200);
  t.equal((await fetch(`${address}/api/metrics`, { method: 'POST', body: '{"metric_name":"q","value":1}' })).status, 202);
  t.equal((await fetch(`${address}/api/metrics`, { method: 'POST', body: '{"metric' })).status, 400);

  running.child.kill('SIGTERM');
  const { code, stdout, stderr } = await running.ended;
  t.equal(code, 0, stderr);
  t.equal(stdout.match(/Millrace is running/g)?.length, 1);
  t.match(logged(stdout), [{ level: 40, msg: /port 0/, line: 2 }], 'warnings of the config are in the log');
  t.ok(logged(stdout).every(({ service }) => service === 'millrace'));

  // The engine is down: what it refused lies on disk.
  const [letters, shown, others] = millraces(cwd, [['--json'], ['show', '1'], ['--node', 'odd']].map((args) => ['dead-letters', ...args, '-c', 'mine.yml'])) as [Done, Done, Done];
  t.equal(letters.code, 0, letters.stderr);
  const [letter] = JSON.parse(letters.stdout) as { id: number; node: string; payload: string }[];
  t.match(letter, { id: 1, node: 'http', payload: '{"metric' });
  t.match(shown.stdout, /node +http\n[\s\S]*content-type +application\/json\n[\s\S]*payload\n\{"metric\n {8}\^ byte 8\n$/);
  t.equal(others.stdout, 'No dead letters.\n');
});

t.test('run: dead letters are asked of the running engine', async (t) => {
  const cwd = t.testdir({ 'mine.yml': GRAPH });
  const running = start(cwd, ['run', 'mine.yml']);
  const address = await addressOf(running);
  await fetch(`${address}/api/metrics`, { method: 'POST', body: '[]x' });
  // From elsewhere, where no files are: only the engine can know.
  const elsewhere = join(cwd, 'elsewhere');
  mkdirSync(elsewhere);
  const env = { MILLRACE_SERVER_PORT: new URL(address).port, MILLRACE_FOLDER: elsewhere };
  t.match(millrace(elsewhere, ['dead-letters', '-c', '../mine.yml'], env).stdout, /http .*POST \/api\/metrics\n +.*\n +\[\]x\n/);
  running.child.kill('SIGINT');
  t.equal((await running.ended).code, 0);
});

t.test('dead letters are sent in again to the engine that runs', async (t) => {
  const cwd = t.testdir({ 'mine.yml': GRAPH, 'mended.json': '{"metric_name":"q","value":7}' });
  const running = start(cwd, ['run', 'mine.yml']);
  const address = await addressOf(running);
  const env = { MILLRACE_SERVER_PORT: new URL(address).port };
  const letters = (...all: (readonly string[])[]) => millraces(cwd, all.map((args) => ['dead-letters', ...args, '-c', 'mine.yml']), env);
  const post = (body: string | Uint8Array) => fetch(`${address}/api/metrics`, { method: 'POST', body });
  await post('{"metric');
  await post(`{"metric_name":"q","value":"${'x'.repeat(5_000)}"}`);
  await post(Buffer.concat([Buffer.from('{"metric_name":"q","value":1,"labels":{"a":"'), Buffer.of(0xff), Buffer.from('"}}')]));

  const mended = ['resubmit', '1', '--file', 'mended.json'];
  const [refused, one, three, taken, again, none, all, others, afterwards] = letters(
    ['resubmit', '1', '2'],
    ['show', '1'],
    ['show', '3'],
    mended,
    mended,
    ['resubmit', '9'],
    ['resubmit', '--all', '--node', 'http', '--json'],
    ['resubmit', '--all', '--node', 'odd'],
    ['show', '1', '--json'],
  ) as [Done, Done, Done, Done, Done, Done, Done, Done, Done];
  t.equal(refused.code, 2);
  t.match(refused.stdout, /^1 {2}not taken: line 1, byte 8: not JSON.*\n2 {2}not taken: of the 5030 bytes of dead letter 2 only the first are kept: give the whole payload\.\n0 letters taken, 2 not\.\n$/);
  t.match(one.stdout, /sent in again and refused .*: line 1, byte 8: not JSON/);
  t.match(three.stdout, /payload\n00000000 {2}7b 22 6d .* {"metric_name":"\n/, 'what is no text is dumped');
  t.match(taken, { code: 0, stdout: /^1 {2}taken\n1 letter taken, 0 not\.\n$/ });
  t.match(again, { code: 2, stdout: /^1 {2}not taken: dead letter 1 was sent in again and taken at / });
  t.match(none, { code: 1, stdout: /there is no dead letter 9/ });
  t.equal(all.code, 2);
  t.match(JSON.parse(all.stdout), [{ id: 2, state: 'not taken', status: 422 }, { id: 3, state: 'not taken', reason: /not UTF-8/ }]);
  t.match(others, { code: 0, stdout: 'No dead letters to send in again.\n' });
  t.match(JSON.parse(afterwards.stdout), { resubmission: { state: 'taken' } });

  running.child.kill('SIGTERM');
  const { stdout } = await running.ended;
  t.equal(logged(stdout).find(({ msg }) => msg === 'odd: 1 rows')?.['rows'], 1, 'it was taken once');
  const [down] = letters(['resubmit', '2']) as [Done];
  t.equal(down.code, 2);
  t.match(down.stderr, /no engine of this config answers at http:\/\/127\.0\.0\.1:\d+: .*start it first/);
});

t.test('run: goes on where it stopped', async (t) => {
  const cwd = t.testdir({ 'mine.yml': GRAPH });
  const total = (text: string): unknown => logged(text).find(({ msg }) => msg === 'odd: 1 rows')?.['rows'];
  const first = start(cwd, ['run', 'mine.yml']);
  const post = await fetch(`${await addressOf(first)}/api/metrics`, { method: 'POST', body: '{"metric_name":"q","value":1}' });
  t.equal(post.status, 202);
  first.child.kill('SIGTERM');
  const done = await first.ended;
  t.equal(done.code, 0);
  t.equal(total(done.stdout), 1);
  const second = start(cwd, ['run', 'mine.yml']);
  await addressOf(second);
  second.child.kill('SIGTERM');
  const again = await second.ended;
  t.equal(again.code, 0);
  t.equal(total(again.stdout), 1, 'what was accepted counts once, before and after');
});

t.test('run: an end of all sources ends it', async (t) => {
  const cwd = t.testdir({
    'mine.yml': 'server: { port: 0 }\nsources: { g: { type: generate, count: 1000 } }\nsinks: { out: { type: file, from: g, path: out.csv } }',
  });
  const { code, stdout } = millrace(cwd, ['run', 'mine.yml']);
  t.equal(code, 0, stdout);
  t.match(stdout, /all sources have ended/);
  t.equal(readFileSync(join(cwd, 'out.csv'), 'utf8').trimEnd().split('\n').length, 1_001);
});

t.test('run: a port that is taken is told, with 2', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const { code, stderr } = millrace(t.testdir({ 'mine.yml': GRAPH }), ['run', 'mine.yml', '--port', String(port)]);
  taken.close();
  t.equal(code, 2);
  t.match(stderr, new RegExp(`^millrace: port ${port} on 127\\.0\\.0\\.1 is taken`));
});

t.test('run: the shipped graph becomes ready, with charts of this machine', async (t) => {
  const cwd = t.testdir({});
  const running = start(cwd, ['run', join(root, 'config/millrace.yml'), '--port', '0']);
  const address = await addressOf(running);
  const health = (await (await fetch(`${address}/api/system-health`)).json()) as object;
  t.match(health, { overall_status: 'healthy', components: { anomaly_detection: { status: 'active' }, slo_monitoring: { status: 'active' } } });
  running.child.kill('SIGTERM');
  const { code, stdout, stderr } = await running.ended;
  t.equal(code, 0, stdout + stderr);
});
