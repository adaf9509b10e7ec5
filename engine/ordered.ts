import { allocateBatch, appendRow, restoreRow, saveRow, type Batch, type Row, type SavedRow } from './batch.js';
import type { Time } from './clock.js';
import { compareFindings, type Finding } from './finding.js';
import type { Names } from './operator.js';

/** One row held, by its own: rows wait here for at most the lead of their source. */
interface HeldRow extends Row {
  readonly text: string;
  readonly input: number;
  /** It goes out when the watermark is beyond this. */
  readonly due: Time;
}

interface HeldFinding {
  readonly input: number;
  readonly due: Time;
  readonly finding: Finding;
}

/** What an aligner holds, as JSON. */
export interface SavedAligner {
  readonly rows: readonly SavedRow<HeldRow>[];
  readonly findings: readonly HeldFinding[];
}

/** What comes out: runs of rows of one input, and findings, in order. */
export type Aligned = { readonly input: number; readonly batch: Batch } | { readonly input: number; readonly finding: Finding };

/**
 * Puts the inputs of a sink into the one order that depends neither on placement nor on how far the watermark moves at
 * once: holds rows and findings until it has passed them, then gives rows by (time, series text, input) and findings by
 * (time, id, revision), those of one time after its rows. What comes late waits until all inputs are beyond the watermark
 * that it came after, and stands where that one does: a shard that is ahead of the others brings it no sooner.
 */
export class Aligner {
  #rows: HeldRow[] = [];
  #findings: HeldFinding[] = [];

  constructor(
    /** Names of the further columns of each input. */
    readonly inputs: readonly (readonly string[])[],
    readonly names: Names,
  ) {}

  /** `after`: the watermark that its sender had told before. */
  add(input: number, batch: Batch, after: Time): void {
    const arrays = this.inputs[input]!.map((name) => batch.columns[name]!);
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      this.#rows.push({ time: batch.time[i]!, text: this.names.text(slot), slot, input, value: batch.value[i]!, flags: batch.flags[i]!, columns: arrays.map((a) => a[i]!), due: Math.max(batch.time[i]!, after) });
    }
  }

  hold(input: number, finding: Finding, after: Time): void {
    this.#findings.push({ input, finding, due: Math.max(finding.time, after) });
  }

  /** Rows and findings held. */
  get size(): number {
    return this.#rows.length + this.#findings.length;
  }

  /** All that the watermark has passed, in order. Sorting is stable: rows alike stay as they came, which is the order of their source. */
  *release(watermark: Time): Generator<Aligned> {
    const rows = this.#rows.filter((row) => row.due < watermark);
    const findings = this.#findings.filter(({ due }) => due < watermark);
    if (rows.length > 0) this.#rows = this.#rows.filter((row) => !(row.due < watermark));
    if (findings.length > 0) this.#findings = this.#findings.filter(({ due }) => !(due < watermark));
    rows.sort((a, b) => a.due - b.due || a.time - b.time || (a.text < b.text ? -1 : a.text > b.text ? 1 : a.input - b.input));
    findings.sort((a, b) => a.due - b.due || compareFindings(a.finding, b.finding) || a.input - b.input);
    let from = 0;
    for (const each of findings) {
      const to = rows.findIndex((row, i) => i >= from && row.due > each.due);
      yield* this.#runs(rows, from, to < 0 ? rows.length : to);
      from = to < 0 ? rows.length : to;
      yield each;
    }
    yield* this.#runs(rows, from, rows.length);
  }

  /** As long as they are of one input. */
  *#runs(rows: readonly HeldRow[], first: number, end: number): Generator<Aligned> {
    for (let from = first; from < end; ) {
      let to = from + 1;
      while (to < end && rows[to]!.input === rows[from]!.input) to += 1;
      yield { input: rows[from]!.input, batch: this.#batch(rows, from, to) };
      from = to;
    }
  }

  #batch(rows: readonly HeldRow[], from: number, to: number): Batch {
    const names = this.inputs[rows[from]!.input]!;
    const batch = allocateBatch(names, to - from);
    for (let i = from; i < to; i++) appendRow(batch, names, rows[i]!);
    return batch;
  }

  save(): SavedAligner {
    return { rows: this.#rows.map(saveRow), findings: [...this.#findings] };
  }

  restore(saved: SavedAligner): void {
    this.#rows = saved.rows.map(restoreRow);
    this.#findings = [...saved.findings];
  }
}
