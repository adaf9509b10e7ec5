import type { PayloadDecoder } from './decoding.js';
import { Exposition } from './exposition.js';
import { JsonPayload, NdjsonPayload } from './json.js';
import type { PayloadKind } from './kind.js';
import { LineProtocol } from './line-protocol.js';
import type { Precision } from './precision.js';

/** Forms that are text; a frame needs the dictionary of its publisher. */
export type TextKind = Exclude<PayloadKind, 'frame'>;

/** The decoders of one connector, made when first asked for. They keep what they know of the series. */
export class TextDecoders {
  readonly #made = new Map<string, PayloadDecoder>();

  /** `precision`: of the timestamps of line protocol. */
  get(kind: TextKind, precision: Precision = 'ns'): PayloadDecoder {
    const key = kind === 'influx' ? `${kind} ${precision}` : kind;
    let decoder = this.#made.get(key);
    if (decoder === undefined) this.#made.set(key, (decoder = make(kind, precision)));
    return decoder;
  }
}

function make(kind: TextKind, precision: Precision): PayloadDecoder {
  switch (kind) {
    case 'json':
      return new JsonPayload();
    case 'ndjson':
      return new NdjsonPayload();
    case 'influx':
      return new LineProtocol(precision);
    default:
      return new Exposition(kind);
  }
}
