import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { questdbService, type QuestdbOptions } from '../../test/services/questdb-server.js';
import { Server } from '../../test/services/server.js';
import { Unavailable } from '../../test/services/service.js';
import type { Check, Missing } from '../engine.js';
import type { Job } from '../peers/job.js';

const LOOK_MS = 2;
/** With fewer samples nothing is measured, but that it works is tried: QuestDB starts the quick way. */
const MEASURED = 100_000;

/** A real QuestDB. */
export interface Store {
  /** `http://127.0.0.1:19000`. */
  readonly url: string;
  /** Of the tables of this job, of which there is none yet. */
  readonly prefix: string;
  /** Resolves when QuestDB shows all that it has taken for a table, with what that adds up to. */
  visible(table: string): Promise<Check>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

/** Makes a table as the sink does, for the samples of `generate`. */
export async function createTable(store: Store, table: string): Promise<void> {
  await store.query(`CREATE TABLE ${table} (ts TIMESTAMP, series SYMBOL, value DOUBLE, key SYMBOL) TIMESTAMP(ts) PARTITION BY DAY WAL DEDUP UPSERT KEYS(ts, series)`);
}

let running: Promise<Omit<Store, 'prefix'>> | undefined;
let jobs = 0;

/**
 * Does a job with a store. All jobs of a process have the same server: as ours, its virtual machine has compiled its code by
 * the last of them. That one stops it. Each has tables of its own: a connection that knows a table that was dropped goes on
 * to write into it.
 */
export async function withStore<T>({ last, samples }: Job, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await (running ??= startStore(samples < MEASURED));
  let failed = true;
  try {
    const done = await run({ ...store, prefix: `job${(jobs += 1)}_` });
    failed = false;
    return done;
  } finally {
    if (last || failed) await store.close();
  }
}

/** In a folder that goes with it. It does not make tables of its own accord, and fsyncs no more than usual. */
async function startStore(brief: boolean): Promise<Omit<Store, 'prefix'>> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const server = await Server.start<QuestdbOptions>(questdbService, folder, { brief, env: { QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false', QDB_LINE_AUTO_CREATE_NEW_COLUMNS: 'false' } });
  const url = server.addresses['http']!;
  const query = async (sql: string): Promise<unknown[][]> => {
    const answer = (await (await fetch(`${url}/exec?query=${encodeURIComponent(sql)}`)).json()) as { dataset?: unknown[][]; error?: string };
    if (answer.error !== undefined) throw new Error(`${sql}: ${answer.error}`);
    return answer.dataset ?? [];
  };
  return {
    url,
    query,
    async visible(table) {
      while ((await query(`SELECT name FROM wal_tables() WHERE name = '${table}' AND writerTxn = sequencerTxn`)).length === 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const [[results, values]] = (await query(`SELECT count(), sum(value) FROM ${table}`)) as [[number, number]];
      return { results, values };
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Installs it where it is missing; undefined when it can be had. */
export async function storeMissing(): Promise<Missing | undefined> {
  try {
    await questdbService.find();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return { missing: error.message };
    throw error;
  }
}
