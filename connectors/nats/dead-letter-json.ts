import type { RefusedInput } from '../../engine/connector.js';
import { DEAD_LETTER_BYTES } from '../../engine/limits.js';

/** A refused message as it is published: JSON, with the first 4 KiB of the payload, in base64 where they are no UTF-8. */
export function deadLetterJson(node: string, at: number, { payload, ...letter }: RefusedInput): Uint8Array {
  const whole = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const cut = whole.length > DEAD_LETTER_BYTES;
  const kept = whole.subarray(0, DEAD_LETTER_BYTES);
  return Buffer.from(JSON.stringify({ node, at: new Date(at).toISOString(), ...letter, ...asText(kept, cut), ...(cut && { bytes: whole.length }) }));
}

function asText(bytes: Uint8Array, cut: boolean): { readonly payload: string; readonly encoding?: 'base64' } {
  try {
    // The cut may have halved a character.
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }) };
  } catch {
    return { payload: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}
