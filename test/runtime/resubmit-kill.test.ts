import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../engine/clock.js';
import { seeded, systemRandom } from '../../engine/random.js';
import { readResubmissions } from '../../engine/resubmission-file.js';
import { root } from '../config/root.js';
import { emptyFolder, EngineProcess, until } from '../engine-process.js';

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(systemRandom() * 2 ** 31));
const LETTERS = 120;
const KILLS = 3;

const GRAPH = `
checkpoint: { interval: 150ms }
sources: { http: { type: http } }
sinks: { out: { type: file, from: http, path: out.ndjson } }
`;

interface Told {
  readonly id: number;
  readonly resubmission?: { readonly state: string };
}

await t.test('an engine that is killed while letters are sent in again takes each of them once', async (t) => {
  t.comment(`seed ${seed}: MILLRACE_TEST_SEED=${seed} takes the same again`);
  const random = seeded(seed);
  const folder = emptyFolder(t);
  writeFileSync(join(folder, 'graph.yml'), GRAPH);
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const start = async (): Promise<EngineProcess> => {
    const engine = new EngineProcess(t, [process.execPath, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--port', String(port)], folder);
    await engine.ready();
    return engine;
  };
  /** Sends a letter in again with the number as its value; whether it was answered that it is taken. */
  const resubmit = (id: number): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/api/dead-letters/${id}/resubmit`, { method: 'POST', body: `m value=${id}` }).then(
      ({ status }) => status === 200,
      () => false,
    );

  let engine = await start();
  const bad = Array.from({ length: LETTERS }, () => 'm value=x').join('\n');
  t.equal((await fetch(`http://127.0.0.1:${port}/write`, { method: 'POST', body: bad })).status, 400);
  const letters = async (query: string): Promise<readonly Told[]> => (await engine.json<{ dead_letters: readonly Told[] }>(`/api/dead-letters?limit=1000&${query}`)).dead_letters;
  t.equal((await letters('')).length, LETTERS);

  const answered = new Set<number>();
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const left = (await letters('resubmitted=false')).map(({ id }) => id);
    t.comment(`${left.length} letters are left`);
    t.same(left.filter((id) => answered.has(id)), [], 'what was answered is known');
    // A few at once, each beginning when another is done: some are under way when it dies.
    const several = Array.from({ length: 4 }, async () => {
      for (let id = left.pop(); id !== undefined && left.length > LETTERS / (kill + 2); id = left.pop()) {
        if (!(await resubmit(id))) break;
        answered.add(id);
      }
    });
    if (kill === 0) await until(() => answered.size > 0);
    await sleep(60 * random());
    await engine.end('SIGKILL');
    await Promise.all(several);
    for (const { state } of (await readResubmissions(join(folder, 'data/dead-letters'))).values()) if (state === 'begun') interrupted += 1;
    engine = await start();
  }
  t.same((await letters('')).filter(({ resubmission }) => resubmission?.state === 'begun'), [], 'what was begun is finished');
  t.comment(`${interrupted} were interrupted`);
  t.ok(answered.size > 0 && answered.size < LETTERS, `${answered.size} were answered`);
  for (const { id } of await letters('resubmitted=false')) t.ok(await resubmit(id));
  // A sample of the future lets the watermark pass all before it, which is when the file gets them.
  t.equal((await engine.post('/api/metrics', { metric_name: 'last', value: 0, timestamp: systemClock.now() + 59_000 })).status, 202);
  const written = (): { metric: string; value: number }[] => readFileSync(join(folder, 'out.ndjson'), 'utf8').split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { metric: string; value: number }]));
  await until(() => written().length >= LETTERS);
  t.same(await engine.end('SIGTERM'), { code: 0, signal: null }, { log: engine.stdout });
  const values = written().filter(({ metric }) => metric === 'm').map(({ value }) => value);
  t.same(values.sort((a, b) => a - b), Array.from({ length: LETTERS }, (_, i) => i + 1), 'each once');
});
