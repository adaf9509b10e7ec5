/** A message to be published, as it lies in the spool. */
export interface Outgoing {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** The length of a header of JSON, u32 little endian; the header; the payload. */
export function encodeOutgoing({ payload, ...header }: Outgoing): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const bytes = new Uint8Array(4 + json.length + payload.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(payload, 4 + json.length);
  return bytes;
}

export function decodeOutgoing(bytes: Uint8Array): Outgoing {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 4, length).toString()) as Omit<Outgoing, 'payload'>;
  return { ...header, payload: bytes.subarray(4 + length) };
}
