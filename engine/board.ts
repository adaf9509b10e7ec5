import type { History, HistoryRow } from './connector.js';
import type { Finding, FindingKind } from './finding.js';

/** The latest state, in memory: what a `live` sink keeps for the API beside what it sends to subscribers. */
export interface Board {
  /** The newest row of each series, most recently updated first. */
  latest(query: { readonly node?: string; readonly metric?: string; readonly limit: number }): readonly LatestRow[];
  /** Findings that are open, oldest first. */
  open(kind: FindingKind): readonly Finding[];
  /** The recent past, as far as it is retained. */
  readonly history: History;
}

export interface LatestRow extends HistoryRow {
  readonly node: string;
}
