import type { Batch } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import type { LocalSource, Position } from '../../engine/connector.js';
import type { Series } from '../../engine/series.js';
import { watermarkAfter, type Shape } from './shape.js';

/**
 * A shape read on the shards that own its series. A partition's position is the number of its samples
 * given, which determines its step: so partitions can be at different steps after they have moved, and
 * those that are behind are read first.
 */
export class LocalShape implements LocalSource {
  readonly #makeSeries: () => readonly Series[];
  readonly #shape: Shape;
  /** Own series and their slots, by partition and then by series: partition p has `[#first[p], #first[p + 1])`. */
  #own = new Uint32Array(0);
  #slots = new Uint32Array(0);
  #partitions: number[] = [];
  #first: number[] = [0];
  /** By partition: the step at hand, and how many samples of it are given. */
  #step = new Float64Array(0);
  #given = new Uint32Array(0);
  /** The lowest step, and the first partition that may have samples of it left. */
  #current = Infinity;
  #cursor = 0;

  /** `makeSeries`: called where they are asked for, which is not on a shard. */
  constructor(makeSeries: () => readonly Series[], shape: Shape) {
    this.#makeSeries = makeSeries;
    this.#shape = shape;
  }

  get series(): readonly Series[] {
    return this.#makeSeries();
  }

  open(index: Uint32Array, slot: Uint32Array, partition: Uint32Array, from: ReadonlyMap<number, Position>): void {
    const order = Uint32Array.from(index.keys()).sort((a, b) => partition[a]! - partition[b]! || index[a]! - index[b]!);
    this.#own = order.map((i) => index[i]!);
    this.#slots = order.map((i) => slot[i]!);
    this.#partitions = [];
    this.#first = [];
    for (const [at, i] of order.entries()) {
      if (this.#partitions.at(-1) === partition[i]) continue;
      this.#partitions.push(partition[i]!);
      this.#first.push(at);
    }
    this.#first.push(order.length);
    this.#step = new Float64Array(this.#partitions.length);
    this.#given = new Uint32Array(this.#partitions.length);
    for (const [p, number] of this.#partitions.entries()) {
      const given = (from.get(number) as number | undefined) ?? 0;
      const size = this.#first[p + 1]! - this.#first[p]!;
      this.#step[p] = Math.floor(given / size);
      this.#given[p] = given % size;
    }
    this.#next();
  }

  fill(batch: Batch): Time | 'ended' {
    batch.length = 0;
    while (this.#current !== Infinity) {
      this.#fillStep(batch);
      if (batch.length > 0) return watermarkAfter(this.#shape, this.#current - 1);
      this.#next();
    }
    return 'ended';
  }

  positions(): ReadonlyMap<number, Position> {
    return new Map(this.#partitions.map((number, p) => [number, this.#step[p]! * (this.#first[p + 1]! - this.#first[p]!) + this.#given[p]!]));
  }

  /** Rows of the current step, as many as there is room for; of partitions that follow each other in one go. */
  #fillStep(batch: Batch): void {
    const room = batch.time.length;
    while (this.#cursor < this.#partitions.length && batch.length < room) {
      const from = this.#first[this.#cursor]! + this.#given[this.#cursor]!;
      const to = this.#give(from, from + room - batch.length);
      if (to === from) continue;
      this.#shape.fill(this.#current, this.#own, from, to, batch.time, batch.value, batch.length);
      batch.slot.set(this.#slots.subarray(from, to), batch.length);
      batch.length += to - from;
    }
  }

  /** Gives the rows from `from` on, those of the partition at the cursor, up to `limit` at most; returns where they end, with the cursor at the partition that goes on. */
  #give(from: number, limit: number): number {
    const { series, count } = this.#shape;
    const sampleBase = this.#current * series;
    for (let to = from; ; ) {
      const p = this.#cursor;
      const next = this.#first[p + 1]!;
      let end = this.#step[p] === this.#current ? next : to;
      // In the last step the series from some number on have no sample.
      if (sampleBase + series > count) while (end > to && sampleBase + this.#own[end - 1]! >= count) end -= 1;
      const given = Math.min(end, limit) - to;
      to += given;
      this.#given[p]! += given;
      if (to < end) return to;
      this.#cursor += 1;
      if (to < next) return to;
      this.#step[p]! += 1;
      this.#given[p] = 0;
      // One that has moved here may be in the middle of a step.
      if (to === limit || this.#cursor === this.#partitions.length || this.#given[this.#cursor] !== 0) return to;
    }
  }

  /** Turns to the lowest step of a partition that has samples left. */
  #next(): void {
    this.#current = Infinity;
    this.#cursor = 0;
    for (let p = 0; p < this.#partitions.length; p++) {
      const next = this.#step[p]! * this.#shape.series + this.#own[this.#first[p]! + this.#given[p]!]!;
      if (next < this.#shape.count) this.#current = Math.min(this.#current, this.#step[p]!);
    }
  }
}
