import type { Time } from '../../engine/clock.js';
import { FRAME_ROWS, MAX_SERIES, SNAPSHOT_ROWS } from './limits.js';
import type { ClientPosition, Filter } from './protocol.js';
import type { Ring, RowRings } from './row-rings.js';

/** Rows as they are sent: series that are announced, and rows as JSON. */
interface Frame {
  announced: string[];
  rows: string[];
}

/** One subscription to rows: which series it has announced, and how far it has sent. Makes frames, knows no socket. */
export class RowSubscription {
  readonly id: string;
  private readonly rings: RowRings;
  private readonly epoch: string;
  private readonly filter: Filter;
  /** Index of each series that is followed. */
  private readonly indices = new Map<Ring, number>();
  private nextIndex = 0;
  /** Series with an index that the client has not been told. */
  private readonly unannounced = new Set<Ring>();
  private gone: number[] = [];
  private sent = 0;
  /** Rows of the next frame, past which it is coalesced: more for the frame that makes up for an absence. */
  private most = FRAME_ROWS;

  constructor(id: string, filter: Filter, rings: RowRings, epoch: string) {
    this.id = id;
    this.filter = filter;
    this.rings = rings;
    this.epoch = epoch;
  }

  /** Where it begins: after `from` where nothing since is lost, else at the newest row. */
  start(from: ClientPosition | undefined): { resumed: boolean; epoch: string; offset: number } {
    const { rings, epoch } = this;
    const resumed = from !== undefined && from.epoch === epoch && from.offset <= rings.offset && from.offset >= this.lostAt();
    this.sent = resumed ? from.offset : rings.offset;
    if (resumed) this.most = SNAPSHOT_ROWS;
    return { resumed, epoch, offset: this.sent };
  }

  /** The recent rows of all series that match, in frames; those not touched since `since` (by the clock) have nothing to draw. */
  snapshot(history: number, since: Time): string[] {
    const matching: Ring[] = [];
    let omitted = 0;
    for (let ring = this.rings.head; ring !== undefined && ring.touched >= since; ring = ring.older) {
      if (this.index(ring) >= 0) matching.push(ring);
      else if (this.lets(ring)) omitted += 1;
    }
    // Indices in an order that a person finds again.
    matching.sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : a.text < b.text ? -1 : 1));
    this.nextIndex = 0;
    for (const ring of matching) this.indices.set(ring, this.nextIndex++);
    const most = Math.max(1, Math.floor(SNAPSHOT_ROWS / Math.max(1, matching.length)));
    const frames: Frame[] = [{ announced: [], rows: [] }];
    for (const ring of matching) {
      if (frames.at(-1)!.rows.length >= FRAME_ROWS) frames.push({ announced: [], rows: [] });
      const frame = frames.at(-1)!;
      frame.announced.push(this.announce(ring));
      for (let i = Math.max(0, ring.length - most); i < ring.length; i++) {
        if (ring.data[ring.at(i) + 1]! >= ring.newestTime - history) frame.rows.push(this.row(ring, i));
      }
    }
    const left = omitted === 0 ? '' : `,"omitted":${omitted}`;
    return frames.map(({ announced, rows }, at) => `${this.opening('snapshot')},"series":[${announced.join()}],"rows":[${rows.join()}]${left}${at < frames.length - 1 ? ',"more":true' : ''}}`);
  }

  /**
   * All rows since the frame before; undefined where there are none. `coalesce`: only the newest of each series. `among`: the
   * series that may have some, oldest row first; else all are looked at.
   */
  next(coalesce: boolean, among: readonly Ring[] = this.touched()): string | undefined {
    const changed: Ring[] = [];
    let count = 0;
    let lost = false;
    for (const ring of among) {
      if (ring.newest <= this.sent) continue;
      const known = this.indices.has(ring);
      if (!known && !this.lets(ring)) continue;
      changed.push(ring);
      count += ring.length - ring.after(this.sent);
      if (known && ring.lost > this.sent) lost = true;
    }
    const shorten = coalesce || count > this.most;
    this.most = FRAME_ROWS;
    const frame: Frame = { announced: [], rows: [] };
    for (const ring of changed) {
      if (this.index(ring) < 0) continue;
      if (this.unannounced.delete(ring)) frame.announced.push(this.announce(ring));
      for (let i = shorten ? ring.length - 1 : ring.after(this.sent); i < ring.length; i++) frame.rows.push(this.row(ring, i));
    }
    this.sent = this.rings.offset;
    const { gone } = this;
    this.gone = [];
    if (frame.rows.length === 0 && gone.length === 0) return undefined;
    const parts = [this.opening('message')];
    if (frame.announced.length > 0) parts.push(`"series":[${frame.announced.join()}]`);
    parts.push(`"rows":[${frame.rows.join()}]`);
    if (gone.length > 0) parts.push(`"gone":[${gone.join()}]`);
    if (shorten || lost) parts.push('"coalesced":true');
    return `${parts.join()}}`;
  }

  /** Series with rows since the frame before, oldest row first. */
  private touched(): Ring[] {
    const rings: Ring[] = [];
    for (let ring = this.rings.head; ring !== undefined && ring.newest > this.sent; ring = ring.older) rings.push(ring);
    return rings.reverse();
  }

  /** The sink has given up a series. */
  forget(ring: Ring): void {
    const index = this.indices.get(ring);
    if (index === undefined) return;
    this.indices.delete(ring);
    if (!this.unannounced.delete(ring)) this.gone.push(index);
  }

  /** The index of a series, given when it is first seen; -1 where it does not match or is one too many. */
  private index(ring: Ring): number {
    const index = this.indices.get(ring);
    if (index !== undefined) return index;
    if (this.indices.size >= MAX_SERIES || !this.lets(ring)) return -1;
    this.indices.set(ring, this.nextIndex);
    this.unannounced.add(ring);
    this.nextIndex += 1;
    return this.nextIndex - 1;
  }

  private lets(ring: Ring): boolean {
    return this.filter.matches(ring.node, ring.series.name, ring.series.labels);
  }

  private lostAt(): number {
    let { lost } = this.rings;
    for (const ring of this.rings.of(undefined)) {
      if (ring.lost > lost && this.lets(ring)) lost = ring.lost;
    }
    return lost;
  }

  private announce(ring: Ring): string {
    this.unannounced.delete(ring);
    const { name, labels } = ring.series;
    return JSON.stringify({ index: this.indices.get(ring)!, node: ring.node, metric_name: name, labels, columns: ring.columns });
  }

  private row(ring: Ring, i: number): string {
    const at = ring.at(i);
    let text = `[${this.indices.get(ring)!}`;
    for (let k = at + 1; k < at + ring.stride; k++) {
      const value = ring.data[k]!;
      text += Number.isFinite(value) ? `,${value}` : ',null';
    }
    return `${text}]`;
  }

  private opening(type: string): string {
    return `{"type":"${type}","id":${JSON.stringify(this.id)},"epoch":"${this.epoch}","offset":${this.sent}`;
  }
}
