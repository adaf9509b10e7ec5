import type { Time } from '../../engine/clock.js';
import type { Intake } from '../../engine/connector.js';

/** Bytes of a line at most; a longer one is a mistake of the publisher. */
export const MAX_LINE_BYTES = 65_536;

/** Takes the samples: the part of an intake that decoders need. */
export type Samples = Pick<Intake, 'add'>;

/** A line or sample that is lost; what stands around it is taken. */
export interface Problem {
  readonly reason: string;
  /** Byte in the payload where it goes wrong. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** The bytes lost: `payload[from .. to)`. */
  readonly from: number;
  readonly to: number;
  /** In the array, where it is an element of one. */
  readonly index?: number;
}

/** What became of one payload. */
export interface Decoded {
  /** Samples taken. */
  readonly added: number;
  /** Samples that `add` refused; it tells why. */
  readonly refused: number;
  /** Values that are no numbers: strings. */
  readonly skipped: number;
  /** Problems told. */
  readonly bad: number;
  /** Names of members that samples don't have, and that were passed over; the first of them. */
  readonly unknown?: readonly string[];
}

/** Decodes whole payloads of one form, one after another; what it keeps between them makes it faster and changes nothing. */
export interface PayloadDecoder {
  /** `now`: the receiver's clock, for samples without a time, and against times in the future. Never throws for what the payload holds; what `add` or `tell` throw ends it. */
  decode(payload: Uint8Array, now: Time, into: Samples, tell: (problem: Problem) => void): Decoded;
}

/** The same memory as a `Buffer`, for its native searches. */
export function asBuffer(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length);
}

/** The same memory, for reading several bytes at once. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Between two payloads. */
export const NO_BYTES: Buffer = Buffer.alloc(0);
export const NO_VIEW: DataView = viewOf(NO_BYTES);

/** Where the text begins: after a byte order mark, if there is one. */
export function textStart(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
