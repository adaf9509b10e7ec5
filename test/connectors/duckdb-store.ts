import { pino } from 'pino';
import { duckdbSink } from '../../connectors/duckdb/sink.js';
import type { ConnectorContext, Sink } from '../../engine/connector.js';

/** A DuckDB sink whose file is `history.duckdb` in a folder. */
export function duckdbStore(folder: string, config: Record<string, unknown> = {}, warn: (line: string) => void = () => {}): Sink {
  const context: ConnectorContext = {
    node: 'history',
    clock: { now: () => 0, elapsed: () => 0 },
    random: () => 0.5,
    log: pino({ level: 'warn' }, { write: warn }),
    routes: undefined,
    folder,
    base: folder,
    replay: false,
    deadLetter: () => {},
    count: () => {},
  };
  return duckdbSink.create(duckdbSink.config.parse({ path: 'history.duckdb', ...config }), context);
}
