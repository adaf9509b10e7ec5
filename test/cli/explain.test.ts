import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { explain } from '../../cli/explain.js';
import type { FeedbackBook } from '../../engine/feedback.js';
import type { Feedback } from '../../engine/finding.js';
import { anomaly, NOW, startApi, Memory } from '../server/api-harness.js';
import { millrace, millraces, start, type Done } from './command.js';

const START = Date.UTC(2024, 0, 15, 10);
const CONFIG = `
sources: { queue: { type: file, path: queue.csv, labels: [host] } }
operators: { odd: { type: detect, from: queue, warmup: 10 } }
sinks: { out: { type: file, from: odd, path: out.ndjson } }
`;
/** Two hosts, a jump of one of them from minute 200 to 209. */
const CSV = `time,host,value\n${Array.from({ length: 300 }, (_, i) => ['a', 'b'].map((host) => `${new Date(START + i * 60_000).toISOString()},${host},${(50 + Math.sin(i * 2.4) + (host === 'a' && i >= 200 && i < 210 ? 40 : 0)).toFixed(3)}`).join('\n')).join('\n')}\n`;

await t.test('what a replay wrote: an anomaly by its id, a series, a picture', async (t) => {
  const cwd = t.testdir({ 'mine.yml': CONFIG, 'queue.csv': CSV });
  t.equal(millrace(cwd, ['replay', 'mine.yml']).code, 0);
  const lines = readFileSync(join(cwd, 'out.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { finding?: { id: string; explanation: string } });
  const { id, explanation } = lines.findLast(({ finding }) => finding !== undefined)!.finding!;

  const young = readFileSync(join(cwd, 'out.ndjson'), 'utf8').split('\n').filter((line) => line.includes('"host":"b"')).slice(0, 8);
  writeFileSync(join(cwd, 'young.ndjson'), young.join('\n'));

  const [told, series, plain, learnt] = millraces(cwd, [
    ['explain', id, '--in', 'out.ndjson', '--plot', 'why.svg'],
    ['explain', 'value{host="a"}', '--in', 'out.ndjson'],
    ['explain', 'value{host="b"}', '--in', 'out.ndjson', '--json'],
    ['explain', 'value', '--in', 'young.ndjson'],
  ]) as [Done, Done, Done, Done];
  t.match(learnt.stdout, /8 rows from .*\nstill learnt: no score before `warmup` samples of its detector \(of detect 30\)/);
  t.notMatch(series.stdout, /still learnt/);
  t.equal(told.code, 0, told.stderr);
  t.ok(told.stdout.startsWith(`${explanation}\n\n`), told.stdout);
  t.match(told.stdout, /\w+, by odd, from 2024-01-15T13:20:00\.000Z until 2024-01-15T13:\d\d:00\.000Z \(\d+m\)\nvalue +9\d\.?\d*\nexpected +[45]\d[.\d]*\nusual +4\d[.\d]* to 5\d[.\d]*\nscore +[\d.]+: .* normal rows? scores as high\nconfidence +0\.\d\d\nbecause of +\w+ \d+ %(, \w+ \d+ %)*\n/);
  t.match(told.stdout, /\n2024-01-15T13:19:00.000Z +[\d.]+ .*\d\n2024-01-15T13:20:00.000Z +9\d[.\d]* +.* outside\n/);
  const svg = readFileSync(join(cwd, 'why.svg'), 'utf8');
  t.equal((svg.match(/class="anomaly /g) ?? []).length, 1);
  t.ok((svg.match(/class="outside"/g) ?? []).length >= 10);

  t.match(series.stdout, new RegExp(`^value\\{.*host="a"\\}\n300 rows from 2024-01-15T10:00:00.000Z to .*, 10 outside of the band, 1 anomaly\n[\\s\\S]*\n${id}  2024-01-15T13:20:00.000Z  \\w+\n    value`));
  const calm = JSON.parse(plain.stdout) as { rows: object[] };
  t.match(calm, { anomalies: [], rows: [{ time: '2024-01-15T10:00:00.000Z', score: 0 }] });
  t.equal(calm.rows.length, 300);

  const fails = async (what: string, from: string, wrong: RegExp, code: number): Promise<void> => {
    const given = from.endsWith('.yml') ? { config: join(cwd, from) } : { in: join(cwd, from) };
    await t.rejects(explain(what, { ...given, last: 1_000 }), { name: 'CommandError', code, message: wrong }, `${what} ${from}`);
  };
  await fails('value', 'out.ndjson', /there are 2 such series: which one\? value\{.*host="a"\} value/, 1);
  await fails('other', 'out.ndjson', /no detector has rows of such a series in .*out\.ndjson/, 1);
  await fails('0123456789abcdef', 'out.ndjson', /there is no anomaly 0123456789abcdef/, 1);
  await fails('value{', 'out.ndjson', /neither the id of an anomaly nor a series/, 1);
  await fails(id, 'queue.csv', /queue\.csv:1: is no JSON/, 1);
  await fails(id, 'none', /none: there is no such file/, 1);
  writeFileSync(join(cwd, 'away.yml'), `server: { port: 9 }${CONFIG}`);
  await fails(id, 'away.yml', /no engine of this config answers at http:\/\/127\.0\.0\.1:9: start it/, 2);
});

const feedback = { revision: 1, state: 'opened', verdict: 'false_positive', note: 'a backup', by: 'ann', at: NOW, time: NOW } as Feedback;

await t.test('a running engine: its anomalies, and rows of its history, answer by answer', async (t) => {
  const { runtime, server } = await startApi(t);
  const store = new Memory();
  runtime.stores = [store];
  runtime.planned = [{ name: 'odd', type: 'detect' }];
  // More than one answer holds.
  const rows = 12_000;
  const first = NOW - (rows - 1) * 1_000;
  const judged = (time: number, series: string, value: number) => ({ time, series, value, columns: { score: value > 52 ? 0.9999 : 0.5, expected: 45.1, lower: 38, upper: 52.3 } });
  store.kept = { odd: Array.from({ length: rows }, (_, i) => judged(first + i * 1_000, 'cpu_usage{host="a"}', first + i * 1_000 >= NOW - 60_000 ? 97.2 : 45)) };
  store.found = [anomaly({ id: '0123456789abcdef' })];
  const cwd = t.testdir({});
  writeFileSync(join(cwd, 'mine.yml'), `server: { port: ${new URL(server.address).port} }\nsources: { in: { type: generate, rate: 1 } }\noperators: { odd: { type: detect, from: in } }\nsinks: { out: { type: log, from: odd } }\n`);
  // It looks back from its own clock.
  const explained = (...args: string[]) => start(cwd, ['explain', ...args, '-c', 'mine.yml', '--last', '36500d', '--json']).ended;

  const byId = await explained('0123456789abcdef');
  t.equal(byId.code, 0, byId.stderr);
  t.match(JSON.parse(byId.stdout), { series: 'cpu_usage{host="a"}', anomaly: { id: '0123456789abcdef', node: 'odd', state: 'opened', opened_at: '2024-01-15T11:59:00.000Z', revised_at: '2024-01-15T11:59:30.000Z', explanation: 'because' }, rows: [{ value: 45, expected: 45.1 }] });

  runtime.book = { node: 'people', about: () => [feedback] } as unknown as FeedbackBook;
  const said = await start(cwd, ['explain', '0123456789abcdef', '-c', 'mine.yml', '--last', '36500d']).ended;
  t.match(said.stdout, /\nfeedback +false alarm, says ann: a backup\n/);

  const bySeries = await explained('cpu_usage');
  t.equal(bySeries.code, 0, bySeries.stderr);
  const { rows: read } = JSON.parse(bySeries.stdout) as { rows: { time: string }[] };
  t.equal(read.length, rows, 'each once');
  t.strictSame([read[0]!.time, read.at(-1)!.time], [first, NOW].map((time) => new Date(time).toISOString()));
});
