/** What an operator keeps of a series outside columns, in two parts, as one; each may be missing. */
export function joinSaved(first: Uint8Array | undefined, second: Uint8Array | undefined): Uint8Array | undefined {
  if (first === undefined && second === undefined) return undefined;
  const bytes = first?.length ?? 0;
  const saved = new Uint8Array(4 + bytes + (second?.length ?? 0));
  new DataView(saved.buffer).setUint32(0, bytes, true);
  if (first !== undefined) saved.set(first, 4);
  if (second !== undefined) saved.set(second, 4 + bytes);
  return saved;
}

/** The two parts again; one that was missing is empty. */
export function splitSaved(saved: Uint8Array): [Uint8Array, Uint8Array] {
  const end = 4 + new DataView(saved.buffer, saved.byteOffset).getUint32(0, true);
  return [saved.subarray(4, end), saved.subarray(end)];
}
