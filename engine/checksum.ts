import * as zlib from 'node:zlib';
import { systemTimers } from './timers.js';

/** Bytes hashed between two turns of the event loop: under a millisecond by zlib, about ten by the table. */
const SLICE = 4 * 1024 * 1024;

const table = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 (IEEE 802.3, as zlib) by table; for a Node without `zlib.crc32` (before 20.15). */
export function tableChecksum(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** CRC-32 of bytes, going on from the checksum of those before. zlib begins anew where there are none. */
export const checksum: (bytes: Uint8Array, before?: number) => number = typeof zlib.crc32 === 'function' ? (bytes, before = 0) => (bytes.length === 0 ? before : zlib.crc32(bytes, before)) : tableChecksum;

/** The same for many bytes, a slice at a time, so that the event loop turns between slices. */
export async function checksumInSlices(bytes: Uint8Array): Promise<number> {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += SLICE) {
    if (at > 0) await systemTimers.turn();
    crc = checksum(bytes.subarray(at, at + SLICE), crc);
  }
  return crc;
}
