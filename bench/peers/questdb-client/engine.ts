import type { Engine } from '../../engine.js';
import { storeMissing } from '../../questdb/store.js';

const main = new URL('main.js', import.meta.url).pathname;

const client: Engine = {
  name: 'questdb-client',
  title: "QuestDB's client by hand: `Sender` over HTTP, doubles in binary, 50,000 rows a request, the next ones while it is answered; a failed request is lost",
  runs: { questdb: { threads: [1] } },
  toolchain: 'Java',
  prepare: async () => (await storeMissing()) ?? { command: process.execPath, args: [main] },
};

export const engines: readonly Engine[] = [client];
