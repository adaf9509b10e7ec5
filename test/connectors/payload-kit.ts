import type { Decoded, PayloadDecoder, Problem } from '../../connectors/payload/decoding.js';

export const NOW = 1_700_000_000_000;

export type Row = readonly [series: string, value: number, time: number];

export interface Told extends Decoded {
  readonly rows: readonly Row[];
  readonly problems: readonly Problem[];
}

/** What a decoder makes of a payload that lies in the middle of a larger memory. */
export function decoded(decoder: PayloadDecoder, payload: string | Uint8Array, now = NOW): Told {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const memory = new Uint8Array(bytes.length + 11).fill(0x22);
  memory.set(bytes, 7);
  const rows: Row[] = [];
  const problems: Problem[] = [];
  const into = { add: (time: number, series: string, value: number): boolean => rows.push([series, value, time]) > 0 };
  const counts = decoder.decode(memory.subarray(7, 7 + bytes.length), now, into, (problem) => problems.push(problem));
  return { ...counts, rows, problems };
}
