import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { seeded } from '../../engine/random.js';
import { root } from '../config/root.js';
import { emptyFolder, EngineProcess, until } from '../engine-process.js';
import { difference, linesOf } from './fixture.js';

const stepping = new URL('stepping-clock.js', import.meta.url).href;
const HOUR_MS = 3_600_000;

function run(t: Test, at: string, env: Readonly<Record<string, string>>): EngineProcess {
  return new EngineProcess(t, [process.execPath, '--import', stepping, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--port', '0'], at, env);
}

await t.test('a clock that steps back again and again changes nothing of what is computed from a file, over a kill too', async (t) => {
  const random = seeded(3);
  const at = { calm: emptyFolder(t), hurt: emptyFolder(t) };
  const lines = Array.from({ length: 60_000 }, (_, i) => `${1_700_000_000_000 + Math.floor(i / 20) * 1_000 - Math.floor(random() * 1_500)},h${i % 20},${100 + 10 * random() + (random() < 0.002 ? 500 : 0)}`);
  for (const folder of Object.values(at)) {
    writeFileSync(join(folder, 'in.csv'), `time,host,value\n${lines.join('\n')}\n`);
    writeFileSync(
      join(folder, 'graph.yml'),
      `
server: { shards: 2 }
checkpoint: { interval: 100ms }
sources: { in: { type: file, path: in.csv, disorder: 2s, labels: [host], metric: load, file_label: '' } }
operators:
  ten: { type: window, from: in, size: 10s, aggregates: [mean, max] }
  odd: { type: detect, from: in, warmup: 20 }
  alerts: { type: correlate, from: odd }
sinks: { out: { type: file, from: [ten, ten.late, odd, alerts], path: out.ndjson } }
`,
    );
  }
  t.same(await run(t, at.calm, {}).exited, { code: 0, signal: null });
  const killed = run(t, at.hurt, { CLOCK_STEP_MS: '5000' });
  await until(() => readdirIfThere(join(at.hurt, 'data/checkpoints')).some((name) => name.endsWith('.manifest')) || killed.child.exitCode !== null);
  await killed.end('SIGKILL');
  const again = run(t, at.hurt, { CLOCK_STEP_MS: '5000' });
  t.same(await again.exited, { code: 0, signal: null }, again.stderr);
  const wanted = linesOf(join(at.calm, 'out.ndjson'));
  t.ok(wanted.some((line) => line.includes('anomaly')) && wanted.some((line) => line.includes('alert')), `${wanted.length} rows and findings`);
  t.same(difference(linesOf(join(at.hurt, 'out.ndjson')), wanted), undefined);
});

await t.test('set back by an hour, the watermark of an idle source goes on, and samples of now are taken', async (t) => {
  const at = emptyFolder(t);
  writeFileSync(join(at, 'graph.yml'), `sources: { in: { type: http } }\noperators: { sums: { type: window, from: in, size: 1s, aggregates: [sum] } }\nsinks: { out: { type: file, from: sums, path: out.ndjson } }\n`);
  const engine = run(t, at, {});
  await engine.ready();
  const seen: number[] = [];
  const source = async (): Promise<{ watermark: number; idle: boolean; rows: number }> => {
    const { components } = await engine.json<{ components: { name: string; watermark?: string; detail?: string; rows_out: number }[] }>('/health');
    const { watermark, detail, rows_out: rows } = components.find(({ name }) => name === 'in')!;
    const time = watermark === undefined ? -Infinity : new Date(watermark).getTime();
    seen.push(time);
    return { watermark: time, idle: detail === 'idle', rows };
  };
  const post = async (): Promise<void> => {
    t.equal((await engine.post('/api/metrics', { metric_name: 'load', timestamp: new Date().toISOString(), value: 1 })).status, 202);
  };
  await post();
  const { watermark: before } = await until(async () => {
    const now = await source();
    return now.idle && now;
  });
  engine.child.kill('SIGUSR2');
  const after = await until(async () => {
    const { watermark } = await source();
    return watermark > before && watermark;
  });
  t.ok(after - before < HOUR_MS / 2, 'and not by a leap');
  await post();
  await until(async () => (await source()).rows === 2);
  t.same(seen, seen.toSorted((a, b) => a - b), 'it never went back');
  t.match(await engine.json('/api/dead-letters'), { dead_letters: [] });
  t.same(await engine.end('SIGTERM'), { code: 0, signal: null });
  t.equal(readFileSync(join(at, 'out.ndjson'), 'utf8').trim().split('\n').length, 1, 'the first window is closed; the second waits for its time');
});

function readdirIfThere(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
