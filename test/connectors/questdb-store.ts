import { setTimeout as sleep } from 'node:timers/promises';
import { questdbSink } from '../../connectors/questdb/sink.js';
import type { ConnectorContext, Sink } from '../../engine/connector.js';
import { stage, type Stage } from './stage.js';
import { NODES } from './store-conformance.js';

/** Where a QuestDB is. */
export interface Address {
  readonly url: string;
  readonly postgres: string;
}

/** A QuestDB sink with its spool in a folder, for times since 1970, and what it tells. */
export function questdbStore({ url, postgres }: Address, folder: string, config: Record<string, unknown> = {}, given: Partial<ConnectorContext> = {}): { sink: Sink; on: Stage } {
  const on = stage(folder, { node: 'history', inputs: NODES, ...given });
  // Whatever is done once in a while is due each time.
  let passed = 0;
  on.clock.elapsed = () => (passed += 60_000);
  return { sink: questdbSink.create(questdbSink.config.parse({ url, postgres, retention: 'forever', ...config }), on.context), on };
}

/** Rows of a query over HTTP. */
export async function sql(url: string, query: string, headers: Record<string, string> = {}): Promise<unknown[][]> {
  const answer = (await (await fetch(`${url}/exec?query=${encodeURIComponent(query)}`, { headers })).json()) as { dataset?: unknown[][]; error?: string };
  if (answer.error !== undefined) throw new Error(`${query}: ${answer.error}`);
  return answer.dataset ?? [];
}

/** Resolves when QuestDB shows all that it has answered for. */
export async function applied(url: string): Promise<void> {
  while ((await sql(url, 'SELECT name FROM wal_tables() WHERE writerTxn <> sequencerTxn')).length > 0) await sleep(10);
}

/** Resolves when all that was written to a sink can be read. */
export async function settled(url: string, sink: Sink): Promise<void> {
  await sink.advance!(Infinity);
  await applied(url);
}
