import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Sink } from '../../engine/connector.js';
import { columnName } from '../../connectors/questdb/names.js';
import { questdb, serversNeeded } from '../services/in-tests.js';
import { questdbStore, settled } from './questdb-store.js';
import { storeConformance } from './store-conformance.js';

const needed = await serversNeeded('questdb');

await t.test('as every store', needed, async (t) => {
  const root = t.testdir();
  const server = await questdb(t, { env: { QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false', QDB_LINE_AUTO_CREATE_NEW_COLUMNS: 'false' } });
  let stores = 0;
  for (const [encoder, runs] of [
    ['client', 2],
    ['binary', 3],
  ] as const) {
    const traits = { settled: (sink: Sink) => settled(server.url, sink), forgets: false, column: columnName, firstTime: 0, runs };
    await storeConformance(t, traits, async () => {
      const folder = await mkdtemp(join(root, 'store-'));
      const prefix = `store${(stores += 1)}_`;
      return () => questdbStore(server, folder, { prefix, encoder }).sink;
    });
  }
});
