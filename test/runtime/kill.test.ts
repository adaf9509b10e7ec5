import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import { difference, folder, linesOf } from './fixture.js';

/** Twenty hosts, a sample a second each, some late, some far off. */
function samples(seconds: number): string {
  const random = seeded(1);
  const lines = ['time,host,value'];
  for (let second = 0; second < seconds; second++) {
    for (let host = 0; host < 20; host++) {
      const time = Math.max(0, second * 1_000 - (random() < 0.05 ? Math.floor(random() * 15_000) : 0));
      const odd = second % 400 > 380 && host === Math.floor(second / 400) % 20 ? 300 : 0;
      lines.push(`${1_700_000_000_000 + time},h${host},${Math.round((Math.sin(second / 50 + host) + random()) * 1e4) / 1e2 + odd}`);
    }
  }
  return lines.join('\n');
}

const KILLS = 10;

const child = fileURLToPath(new URL('kill-child.js', import.meta.url));

/** When it is killed: `ms` after it has said this; at once when it never does. */
interface Moment {
  readonly said: RegExp;
  readonly ms: number;
}

/** Starts it. Resolves with what it said when it is over. */
async function life(at: string, moment?: Moment): Promise<{ readonly killed: boolean; readonly said: string }> {
  const running = spawn(process.execPath, [child, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (timer === undefined && moment?.said.test(said) === true) timer = setTimeout(() => running.kill('SIGKILL'), moment.ms);
  };
  look();
  running.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    look();
  });
  const [code] = (await once(running, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== null && code !== 0) throw new Error(`it ended with ${code}: ${said}`);
  return { killed: code === null, said };
}

/** Every table of the store, but the number of the checkpoint that a row came with. */
async function stored(at: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(join(at, 'store.duckdb'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson().map((row) => JSON.stringify(row));
  const rows: string[] = [];
  for (const table of (await read('SELECT rows FROM millrace_nodes ORDER BY 1')).map((row) => (JSON.parse(row) as string[])[0]!)) {
    rows.push(table, ...(await read(`SELECT s.series, r.* EXCLUDE (series, checkpoint) FROM "${table}" r JOIN millrace_series s ON s.id = r.series ORDER BY ALL`)));
  }
  rows.push(...(await read('SELECT * EXCLUDE (checkpoint) FROM millrace_findings ORDER BY ALL')));
  connection.closeSync();
  instance.closeSync();
  return rows;
}

await t.test('killed at ten random moments, store and file are as if it had not been', async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 59_244_293);
  t.comment(`MILLRACE_SEED=${seed}`);
  const random = seeded(seed);
  const at = folder(t);
  writeFileSync(join(at, 'in.csv'), samples(3_000));
  const place = (name: string): string => {
    mkdirSync(join(at, name));
    return join(at, name);
  };
  const calm = place('calm');
  const alone = await life(calm);
  t.notOk(alone.killed);
  const wanted = await stored(calm);
  t.ok(wanted.length > 6_000 && wanted.some((row) => row.includes('anomaly')), `${wanted.length} rows and findings`);

  const moment = (): Moment => {
    const which = random();
    if (which < 0.25) return { said: /^/, ms: random() * 600 };
    if (which < 0.5) return { said: /up/, ms: random() * 300 };
    // Just after a checkpoint, or in the middle of the next.
    return { said: which < 0.8 ? /saved/ : /saved.*\n.*saved/, ms: random() * 100 };
  };
  let kills = 0;
  let saved = 0;
  for (let ends = 0; kills < KILLS; ends++) {
    const hurt = place(`hurt-${ends}`);
    for (let over = false; !over; ) {
      const { killed, said } = await life(hurt, kills < KILLS ? moment() : undefined);
      t.notMatch(said, /complained/);
      if (said.includes('saved')) saved += 1;
      if (killed) kills += 1;
      over = !killed;
    }
    t.same(difference(await stored(hurt), wanted), undefined, `the store, after ${kills} kills`);
    t.same(difference(linesOf(join(hurt, 'out.ndjson')), linesOf(join(calm, 'out.ndjson'))), undefined, 'and the file');
  }
  t.ok(saved > 0, `${saved} lives came to a checkpoint`);
});
