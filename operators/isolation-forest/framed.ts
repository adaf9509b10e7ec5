/** Bytes that begin with a head of plain data: u32 its length, the head as JSON, then the body. */
export function frame(head: unknown, ...body: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(4 + text.length + body.reduce((sum, part) => sum + part.length, 0));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const part of body) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function unframe<Head>(bytes: Uint8Array): { head: Head; body: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  return { head: JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head, body: bytes.subarray(4 + length) };
}

export function bytesOfNumbers(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** A copy: numbers must lie at multiples of eight. */
export function numbersOfBytes(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer);
}
