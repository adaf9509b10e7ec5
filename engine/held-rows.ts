import { allocateBatch, appendRow, copyRow, restoreRow, saveRow, type Batch, type Row, type SavedRow } from './batch.js';
import type { Time } from './clock.js';
import { BATCH_ROWS, ROWS_HELD } from './limits.js';

interface HeldRow extends Row {
  readonly port: number;
  /** It goes when the node's watermark is at or beyond `from`, and before it is beyond `to`. */
  readonly from: Time;
  readonly to: Time;
}

/** As JSON. */
export type SavedHeldRow = SavedRow<HeldRow>;

/**
 * Rows that one input brings and that wait until the node has come as far by all of them: those older than their own sender's promise,
 * and those further ahead than the node has room for. Whether a row is too late is a matter of the promise that it broke, and whether it is
 * too early of its sender's: by where the other inputs happen to be, both would be a matter of speed. Later rows of its series
 * wait behind it. Past the bound nothing waits.
 */
export class HeldRows {
  #rows: HeldRow[] = [];
  /** By port and slot, from when on the last goes: those behind it go no sooner. */
  readonly #waiting = new Map<number, { from: Time; count: number }>();
  #from: Time = Infinity;
  #to: Time = Infinity;

  /** `columns`: names of the further columns by port. `lead`: how far rows may be ahead of the node's watermark, ms. */
  constructor(
    readonly columns: readonly (readonly string[])[],
    readonly lead: number,
  ) {}

  /** Some may go at this watermark. */
  isDue(watermark: Time): boolean {
    return this.#rows.length > 0 && this.#from <= watermark;
  }

  /** The furthest that the watermark may go before some have gone; Infinity: none wait. */
  get until(): Time {
    return this.#to;
  }

  /** Nothing more may wait. */
  get full(): boolean {
    return this.#rows.length >= ROWS_HELD;
  }

  /** Nothing of a batch has to wait: `promised` by its sender, and told by all inputs together. */
  lets(batch: Batch, promised: Time, watermark: Time): boolean {
    if (promised > watermark || this.#rows.length > 0) return false;
    if (this.lead === Infinity) return true;
    for (let i = 0; i < batch.length; i++) if (batch.time[i]! > watermark + this.lead) return false;
    return true;
  }

  /** Keeps what must wait of a batch; returns the rest, which may be the batch. */
  sift(batch: Batch, port: number, promised: Time, watermark: Time): Batch {
    const names = this.columns[port]!;
    const late = promised > watermark ? promised : -Infinity;
    const early = watermark + this.lead;
    let rest: Batch | undefined;
    for (let i = 0; i < batch.length; i++) {
      const time = batch.time[i]!;
      const waiting = this.#rows.length === 0 ? undefined : this.#waiting.get(keyOf(port, batch.slot[i]!));
      if (time >= late && time <= early && waiting === undefined) {
        if (rest !== undefined) copyRow(batch, i, rest, names);
        continue;
      }
      if (rest === undefined) {
        rest = allocateBatch(names, batch.length);
        for (let before = 0; before < i; before++) copyRow(batch, before, rest, names);
      }
      const from = time < late ? late : Math.max(time - this.lead, waiting?.from ?? -Infinity);
      this.#hold({ port, from, to: Math.max(from, time), time, slot: batch.slot[i]!, value: batch.value[i]!, flags: batch.flags[i]!, columns: names.map((name) => batch.columns[name]![i]!) });
    }
    return rest ?? batch;
  }

  #hold(row: HeldRow): void {
    this.#rows.push(row);
    const key = keyOf(row.port, row.slot);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, { from: row.from, count: 1 });
    else {
      waiting.from = row.from;
      waiting.count += 1;
    }
    this.#from = Math.min(this.#from, row.from);
    this.#to = Math.min(this.#to, row.to);
  }

  /** Some of the rows that go at a watermark, of one port, as they came; undefined: there are none. */
  take(watermark: Time): { readonly port: number; readonly batch: Batch } | undefined {
    if (!this.isDue(watermark)) return undefined;
    let port = Infinity;
    for (const row of this.#rows) if (row.from <= watermark && row.port < port) ({ port } = row);
    const names = this.columns[port]!;
    const batch = allocateBatch(names, BATCH_ROWS);
    const left: HeldRow[] = [];
    [this.#from, this.#to] = [Infinity, Infinity];
    for (const row of this.#rows) {
      if (row.from <= watermark && row.port === port && batch.length < BATCH_ROWS) {
        this.#give(row, batch, names);
        continue;
      }
      left.push(row);
      this.#from = Math.min(this.#from, row.from);
      this.#to = Math.min(this.#to, row.to);
    }
    this.#rows = left;
    return { port, batch };
  }

  #give(row: HeldRow, batch: Batch, names: readonly string[]): void {
    appendRow(batch, names, row);
    const key = keyOf(row.port, row.slot);
    const waiting = this.#waiting.get(key)!;
    if (--waiting.count === 0) this.#waiting.delete(key);
  }

  save(): readonly SavedHeldRow[] {
    return this.#rows.map(saveRow);
  }

  /** Call once for what each shard saved; `owns`: slots that are here now. */
  restore(saved: readonly SavedHeldRow[], owns: (slot: number) => boolean): void {
    for (const row of saved) if (owns(row.slot)) this.#hold(restoreRow(row));
  }
}

const keyOf = (port: number, slot: number): number => port * 2 ** 32 + slot;
