import type { Logger } from 'pino';
import type { LatestRow } from '../engine/board.js';
import type { Clock, Time } from '../engine/clock.js';
import type { History, HistoryRow } from '../engine/connector.js';
import type { Finding, FindingKind } from '../engine/finding.js';
import { HttpError } from '../engine/routes.js';
import { ANSWER_FINDINGS, ANSWER_ROWS } from './limits.js';
import type { RuntimeView } from './runtime-view.js';

/** How far back a store is asked for the latest state where no live sink keeps it, ms. */
const LATEST_WITHIN_MS = 30 * 86_400_000;

type FindingQuery = Parameters<History['findings']>[0];
type RowQuery = Parameters<History['rows']>[0];

/** Reads rows and findings of the running graph: from its stores, and from the memory of its live sinks. A store that fails is logged and left out. */
export class Reader {
  readonly clock: Clock;
  private readonly log: Logger;
  private readonly current: () => RuntimeView | undefined;

  constructor(current: () => RuntimeView | undefined, clock: Clock, log: Logger) {
    this.current = current;
    this.clock = clock;
    this.log = log;
  }

  /** Throws 503 while there is no graph yet. */
  get view(): RuntimeView {
    const view = this.current();
    if (view === undefined) throw new HttpError(503, 'Service Unavailable', 'The graph is starting; ask again in a moment.', { headers: { 'retry-after': '1' } });
    return view;
  }

  /** Highest revisions, newest first: of the stores, and of live sinks, which know what has not reached a store yet. */
  async findings(query: FindingQuery): Promise<Finding[]> {
    const best = new Map<string, Finding>();
    for (const history of [...this.view.histories(), ...this.view.boards().map((board) => board.history)]) {
      for (const finding of (await this.attempt(() => history.findings(query))) ?? []) {
        if ((best.get(finding.id)?.revision ?? 0) < finding.revision) best.set(finding.id, finding);
      }
    }
    return [...best.values()].sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? -1 : 1)).slice(0, query.limit);
  }

  /** Findings that are open now, oldest first. */
  async open(kind: FindingKind): Promise<Finding[]> {
    const boards = this.view.boards();
    if (boards.length > 0) return [...new Map(boards.flatMap((board) => board.open(kind)).map((finding) => [finding.id, finding])).values()];
    const now = this.clock.now();
    const found = await this.findings({ kind, from: now - LATEST_WITHIN_MS, to: now, limit: ANSWER_FINDINGS });
    return found.filter((finding) => finding.state !== 'closed').reverse();
  }

  /** The newest row of each series of a node. */
  async latest(node: string): Promise<LatestRow[]> {
    const boards = this.view.boards();
    const rows = boards.flatMap((board) => board.latest({ node, limit: ANSWER_ROWS }));
    if (rows.length > 0) return rows;
    const now = this.clock.now();
    const newest = new Map<string, LatestRow>();
    for (const row of await this.rows({ node, from: now - LATEST_WITHIN_MS, to: now, limit: ANSWER_ROWS })) newest.set(row.series, { node, ...row });
    return [...newest.values()];
  }

  /** Rows of a node by time: of the first store that holds the node, else of a live sink. */
  async rows(query: RowQuery): Promise<readonly HistoryRow[]> {
    for (const history of [...this.view.histories(), ...this.view.boards().map((board) => board.history)]) {
      const nodes = (await this.attempt(() => history.nodes())) ?? [];
      const rows = nodes.includes(query.node) ? await this.attempt(() => history.rows(query)) : undefined;
      if (rows !== undefined) return rows;
    }
    return [];
  }

  private async attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.log.warn({ err: error }, 'a store cannot be read');
      return undefined;
    }
  }
}

export const iso = (time: Time) => new Date(time).toISOString();
