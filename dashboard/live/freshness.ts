import { signal } from '@preact/signals';
import type { Link } from './connection.js';

/**
 * fresh: rows come as usual; quiet: connected, but no rows for longer than usual (the sources may be idle);
 * stale: not connected, so that nothing on the page can be trusted to be so still.
 */
export type Freshness =
  | { readonly state: 'waiting' }
  | { readonly state: 'fresh' }
  | { readonly state: 'quiet' | 'stale'; readonly since: number };

/** A lost connection is told only after this: most come back at once. */
const GRACE_MS = 2_000;
/** Rows are missed after this, or after several times their usual interval. */
const QUIET_MS = 8_000;
const USUAL_TIMES = 5;

/** Knows how old what the page shows is. */
export class FreshnessWatch {
  readonly freshness = signal<Freshness>({ state: 'waiting' });
  private lastRows: number | undefined;
  private usual = 0;

  /** Rows have come. @param now the page's clock */
  rows(now: number): void {
    if (this.lastRows !== undefined) this.usual += (Math.min(now - this.lastRows, 60_000) - this.usual) / 8;
    this.lastRows = now;
    if (this.freshness.peek().state !== 'fresh') this.freshness.value = { state: 'fresh' };
  }

  /** To be called every second. */
  look(now: number, link: Link): void {
    const next = this.judge(now, link);
    const before = this.freshness.peek();
    if (next.state !== before.state) this.freshness.value = next;
  }

  private judge(now: number, link: Link): Freshness {
    if (link.state === 'reconnecting' && now - link.since >= GRACE_MS) return { state: 'stale', since: Math.min(link.since, this.lastRows ?? link.since) };
    if (this.lastRows === undefined) return { state: 'waiting' };
    if (now - this.lastRows >= Math.max(QUIET_MS, USUAL_TIMES * this.usual)) return { state: 'quiet', since: this.lastRows };
    return link.state === 'reconnecting' ? this.freshness.peek() : { state: 'fresh' };
  }
}
