import { signal } from '@preact/signals';
import type { Receiver } from '../live/connection.js';
import type { Announced, Delivery } from '../live/protocol.js';
import { seriesKey } from './series-key.js';
import { Track } from './track.js';

/** Five minutes at two rows a second. */
const LIVE_ROWS = 600;

/** One series at one node of the graph. */
export interface Series {
  /** Of the series, also in findings: the same at every node. */
  readonly key: string;
  readonly node: string;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  /** Columns of a track, -1 where there is none: the band in which values are expected. */
  readonly lower: number;
  readonly upper: number;
  /** The newest rows as they came. */
  readonly live: Track;
  /** The past beyond them, averaged, while a longer range is shown. */
  long: Track | undefined;
}

/** All series that the server sends, and their rows. */
export class SeriesStore implements Receiver {
  /** Grows when series come or go. */
  readonly version = signal(0);
  /** Times of the newest row, and of the oldest that came live. */
  newest = -Infinity;
  oldest = Infinity;
  /** How many snapshots have replaced the live rows. */
  snapshots = 0;
  private readonly series = new Map<string, Series>();
  private byIndex: (Series | undefined)[] = [];
  private unnamed = new Set<string>();
  private readonly onRows: (changed: ReadonlySet<Series>) => void;

  /** @param onRows called once a message with the series that have new rows */
  constructor(onRows: (changed: ReadonlySet<Series>) => void) {
    this.onRows = onRows;
  }

  all(): IterableIterator<Series> {
    return this.series.values();
  }

  at(node: string, key: string): Series | undefined {
    return this.series.get(`${node} ${key}`);
  }

  restart(): void {
    this.byIndex = [];
    this.unnamed = new Set(this.series.keys());
  }

  resume(): void {
    this.byIndex = [];
  }

  settled(): void {
    this.snapshots += 1;
    if (this.unnamed.size === 0) return;
    for (const id of this.unnamed) this.series.delete(id);
    this.unnamed.clear();
    this.version.value += 1;
  }

  take({ type, series = [], rows = [], gone = [] }: Delivery): void {
    let listed = false;
    for (const announced of series) if (this.announce(announced, type === 'snapshot')) listed = true;
    const changed = new Set<Series>();
    for (const row of rows) {
      const found = this.byIndex[row[0]!];
      const time = row[1];
      if (found === undefined || time === null || time === undefined) continue;
      found.live.push(time, row, 2);
      found.long?.push(time, row, 2);
      if (time > this.newest) this.newest = time;
      if (time < this.oldest) this.oldest = time;
      changed.add(found);
    }
    for (const index of gone) {
      const found = this.byIndex[index];
      if (found === undefined) continue;
      this.byIndex[index] = undefined;
      this.series.delete(`${found.node} ${found.key}`);
      listed = true;
    }
    if (listed) this.version.value += 1;
    if (changed.size > 0) this.onRows(changed);
  }

  /** Rows from before the oldest that came live. */
  complete(series: Series, rows: readonly (readonly (number | null)[])[]): void {
    series.live.prepend(rows);
    if (series.live.length > 0) this.oldest = Math.min(this.oldest, series.live.time(0));
  }

  /** Whether the list of series changed. */
  private announce({ index, node, metric_name, labels, columns }: Announced, fresh: boolean): boolean {
    const key = seriesKey(metric_name, labels);
    const id = `${node} ${key}`;
    this.unnamed.delete(id);
    const known = this.series.get(id);
    if (known !== undefined && known.columns.join() === columns.join()) {
      if (fresh) known.live.clear();
      this.byIndex[index] = known;
      return false;
    }
    const made: Series = {
      key,
      node,
      metric: metric_name,
      labels,
      columns,
      lower: columns.indexOf('lower') + 1 || -1,
      upper: columns.indexOf('upper') + 1 || -1,
      live: new Track(1 + columns.length, LIVE_ROWS),
      long: undefined,
    };
    this.series.set(id, made);
    this.byIndex[index] = made;
    return true;
  }
}
