import type { Batch } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import type { Names } from '../../engine/operator.js';
import type { Series } from '../../engine/series.js';
import { FIRST_RING_ROWS, RING_ROWS } from './limits.js';

/** The recent rows of one series of one node. A row is `stride` numbers: offset, time, value, columns. */
export class Ring {
  readonly node: string;
  readonly text: string;
  readonly series: Series;
  readonly columns: readonly string[];
  readonly stride: number;
  data: Float64Array;
  length = 0;
  /** Row that is the oldest. */
  private start = 0;
  /** Offset of the newest row, and of the newest that was overwritten. */
  newest = 0;
  lost = 0;
  newestTime: Time = -Infinity;
  /** By the clock, when its last row came. */
  touched: Time = 0;
  /** Neighbours by `newest`. */
  older: Ring | undefined;
  newer: Ring | undefined;

  constructor(node: string, text: string, series: Series, columns: readonly string[]) {
    this.node = node;
    this.text = text;
    this.series = series;
    this.columns = columns;
    this.stride = 3 + columns.length;
    this.data = new Float64Array(FIRST_RING_ROWS * this.stride);
  }

  get capacity(): number {
    return this.data.length / this.stride;
  }

  /** Index in `data` of row `i`, 0 the oldest. */
  at(i: number): number {
    return ((this.start + i) % this.capacity) * this.stride;
  }

  /** The first row with an offset above this; `length` where there is none. */
  after(offset: number): number {
    let i = this.length;
    while (i > 0 && this.data[this.at(i - 1)]! > offset) i -= 1;
    return i;
  }

  push(offset: number, batch: Batch, row: number): void {
    if (this.length === this.capacity) {
      this.lost = this.data[this.at(0)]!;
      this.start = (this.start + 1) % this.capacity;
      this.length -= 1;
    }
    const { data } = this;
    const at = this.at(this.length);
    const time = batch.time[row]!;
    data[at] = offset;
    data[at + 1] = time;
    data[at + 2] = batch.value[row]!;
    for (let c = 0; c < this.columns.length; c++) data[at + 3 + c] = batch.columns[this.columns[c]!]![row]!;
    this.length += 1;
    this.newest = offset;
    if (time > this.newestTime) this.newestTime = time;
  }

  /** Makes room for twice the rows. */
  grow(): void {
    const grown = new Float64Array(this.data.length * 2);
    for (let i = 0; i < this.length; i++) {
      const at = this.at(i);
      grown.set(this.data.subarray(at, at + this.stride), i * this.stride);
    }
    this.data = grown;
    this.start = 0;
  }
}

/**
 * The recent rows of all series that the sink reads, within a budget of bytes: a ring doubles while there
 * is room; a new series, when there is none, takes the place of the one that was silent the longest.
 */
export class RowRings {
  /** Of the newest row; the first row has 1. */
  offset = 0;
  /** Newest offset of a series that was given up. */
  lost = 0;
  /** By `newest`, the newest first; follow `older`. */
  head: Ring | undefined;
  private tail: Ring | undefined;
  private readonly byNode = new Map<string, Map<string, Ring>>();
  private size = 0;
  private bytes = 0;
  private readonly maxSeries: number;
  private readonly budget: number;
  private readonly onRow: (ring: Ring) => void;
  private readonly onForget: (ring: Ring) => void;

  constructor(options: { maxSeries: number; budget: number; onRow?: (ring: Ring) => void; onForget: (ring: Ring) => void }) {
    this.maxSeries = options.maxSeries;
    this.budget = options.budget;
    this.onRow = options.onRow ?? (() => {});
    this.onForget = options.onForget;
  }

  add(node: string, batch: Batch, names: Names, now: Time): void {
    let rings = this.byNode.get(node);
    if (rings === undefined) {
      rings = new Map();
      this.byNode.set(node, rings);
    }
    for (let row = 0; row < batch.length; row++) {
      const slot = batch.slot[row]!;
      // By text and not by slot: a slot is used again for another series.
      const text = names.text(slot);
      const ring = rings.get(text) ?? this.open(rings, node, text, names.series(slot), Object.keys(batch.columns));
      if (ring.length === ring.capacity && ring.capacity < RING_ROWS && this.bytes + ring.data.byteLength <= this.budget) {
        this.bytes += ring.data.byteLength;
        ring.grow();
      }
      this.offset += 1;
      ring.push(this.offset, batch, row);
      ring.touched = now;
      if (this.head !== ring) this.toFront(ring);
      this.onRow(ring);
    }
  }

  /** Rings of one node, or of all. */
  *of(node: string | undefined): Iterable<Ring> {
    if (node !== undefined) yield* this.byNode.get(node)?.values() ?? [];
    else for (const rings of this.byNode.values()) yield* rings.values();
  }

  get nodes(): readonly string[] {
    return [...this.byNode.keys()];
  }

  private open(rings: Map<string, Ring>, node: string, text: string, series: Series, columns: readonly string[]): Ring {
    const ring = new Ring(node, text, series, columns);
    while (this.tail !== undefined && (this.size >= this.maxSeries || this.bytes + ring.data.byteLength > this.budget)) this.forget(this.tail);
    rings.set(text, ring);
    this.size += 1;
    this.bytes += ring.data.byteLength;
    return ring;
  }

  private forget(ring: Ring): void {
    this.unlink(ring);
    this.byNode.get(ring.node)!.delete(ring.text);
    this.size -= 1;
    this.bytes -= ring.data.byteLength;
    this.lost = Math.max(this.lost, ring.newest);
    this.onForget(ring);
  }

  private toFront(ring: Ring): void {
    this.unlink(ring);
    ring.older = this.head;
    if (this.head !== undefined) this.head.newer = ring;
    this.head = ring;
    this.tail ??= ring;
  }

  private unlink(ring: Ring): void {
    if (ring.newer !== undefined) ring.newer.older = ring.older;
    if (ring.older !== undefined) ring.older.newer = ring.newer;
    if (this.head === ring) this.head = ring.older;
    if (this.tail === ring) this.tail = ring.newer;
    ring.newer = ring.older = undefined;
  }
}
