import { join, resolve } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { Feedback } from '../engine/finding.js';
import { emptyFolder, EngineProcess, until } from './engine-process.js';

const root = resolve(import.meta.dirname, '../..');
const bin = join(root, 'bin/millrace.js');

const GRAPH = `
server: { port: 0, shards: 2 }
checkpoint: { interval: 1s }
sources: { http: { type: http }, people: { type: feedback } }
operators: { odd: { type: detect, from: [http, people], for: 1, close_for: 1 } }
sinks:
  live: { type: live, from: [odd, people] }
  history: { type: duckdb, from: [odd, people], path: history.duckdb }
`;

const METRIC = 'queue_depth';
const HOSTS = ['a', 'b', 'c', 'd'];
const BEGIN = Date.UTC(2024, 0, 15, 10);

interface Anomaly {
  readonly id: string;
  readonly labels: { readonly host: string };
  readonly timestamp: string;
  readonly state: string;
  readonly feedback?: { readonly verdict: string };
}

/** A stretch of seconds of all hosts; `spike`: of host a at its second second. Returns where it ends. */
async function post(engine: EngineProcess, from: number, seconds: number, spike?: number): Promise<number> {
  const samples = Array.from({ length: seconds }, (_, second) =>
    HOSTS.map((host) => ({
      metric_name: METRIC,
      value: second === 1 && host === 'a' && spike !== undefined ? spike : 50 + Math.sin((from + second) * 2.4),
      timestamp: new Date(BEGIN + (from + second) * 1_000).toISOString(),
      labels: { host },
    })),
  ).flat();
  const { status, text } = await engine.post('/api/metrics', samples);
  if (status !== 202) throw new Error(text);
  return from + seconds;
}

const anomalies = async (engine: EngineProcess): Promise<readonly Anomaly[]> => (await engine.json<{ anomalies: Anomaly[] }>('/api/anomalies?time_range=36500d')).anomalies;

/** The newest row of a host, once it is so late. */
function rowAt(engine: EngineProcess, host: string, second: number): Promise<Record<string, number>> {
  return until(async () => {
    const query = new URLSearchParams({ node: 'odd', labels: JSON.stringify({ host }), from: String(BEGIN + second * 1_000), to: String(BEGIN + second * 1_000) });
    const { series } = await engine.json<{ series: { columns: string[]; rows: number[][] }[] }>(`/api/history?${query.toString()}`);
    const [first] = series;
    const row = first?.rows[0];
    return row === undefined ? undefined : Object.fromEntries(['time', 'value', ...first!.columns].map((name, i) => [name, row[i]!]));
  });
}

await t.test('a false alarm is said, the process killed: what was said holds, until it is undone', async (t) => {
  const folder = emptyFolder(t);
  writeFileSync(join(folder, 'graph.yml'), GRAPH);
  const start = () => new EngineProcess(t, [process.execPath, bin, 'run', 'graph.yml'], folder);
  const spike = 60;

  let engine = start();
  await engine.ready();
  let at = await post(engine, 0, 300);
  const firstSpike = at + 1;
  at = await post(engine, at, 20, spike);
  const first = await until(async () => (await anomalies(engine)).find(({ state }) => state === 'closed'));
  t.match(first, { labels: { host: 'a' }, timestamp: new Date(BEGIN + firstSpike * 1_000).toISOString() });
  const told = await rowAt(engine, 'a', firstSpike);
  const before = await rowAt(engine, 'a', at - 1);
  t.ok(spike > before['upper']!, 'it would be told again');

  // What comes after a checkpoint is told little by little: after a crash the next process knows how far this one may have come.
  const checkpoint = async (): Promise<number> => (await engine.json<{ checkpoint?: { number: number } }>('/health')).checkpoint?.number ?? 0;
  const begun = await checkpoint();
  await until(async () => (await checkpoint()) > begun + 1);
  at = await post(engine, at, 2);
  const said = await engine.post(`/api/anomalies/${first.id}/feedback`, { verdict: 'false_positive', note: 'a backup', by: 'ann' });
  t.equal(said.status, 202, said.text);
  t.match(JSON.parse(said.text), { effect: /^odd raises the threshold of queue_depth\{host="a"\}/ });
  // At once: it may be in no checkpoint, and the detector may not have heard of it.
  await engine.end('SIGKILL');

  engine = start();
  await engine.ready();
  t.match(await engine.json(`/api/anomalies/${first.id}/feedback`), { feedback: [{ verdict: 'false_positive', note: 'a backup', by: 'ann', undone: false }] });
  at = await post(engine, at, 20);
  const raised = await rowAt(engine, 'a', at - 1);
  t.ok(spike < raised['upper']!, `the band of a is wider: ${raised['upper']}, before ${before['upper']}, at the anomaly ${told['upper']}`);
  at = await post(engine, at, 20, spike);
  await rowAt(engine, 'a', at - 1);
  t.strictSame((await anomalies(engine)).map(({ id }) => id), [first.id], 'the same spike again is not told');

  // Once it is in a checkpoint and nowhere else.
  const heard = await until(checkpoint);
  await until(async () => (await checkpoint()) > heard + 4);
  await engine.end('SIGKILL');
  engine = start();
  await engine.ready();
  at = await post(engine, at, 20);
  const kept = await rowAt(engine, 'a', at - 1);
  t.ok(spike < kept['upper']!, 'after another kill, too');
  t.match(await anomalies(engine), [{ id: first.id, feedback: { verdict: 'false_positive' } }]);

  const other = await rowAt(engine, 'b', at - 1);
  const wide = (row: Record<string, number>): number => row['upper']! - row['lower']!;
  const undone = (await (await fetch(`${await engine.ready()}/api/anomalies/${first.id}/feedback`, { method: 'DELETE' })).json()) as { undone: boolean };
  t.equal(undone.undone, true);
  at = await post(engine, at, 100);
  const narrow = await rowAt(engine, 'a', at - 1);
  t.ok(wide(narrow) < wide(kept) / 1.7, `${wide(narrow)} after ${wide(kept)}`);
  t.ok(wide(await rowAt(engine, 'b', at - 1)) < wide(other) / 1.15, 'that of the other hosts, too');
  await engine.end('SIGTERM');
});

await t.test('a replay hears what was said from the time on from which it held', async (t) => {
  const folder = emptyFolder(t);
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const at = (second: number): string => new Date(BEGIN + second * 1_000).toISOString();
  write('queue.csv', `time,value\n${Array.from({ length: 400 }, (_, i) => `${at(i)},${i === 300 || i === 350 ? 60 : 50 + Math.sin(i * 2.4)}`).join('\n')}\n`);
  const graph = (said: string): string => `
sources: { ${said} queue: { type: file, path: queue.csv, metric: queue_depth } }
operators: { odd: { type: detect, from: ${said === '' ? 'queue' : '[queue, people]'}, for: 1, close_for: 1 } }
sinks: { out: { type: file, from: odd, path: out.ndjson } }
`;
  const replayed = async (said: string): Promise<readonly Feedback['openedAt'][]> => {
    write('mine.yml', graph(said));
    const running = new EngineProcess(t, [process.execPath, bin, 'replay', 'mine.yml'], folder);
    t.equal((await running.exited).code, 0, running.stderr);
    const lines = readFileSync(join(folder, 'out.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { finding?: Anomaly & { state: string; openedAt: number } });
    const told = lines.flatMap(({ finding }) => (finding?.state === 'opened' ? [finding] : []));
    write('told.json', JSON.stringify(told[0]));
    return told.map(({ openedAt }) => (openedAt - BEGIN) / 1_000);
  };
  t.strictSame(await replayed(''), [300, 350]);
  const anomaly = JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8')) as Feedback & { id: string };
  const { id, series, metric, labels, openedAt, value, expected, lower, upper, score } = anomaly;
  const said = (time: number): string => {
    const of = { kind: 'feedback', id: 'f', revision: 1, state: 'opened', operator: 'people', series, metric, labels, openedAt, time, severity: 'info', explanation: '', anomaly: id, toldBy: 'odd', verdict: 'false_positive', note: '', by: 'ann', at: time };
    return `${JSON.stringify({ time: at(0), value: 1 })}\n${JSON.stringify({ finding: { ...of, value, expected, lower, upper, score } })}\n`;
  };
  const people = 'people: { type: feedback, path: said.ndjson },';
  write('said.ndjson', said(BEGIN + 320_000));
  t.strictSame(await replayed(people), [300]);
  write('said.ndjson', said(BEGIN + 380_000));
  t.strictSame(await replayed(people), [300, 350], 'not before it was said');
  write('said.ndjson', 'ann said so');
  write('mine.yml', graph(people));
  const failing = new EngineProcess(t, [process.execPath, bin, 'replay', 'mine.yml'], folder);
  t.equal((await failing.exited).code, 2);
  t.match(failing.stderr, /said\.ndjson:1: is no JSON/);
});
