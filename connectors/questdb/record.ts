import type { RecordMemory } from './record-memory.js';

/** What a record of the spool holds: lines for one table, and what the table must have before it takes them. */
export interface TableLines {
  readonly kind: 'rows' | 'findings';
  readonly node: string;
  readonly table: string;
  readonly rows: number;
  /** Columns of numbers beside its own, and of labels. */
  readonly columns: readonly string[];
  readonly labels: readonly string[];
  readonly body: Uint8Array;
}

/** The length of a header of JSON, u32 little endian; the header; the lines. Takes a copy of these. */
export function encodeLines({ body, ...header }: TableLines, memory: RecordMemory): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const bytes = memory.take(4 + json.length + body.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(body, 4 + json.length);
  return bytes;
}

export function decodeLines(bytes: Uint8Array): TableLines {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 4, length).toString()) as Omit<TableLines, 'body'>;
  return { ...header, body: bytes.subarray(4 + length) };
}
