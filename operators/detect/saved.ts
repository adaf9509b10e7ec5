/** What is kept of one series outside columns, in one piece: what people said of it, and a season that was found. */
export function saveBoth(verdicts: Uint8Array | undefined, season: Uint8Array | undefined): Uint8Array | undefined {
  if (verdicts === undefined && season === undefined) return undefined;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(verdicts?.byteLength ?? 0);
  return Buffer.concat([length, verdicts ?? new Uint8Array(), season ?? new Uint8Array()]);
}

export function restoreBoth(saved: Uint8Array): [verdicts: Uint8Array | undefined, season: Uint8Array | undefined] {
  const end = 4 + new DataView(saved.buffer, saved.byteOffset).getUint32(0, true);
  return [end > 4 ? saved.subarray(4, end) : undefined, saved.byteLength > end ? saved.subarray(end) : undefined];
}
