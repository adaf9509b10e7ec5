import { Sender } from '@questdb/nodejs-client';
import { createTable, withStore, type Store } from '../../questdb/store.js';
import { T0 } from '../../samples.js';
import { runJobs, type Job, type Told } from '../job.js';

/** Rows of a request: where more gave no more. */
const REQUEST_ROWS = 50_000;

await runJobs('questdb-client', (job) => withStore(job, (store) => send(store, job)), ['@questdb/nodejs-client']);

async function send(store: Store, { samples, series }: Job): Promise<Told> {
  const table = `${store.prefix}samples`;
  await createTable(store, table);
  // The names of `generate`, and one label as a column beside them.
  const names = Array.from({ length: series }, (_, s) => `s{key="${s}"}`);
  const sender = await Sender.fromConfig(`http::addr=${new URL(store.url).host};protocol_version=2;auto_flush=off;init_buf_size=16777216`);
  const before = process.cpuUsage();
  const began = performance.now();
  let sending: Promise<unknown> = Promise.resolve();
  for (let i = 0; i < samples; i++) {
    const s = i % series;
    const h = Math.imul(i, 2654435761) >>> 0;
    const time = T0 + Math.floor(i / series) * 1000 - (h % 20 === 0 ? 1000 * (1 + ((i >>> 3) % 5)) : 0);
    // It resolves at once where nothing is flushed, and must not be waited for by each row.
    void sender.table(table).symbol('series', names[s]).symbol('key', s).floatColumn('value', (h % 1000) / 10).at(time, 'ms');
    if ((i + 1) % REQUEST_ROWS !== 0) continue;
    // Of two rows with one key the later one must be the last: one request at a time.
    await sending;
    sending = sender.flush();
  }
  await sending;
  await sender.flush();
  const accepted = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const check = await store.visible(table);
  const seconds = (performance.now() - began) / 1000;
  await sender.close();
  return { seconds, check, further: { accepted_rows_per_second: samples / accepted, rows_per_core_second: samples / ((user + system) / 1e6) } };
}
