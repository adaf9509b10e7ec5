import type { Finding } from './finding.js';

/**
 * What moves along an edge. A message is a frame of a channel: a kind, the link it belongs to, a number
 * (`time` of a watermark, number of a barrier) and either columns of rows or bytes.
 */
export const MessageKind = {
  /** Rows of a link. */
  rows: 1,
  /** Findings of a link, JSON lines. */
  findings: 2,
  /** No row before `time` comes on this link any more. */
  watermark: 3,
  /** The cut of checkpoint `time`, on the whole channel. */
  barrier: 4,
  /** Nothing comes any more on this link. */
  end: 5,
  /** Series announced or released, derivations, blocks: JSON. */
  series: 6,
  /** A training task's answer. */
  answer: 7,
  /** The sources that only teach have ended: what comes on this link from now on is of the present. `time` 1: they had before a restart. */
  present: 8,
} as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** A finding as a line of a message. */
export function findingLine(finding: Finding): Uint8Array {
  return Buffer.from(`${JSON.stringify(finding)}\n`);
}

/** The findings of a whole message. */
export function findingsOf(bytes: Uint8Array): Finding[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString().split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Finding);
}
