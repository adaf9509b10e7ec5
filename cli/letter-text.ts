import { payloadOf } from '../engine/connector.js';
import type { StoredLetter } from '../engine/dead-letter-files.js';

/** Characters of a row of text, and bytes of a row of a hex dump. */
const WIDTH = 100;
const HEX_BYTES = 16;

/** The payload of a letter as rows of a terminal, with a mark under the byte where it goes wrong; a hex dump where it is no text. */
export function payloadRows({ offset, ...letter }: StoredLetter): string[] {
  const bytes = payloadOf(letter);
  const binary = letter.encoding === 'base64' || /[\u0000-\u0008\u000e-\u001f]/.test(letter.payload);
  const kept = offset !== undefined && offset <= bytes.length ? offset : undefined;
  const rows = binary ? hexRows(bytes, kept) : textRows(letter.payload, bytes, kept);
  if (kept !== offset) rows.push(`(byte ${offset} is not kept)`);
  return rows;
}

function textRows(payload: string, bytes: Uint8Array, offset: number | undefined): string[] {
  const rows: string[] = [];
  /** The character that is marked. */
  const wrong = offset === undefined ? -1 : Array.from(Buffer.from(bytes.subarray(0, offset)).toString()).length;
  let at = 0;
  for (const line of payload.split('\n')) {
    const characters = Array.from(line);
    for (let from = 0; from === 0 || from < characters.length; from += WIDTH) {
      const row = characters.slice(from, from + WIDTH);
      rows.push(printable(row.join('')));
      const column = wrong - at - from;
      // Just behind a line is its end; just behind a row that goes on is the next row.
      const last = from + WIDTH >= characters.length;
      if (column >= 0 && (column < row.length || (last && column === row.length))) rows.push(mark(column, offset!));
    }
    at += characters.length + 1;
  }
  return rows;
}

function hexRows(bytes: Uint8Array, offset: number | undefined): string[] {
  const rows: string[] = [];
  for (let from = 0; from < bytes.length; from += HEX_BYTES) {
    const row = [...bytes.subarray(from, from + HEX_BYTES)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '\u00b7')).join('');
    const place = from.toString(16).padStart(8, '0');
    rows.push(`${place}  ${hex.padEnd(3 * HEX_BYTES)} ${text}`);
    if (offset !== undefined && offset >= from && offset < from + row.length) rows.push(mark(place.length + 2 + 3 * (offset - from), offset));
  }
  return rows;
}

function mark(column: number, offset: number): string {
  return `${' '.repeat(column)}^ byte ${offset}`;
}

/** Refused input may hold anything: what would move the cursor of a terminal is shown as a dot. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\u00b7');
}
