/** What a server takes at most, in characters as JavaScript counts them. */
const MAX_LABELS = 64;
const MAX_CHARACTERS = 4_096;

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:.\-/]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_.\-/]*$/;

export type Labels = Readonly<Record<string, string>>;

/** Takes rows of a series. */
export interface RowSink {
  row(series: PublishedSeries, time: number, value: number, flags: number): boolean;
}

export const STALE = 1;

/** A series of one publisher: keep it where samples of it are taken often, it spares the look-up of name and labels. */
export class PublishedSeries {
  /** As it stands in a frame's dictionary. */
  readonly entry: Uint8Array;
  /** Its index in the dictionary that began with frame `dictionary`. */
  index = 0;
  dictionary = -1;
  /** The last batch that it has rows in. */
  batch = -1;
  readonly #sink: RowSink;

  /** Throws a `TypeError` that says what no server would take. */
  constructor(name: string, labels: Labels, sink: RowSink) {
    this.entry = encodeEntry(name, labels);
    this.#sink = sink;
  }

  /** Adds a sample: `time` in ms since the epoch, a finite value. False when it was not taken: not a finite number, or too many rows wait (see `counts`). */
  add(time: number, value: number): boolean {
    return this.#sink.row(this, time, value, 0);
  }

  /** The series ends here: nothing more is known of it until its next sample. */
  stale(time: number): boolean {
    return this.#sink.row(this, time, Number.NaN, STALE);
  }
}

/** The same text for labels in any order. */
export function seriesKey(name: string, labels: Labels): string {
  let key = name;
  for (const label of Object.keys(labels).sort()) key += `\0${label}\0${labels[label]!}`;
  return key;
}

/** u16 length of the rest, then name, label, value, label, value, ... each with its u16 length in bytes of UTF-8. */
function encodeEntry(name: string, labels: Labels): Uint8Array {
  if (!NAME.test(name)) throw new TypeError(`metric name ${JSON.stringify(name)} does not match ${NAME.source}`);
  const strings = [name];
  let characters = name.length;
  // An empty value means "no such label".
  for (const [label, value] of Object.entries(labels)) {
    if (!LABEL.test(label) || label === '__proto__') throw new TypeError(`label name ${JSON.stringify(label)} of ${name} does not match ${LABEL.source}`);
    if (typeof value !== 'string') throw new TypeError(`label ${label} of ${name} must be a string, not ${typeof value}`);
    if (value === '') continue;
    strings.push(label, value);
    characters += label.length + value.length + 4;
  }
  if (strings.length > 2 * MAX_LABELS + 1) throw new TypeError(`${name} has ${(strings.length - 1) / 2} labels, at most ${MAX_LABELS} are taken`);
  if (characters > MAX_CHARACTERS) throw new TypeError(`name and labels of ${name.slice(0, 80)} are ${characters} characters long, at most ${MAX_CHARACTERS} are taken`);
  const encoder = new TextEncoder();
  const parts = strings.map((text) => encoder.encode(text));
  const entry = new Uint8Array(parts.reduce((length, part) => length + 2 + part.length, 2));
  const view = new DataView(entry.buffer);
  view.setUint16(0, entry.length - 2, true);
  let at = 2;
  for (const part of parts) {
    view.setUint16(at, part.length, true);
    entry.set(part, at + 2);
    at += 2 + part.length;
  }
  return entry;
}
