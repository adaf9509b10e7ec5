import { STALE, type Batch } from '../../engine/batch.js';
import type { Names } from '../../engine/operator.js';
import { FrameEncoder, HEADER_BYTES, ROW_BYTES, type Rows } from '../../publish/frame.js';
import { PublishedSeries, type RowSink } from '../../publish/series.js';
import { FRAME_TYPE } from '../payload/frame.js';
import { KNOWN_SERIES, PAYLOAD_BYTES, PAYLOAD_ROWS } from './limits.js';
import { columnName, type RowForm } from './row-form.js';

/** A series of a slot: its value, and each further column as a series of its own. */
interface Known {
  readonly text: string;
  readonly value: PublishedSeries;
  readonly columns: Map<string, PublishedSeries>;
}

/** Columnar frames, each readable by itself. */
export class RowFrames implements RowForm, RowSink {
  readonly contentType = FRAME_TYPE;
  readonly #encoder: FrameEncoder;
  readonly #known = new Map<number, Known>();
  readonly #rows: Rows = { length: 0, time: new Float64Array(PAYLOAD_ROWS), value: new Float64Array(PAYLOAD_ROWS), flags: new Uint8Array(PAYLOAD_ROWS), series: [] };
  /** Bytes that the rows need at most, and the number of this frame, by which a series knows that it has its name in it. */
  #bytes = HEADER_BYTES;
  #frame = 0;

  /** `publisher`: eight bytes that no other has. */
  constructor(publisher: Uint8Array) {
    this.#encoder = new FrameEncoder(publisher, 1, Infinity);
  }

  add(batch: Batch, names: Names, i: number): 'added' | 'full' {
    const known = this.#find(batch, names, batch.slot[i]!);
    let bytes = this.#bytes + this.#bytesOf(known.value);
    let rows = this.#rows.length + 1;
    for (const series of known.columns.values()) {
      bytes += this.#bytesOf(series);
      rows += 1;
    }
    if (this.#rows.length > 0 && (bytes > PAYLOAD_BYTES || rows > PAYLOAD_ROWS)) return 'full';
    const time = batch.time[i]!;
    if ((batch.flags[i]! & STALE) !== 0) {
      known.value.stale(time);
      for (const series of known.columns.values()) series.stale(time);
      return 'added';
    }
    known.value.add(time, batch.value[i]!);
    for (const [column, series] of known.columns) series.add(time, batch.columns[column]![i]!);
    return 'added';
  }

  /** For `PublishedSeries`. What is no number says nothing, and is left out. */
  row(series: PublishedSeries, time: number, value: number, flags: number): boolean {
    if (flags === 0 && !Number.isFinite(value)) return false;
    this.#bytes += this.#bytesOf(series);
    series.batch = this.#frame;
    const rows = this.#rows;
    const i = rows.length++;
    rows.time[i] = time;
    rows.value[i] = value;
    rows.flags[i] = flags;
    rows.series[i] = series;
    return true;
  }

  take(): { readonly payload: Uint8Array; readonly id: string } | undefined {
    if (this.#rows.length === 0) return undefined;
    const { bytes: payload, id } = this.#encoder.encode(this.#rows);
    this.#rows.length = 0;
    this.#bytes = HEADER_BYTES;
    this.#frame += 1;
    return { payload, id };
  }

  #bytesOf(series: PublishedSeries): number {
    return ROW_BYTES + (series.batch === this.#frame ? 0 : series.entry.length);
  }

  /** Of a slot that another series has now, the old one is forgotten. */
  #find(batch: Batch, names: Names, slot: number): Known {
    const text = names.text(slot);
    let known = this.#known.get(slot);
    if (known?.text !== text) {
      const { name, labels } = names.series(slot);
      known = { text, value: new PublishedSeries(name, labels, this), columns: new Map() };
      if (this.#known.size >= KNOWN_SERIES) this.#known.clear();
      this.#known.set(slot, known);
    }
    for (const column of Object.keys(batch.columns)) {
      if (known.columns.has(column)) continue;
      const { name, labels } = names.series(slot);
      known.columns.set(column, new PublishedSeries(columnName(name, column), labels, this));
    }
    return known;
  }
}
