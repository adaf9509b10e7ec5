/** What follows a column's `=` in line protocol of version 2 where eight bytes of a double follow. */
export const DOUBLE = Uint8Array.of(0x3d, 0x10);

const DOUBLE_BYTES = DOUBLE.length + 8;

const SPECIAL = /[ ,=\n\r\\]/g;

/** A table, column or symbol as it stands in a line. */
export function escaped(text: string): string {
  return text.replaceAll(SPECIAL, String.raw`\$&`);
}

/** Where each line ends. Escaped newlines, and the bytes of numbers, end none. */
export function lineEnds(body: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = 0; at < body.length; ) {
    if (body[at] === BACKSLASH) at += 2;
    else if (isDouble(body, at)) at += 1 + DOUBLE_BYTES;
    else {
      at += 1;
      if (body[at - 1] === NEWLINE) ends.push(at);
    }
  }
  return ends;
}

/** A line with its numbers as text: people can read and mend it, and QuestDB takes it as well. */
export function readableLine(line: Uint8Array): string {
  const parts: string[] = [];
  let begin = 0;
  const text = (end: number) => Buffer.from(line.buffer, line.byteOffset + begin, end - begin).toString();
  for (let at = 0; at < line.length; ) {
    if (line[at] === BACKSLASH) at += 2;
    else if (!isDouble(line, at)) at += 1;
    else {
      const number = new DataView(line.buffer, line.byteOffset + at + 1 + DOUBLE.length).getFloat64(0, true);
      parts.push(`${text(at + 1)}${String(number)}`);
      at += 1 + DOUBLE_BYTES;
      begin = at;
    }
  }
  return parts.join('') + text(line.length).trimEnd();
}

/** An `=` that is followed by a double. Elsewhere an `=` after an `=` is escaped, or in quotes, where the mark can't be. */
function isDouble(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === EQUALS && bytes[at + 1] === DOUBLE[0] && bytes[at + 2] === DOUBLE[1];
}

const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;
