import type { Engine } from '../../engine.js';
import { storeMissing } from '../../questdb/store.js';

const main = new URL('main.js', import.meta.url).pathname;

/** What the server takes at most on this machine: whoever makes the bytes in the same time has less of it left. */
const posts: Engine = {
  name: 'questdb-posts',
  title: 'QuestDB alone: the bytes of all rows made before, posted by hand, 200,000 rows a request, one request at a time',
  runs: { questdb: { threads: [1] } },
  toolchain: 'Java',
  prepare: async () => (await storeMissing()) ?? { command: process.execPath, args: [main] },
};

export const engines: readonly Engine[] = [posts];
