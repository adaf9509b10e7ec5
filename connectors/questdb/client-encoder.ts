import { createBuffer, SenderOptions, type SenderBuffer } from '@questdb/nodejs-client';
import { KNOWN_SERIES, RECORD_BYTES } from './limits.js';
import { microseconds, type RowEncoder, type TableShape } from './row-encoder.js';
import { symbolsOf } from './series-symbols.js';

/** The client counts no escapes when it looks for room, and cuts off what has none: so there is always room for a row of nothing but escapes. */
const ROOM = 8 * RECORD_BYTES;

/** A buffer of the client for line protocol of version 2. It is never sent by the client, which empties it before the server has answered. */
export function clientBuffer(): SenderBuffer {
  return createBuffer(new SenderOptions(`http::addr=unused;protocol_version=2;init_buf_size=${ROOM};max_buf_size=${8 * ROOM}`));
}

/** Encodes by QuestDB's client: a call for each symbol and number. */
export class ClientEncoder implements RowEncoder {
  readonly #shape: TableShape;
  readonly #buffer = clientBuffer();
  /** By slot. */
  readonly #known = new Map<number, { readonly series: string; readonly symbols: ReturnType<typeof symbolsOf> }>();
  rows = 0;

  constructor(shape: TableShape) {
    this.#shape = shape;
  }

  get bytes(): number {
    return this.#buffer.currentPosition();
  }

  add(slot: number, series: string, time: number, value: number, columns: readonly (Float64Array | undefined)[], i: number): boolean {
    const symbols = this.#symbols(slot, series);
    if (symbols === undefined) return false;
    const buffer = this.#buffer.table(this.#shape.table);
    for (const [column, text] of symbols) buffer.symbol(column, text);
    buffer.floatColumn('value', value);
    for (let k = 0; k < this.#shape.columns.length; k++) {
      const number = columns[k]?.[i] ?? Number.NaN;
      if (!Number.isNaN(number)) buffer.floatColumn(this.#shape.columns[k]!, number);
    }
    buffer.at(microseconds(time), 'us');
    this.rows += 1;
    return true;
  }

  take(): Uint8Array {
    const taken = this.#buffer.toBufferNew() ?? new Uint8Array();
    this.rows = 0;
    return taken;
  }

  #symbols(slot: number, series: string): ReturnType<typeof symbolsOf> {
    const known = this.#known.get(slot);
    if (known?.series === series) return known.symbols;
    if (this.#known.size >= KNOWN_SERIES) this.#known.clear();
    const symbols = symbolsOf(series, this.#shape.labels);
    this.#known.set(slot, { series, symbols });
    return symbols;
  }
}
