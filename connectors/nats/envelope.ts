import type { Incoming } from './client.js';
import type { Envelope } from './packing.js';

/** Longer ones are no ids, types or encodings that anyone gives. */
const LONGEST = 1_024;

/** What the reader has to know of a message beside its payload. */
export function envelopeOf(message: Incoming, sequence: number, time: number): Envelope {
  const header = (name: string): string => {
    const text = message.header(name) ?? '';
    return text.length > LONGEST ? '' : text;
  };
  return { subject: message.subject, id: header('nats-msg-id'), contentType: header('content-type'), encoding: header('content-encoding'), sequence, time };
}
