import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { createTable, withStore, type Store } from '../../questdb/store.js';
import { T0 } from '../../samples.js';
import { runJobs, type Job, type Told } from '../job.js';

/** Rows of a request, as Millrace sends them where so many wait: where more gave little more. */
const REQUEST_ROWS = 200_000;

await runJobs('questdb-posts', (job) => withStore(job, (store) => post(store, job)));

async function post(store: Store, job: Job): Promise<Told> {
  const { samples } = job;
  const table = `${store.prefix}samples`;
  await createTable(store, table);
  const agent = new Agent({ keepAlive: true });
  const bodies = [...encoded(job, table)];
  const before = process.cpuUsage();
  const began = performance.now();
  for (const body of bodies) {
    const asked = request(new URL('/write', store.url), { method: 'POST', agent, headers: { 'content-length': body.length } });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    if (answer.statusCode !== 204) throw new Error(`QuestDB answers ${answer.statusCode}`);
    await once(answer.resume(), 'end');
  }
  const accepted = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const check = await store.visible(table);
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  return { seconds, check, further: { accepted_rows_per_second: samples / accepted, rows_per_core_second: samples / ((user + system) / 1e6) } };
}

/** Lines with doubles in binary: `==`, 16, eight bytes (version 2 of QuestDB's line protocol). */
function* encoded({ samples, series }: Job, table: string): Generator<Uint8Array> {
  const heads = Array.from({ length: series }, (_, s) => Buffer.from(`${table},series=s{key\\="${s}"},key=${s} value==\x10`, 'latin1'));
  const bytes = Buffer.alloc(REQUEST_ROWS * 96);
  let at = 0;
  for (let i = 0; i < samples; i++) {
    const h = Math.imul(i, 2654435761) >>> 0;
    const time = T0 + Math.floor(i / series) * 1000 - (h % 20 === 0 ? 1000 * (1 + ((i >>> 3) % 5)) : 0);
    const head = heads[i % series]!;
    bytes.set(head, at);
    at = bytes.writeDoubleLE((h % 1000) / 10, at + head.length);
    at += bytes.write(` ${time}000t\n`, at, 'latin1');
    if ((i + 1) % REQUEST_ROWS !== 0 && i + 1 < samples) continue;
    yield Uint8Array.from(bytes.subarray(0, at));
    at = 0;
  }
}
